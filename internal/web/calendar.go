package web

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/query"
)

// calendar is what is to be sent in the coming days.
type calendar struct {
	Days []day
	Cut  bool
}

// day is one day that has something in it.
type day struct {
	At    time.Time
	Name  string
	Items []item
	Costs []campaign.Money // what is known of what it costs, by currency
}

// item is one sending to come.
type item struct {
	At         time.Time
	Key, Name  string
	State      campaign.State // empty: a schedule will ask for it
	Recipients int64
	Cost       *campaign.Money
	Note       string
	Beside     int // how many others begin within the same hour
}

// daysShown is how far the calendar looks ahead.
const daysShown = 30

func (s *Server) calendar(v *visit) error {
	var c calendar
	end := v.now.AddDate(0, 0, daysShown)
	var items []item
	open, err := s.service.List(v.ctx, query.ListAsk{States: []string{"open"}, Page: query.Page{Limit: 2500}})
	if err != nil {
		return err
	}
	c.Cut = open.Next != ""
	for _, one := range open.Campaigns {
		if one.When.After(v.now) && one.When.Before(end) {
			items = append(items, item{At: one.When, Key: one.Key, Name: one.Name, State: one.State, Recipients: one.Recipients, Cost: one.Cost})
		}
	}
	all, err := s.service.Schedules(v.ctx, query.SchedulesAsk{Page: query.Page{Limit: schedulesShown}})
	if err != nil {
		return err
	}
	c.Cut = c.Cut || all.Next != ""
	for _, r := range all.Schedules {
		if r.Paused {
			continue
		}
		var request struct{ Name string }
		if err := json.Unmarshal(r.Request, &request); err != nil {
			return err
		}
		for _, o := range r.Next(v.now, daysShown) {
			if o.At.Before(end) {
				items = append(items, item{At: o.At, Key: r.Source + "." + o.ID, Name: request.Name, Note: o.Note})
			}
		}
	}
	slices.SortStableFunc(items, func(a, b item) int { return a.At.Compare(b.At) })
	c.Days = v.days(items)
	v.Live = "*"
	return v.show("calendar", v.T("calendar"), "calendar", c)
}

// days puts items under their days, in the zone of whoever looks.
func (v *visit) days(items []item) (days []day) {
	for i, one := range items {
		for j := range items {
			if d := items[j].At.Sub(one.At); j != i && d > -time.Hour && d < time.Hour {
				one.Beside++
			}
		}
		name := v.Weekday(one.At.In(v.zone))
		if len(days) == 0 || days[len(days)-1].Name != name {
			days = append(days, day{At: one.At, Name: name})
		}
		last := &days[len(days)-1]
		last.Items = append(last.Items, one)
		last.add(one.Cost)
	}
	return days
}

func (d *day) add(cost *campaign.Money) {
	if cost == nil {
		return
	}
	i := slices.IndexFunc(d.Costs, func(m campaign.Money) bool { return m.Currency == cost.Currency })
	if i < 0 {
		i, d.Costs = len(d.Costs), append(d.Costs, campaign.Money{Amount: decimal.Zero, Currency: cost.Currency})
	}
	d.Costs[i].Amount = d.Costs[i].Amount.Add(cost.Amount)
}

// Weekday is a day with its name: Monday, 7 Dec 2026.
func (v *visit) Weekday(at time.Time) string {
	return strings.Fields(v.T("weekdays"))[at.Weekday()] + ", " + v.lang.date(at)
}
