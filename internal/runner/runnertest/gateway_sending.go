package runnertest

import (
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// confirm is the call that spends money. From its last line on it has
// happened, whatever becomes of the answer.
func (g *Gateway) confirm(d *draft, call campaign.Call, now time.Time) campaign.Outcome {
	simulated := d.simulated || call.Simulation
	switch {
	case d.stage == confirmed && !g.ConfirmsAgain:
		return no(409, "status", "the campaign is already confirmed")
	case d.stage < calculated:
		return no(400, "status", "cost must be calculated before confirming")
	case d.goal.Valid == 0:
		return no(400, "contactListId", "contact list has no valid recipients")
	case !call.At.IsZero() && !call.At.After(now):
		return no(400, "scheduledDate", "the date is not in the future")
	case !simulated && d.cost.GreaterThan(g.credit):
		return no(402, "credit", "insufficient credit")
	}
	d.simulated = simulated
	if !simulated {
		g.credit = g.credit.Sub(d.cost)
	}
	d.stage, d.start, d.scheduled = confirmed, now.Add(g.StartsAfter), !call.At.IsZero()
	if d.scheduled {
		d.start = call.At
	}
	if l := g.listOf(d.List); l != nil && !simulated {
		for phone, line := range l.phones {
			if now := g.contacts[phone]; strings.Contains(line, ",") && now != line {
				g.garbled = append(g.garbled, fmt.Sprintf("campaign %d: %s instead of %s, when it was confirmed", d.ID, now, line))
			}
		}
	}
	d.Confirms++
	d.Standing = append(d.Standing, d.start)
	o := yes
	if !g.Wordless {
		o.ConfirmedAt, o.Status = now.UTC(), campaign.StatusConfirmed
	}
	return o
}

// undo takes back what was confirmed and has not begun.
func (g *Gateway) undo(d *draft) {
	if !d.simulated {
		g.credit = g.credit.Add(d.cost)
	}
	d.Undone++
	d.Standing = d.Standing[:len(d.Standing)-1]
}

func (g *Gateway) status(d *draft, now time.Time) campaign.Status {
	passed := now.Sub(d.start)
	switch {
	case d.stage < confirmed:
		return campaign.StatusUnconfirmed
	case passed < 0:
		return campaign.StatusConfirmed
	case g.Fails && passed >= g.sendsFor()/2:
		return campaign.StatusFailed
	case passed < g.sendsFor():
		return campaign.StatusSending
	}
	return campaign.StatusCompleted
}

func (g *Gateway) sendsFor() time.Duration {
	if g.SendsFor == 0 {
		return time.Minute
	}
	return g.SendsFor
}

// stats counts the messages: they leave evenly over the time of the sending,
// and one of 34 is not delivered (289 of the 9,831 of UC-006).
func (g *Gateway) stats(d *draft, now time.Time) campaign.Stats {
	s := campaign.Stats{Status: g.status(d, now), Total: d.goal.Valid, Cost: euros(d.cost)}
	if passed := now.Sub(d.start); d.stage == confirmed && passed > 0 {
		if g.Fails {
			passed = min(passed, g.sendsFor()/2)
		}
		// In steps of a tenth, so that no list is too long for the product.
		s.Sent = s.Total * int64(min(10*passed/g.sendsFor(), 10)) / 10
	}
	s.Undelivered = s.Sent / 34
	s.Delivered = s.Sent - s.Undelivered
	s.Pending = s.Total - s.Sent
	if s.Sent > 0 {
		s.DeliveryRate = decimal.NewNullDecimal(decimal.NewFromInt(100*s.Delivered).DivRound(decimal.NewFromInt(s.Sent), 2))
	}
	if s.Status == campaign.StatusCompleted {
		s.CompletedAt = d.start.Add(g.sendsFor()).UTC()
	}
	return s
}
