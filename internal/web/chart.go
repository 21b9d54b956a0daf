package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// point is how far a sending was at one moment.
type point struct {
	At                     time.Time
	Sent, Delivered, Total int64
}

// chart is the delivery over time, in the coordinates of an SVG of 600 × 160.
type chart struct {
	Sent, Delivered string // points of a line
	Area            string // below the line of what was delivered
	Expected        string // the line of the pace that is expected
	From, To        time.Time
	Total           int64
	Last            point
	PerMinute       int64
	Ends            time.Time // when it is expected to end; zero: it has ended, or nobody can say
}

const chartWidth, chartHeight = 600.0, 160.0

// chartOf draws a chart; nil: there is nothing to draw yet.
func chartOf(points []point, rec campaign.Campaign) *chart {
	if len(points) < 2 || points[len(points)-1].Total == 0 {
		return nil
	}
	slices.SortStableFunc(points, func(a, b point) int { return a.At.Compare(b.At) })
	c := &chart{From: points[0].At, To: points[len(points)-1].At, Last: points[len(points)-1]}
	for _, p := range points {
		c.Total = max(c.Total, p.Total)
	}
	if rec.State == campaign.Sending && c.Last.Sent > 0 && c.Last.Sent < c.Total {
		took := c.To.Sub(c.From)
		left := time.Duration(float64(took) * float64(c.Total-c.Last.Sent) / float64(c.Last.Sent))
		c.Ends = c.To.Add(left)
		c.PerMinute = int64(float64(c.Last.Sent) / took.Minutes())
		c.To = c.Ends
	}
	whole := c.To.Sub(c.From)
	if whole <= 0 {
		return nil
	}
	at := func(when time.Time, n int64) string {
		return fmt.Sprintf("%.1f,%.1f", chartWidth*float64(when.Sub(c.From))/float64(whole), chartHeight*(1-float64(n)/float64(c.Total)))
	}
	var sent, delivered []string
	for _, p := range points {
		sent, delivered = append(sent, at(p.At, p.Sent)), append(delivered, at(p.At, p.Delivered))
	}
	c.Sent, c.Delivered = strings.Join(sent, " "), strings.Join(delivered, " ")
	c.Area = at(c.From, 0) + " " + c.Delivered + " " + at(c.Last.At, 0)
	if !c.Ends.IsZero() {
		c.Expected = at(c.Last.At, c.Last.Sent) + " " + at(c.Ends, c.Total)
	}
	return c
}
