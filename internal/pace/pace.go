// Package pace estimates how fast the gateway sends. It gathers what every look
// at a sending has measured, from the records as they are saved or read again.
//
// It refuses to know what the estimate is used for and how a look is measured:
// both are the business of the rules. It remembers for a day, and forgets.
package pace

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

const (
	// endedFor is how long a sending that has ended still counts. A bad day at
	// the gateway must not refuse for ever what would fit by now.
	endedFor = 24 * time.Hour
	// lostAfter is how long a sending counts without news of it. Every sending is
	// looked at every fifteen minutes, and every record is read again every ten:
	// after an hour of silence it has ended where this process did not see it.
	lostAfter = time.Hour
	// maxUnderWay is how many sendings under way are followed at the same time.
	// It bounds the memory; more of them would not change the estimate.
	maxUnderWay = 1000
	// sumFor is how long a sum is used again while nothing new is seen.
	sumFor = 10 * time.Second
)

// Estimator remembers the recent sendings: those under way, and the last
// [campaign.PaceSeen] of those that have ended. It is safe for concurrent use.
type Estimator struct {
	mu       sync.Mutex
	underWay map[campaign.Key]sending // at most maxUnderWay
	ended    []sending                // the latest first

	sum      sum       // of all of them
	sumUntil time.Time // when the sum is made again; zero: at once
}

// sending is what is known of one sending.
type sending struct {
	key       campaign.Key
	start     time.Time
	left      int64     // messages still to send
	measured  time.Time // when its pace was measured; zero: never
	sent      int64     // when it was measured
	perMinute int64
	heardAt   time.Time // when the last news of it came
}

// Observe takes a record that was saved or read. Most records add nothing: the
// campaign is not confirmed yet, or is simulated.
func (p *Estimator) Observe(c campaign.Campaign, now time.Time) {
	if c.Confirmed == nil || c.Request.Simulation {
		return
	}
	s := sending{key: c.Key, start: c.Confirmed.For, heardAt: now}
	if m := c.Progress; m != nil {
		s.measured, s.sent, s.perMinute = m.At, m.Sent, m.PerMinute
	}
	if c.Quote != nil {
		s.left = c.Quote.Goal.Valid
	}
	if c.Stats != nil {
		s.left = c.Stats.Total - c.Stats.Sent
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	known, had := p.underWay[s.key]
	switch {
	case had && known.measured.After(s.measured):
		return // an older version of the record, which arrived later
	case s.left <= 0 || c.State != campaign.Confirmed && c.State != campaign.Sending:
		delete(p.underWay, s.key)
		p.keep(s)
	case had:
		p.underWay[s.key] = s
	case len(p.underWay) < maxUnderWay && s.start.Sub(now) < lostAfter:
		if p.underWay == nil {
			p.underWay = map[campaign.Key]sending{}
		}
		p.underWay[s.key] = s
		if s.measured.IsZero() {
			p.sum.addUnderWay(s, now) // the most frequent case: it was just confirmed
			return
		}
	default:
		return
	}
	p.sumUntil = time.Time{}
}

// keep keeps a sending that has ended, if its pace was measured.
func (p *Estimator) keep(s sending) {
	if s.measured.IsZero() {
		return
	}
	p.ended = slices.DeleteFunc(p.ended, func(e sending) bool { return e.key == s.key })
	at, _ := slices.BinarySearchFunc(p.ended, s, func(e, s sending) int { return s.measured.Compare(e.measured) })
	if p.ended = slices.Insert(p.ended, at, s); len(p.ended) > campaign.PaceSeen {
		p.ended = p.ended[:campaign.PaceSeen]
	}
}

// Estimate is the estimate at an instant.
func (p *Estimator) Estimate(now time.Time) campaign.Pace {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !now.Before(p.sumUntil) {
		p.sumUp(now)
		p.sumUntil = now.Add(sumFor)
	}
	return p.sum.Pace
}

// sumUp makes the sum, and forgets what is too old.
func (p *Estimator) sumUp(now time.Time) {
	p.sum = sum{}
	p.ended = slices.DeleteFunc(p.ended, func(s sending) bool { return now.Sub(s.measured) >= endedFor })
	maps.DeleteFunc(p.underWay, func(_ campaign.Key, s sending) bool { return now.Sub(s.heardAt) >= lostAfter })
	for _, s := range p.ended {
		p.sum.addPace(s)
	}
	for _, s := range p.underWay {
		p.sum.addUnderWay(s, now)
	}
}

// sum is the estimate from all sendings together.
type sum struct{ campaign.Pace }

// addUnderWay adds a sending that is under way, unless it begins later.
func (t *sum) addUnderWay(s sending, now time.Time) {
	if s.start.After(now) {
		return
	}
	t.Others++
	t.Ahead += s.left
	t.Together += s.perMinute
	t.addPace(s)
}

// addPace adds the pace of a sending, if it was measured.
func (t *sum) addPace(s sending) {
	if s.measured.IsZero() {
		return
	}
	if t.Seen == 0 || s.perMinute < t.PerMinute {
		t.PerMinute = s.perMinute
	}
	t.Largest = max(t.Largest, s.sent)
	t.Seen++
}
