package simulate

import (
	"context"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

var (
	instants = []time.Duration{0, 3 * time.Hour, 40 * time.Second, 9 * time.Minute, 40 * 24 * time.Hour}
	expiries = []time.Duration{0, 4 * time.Hour, 30 * time.Second, 90 * time.Second, 4 * time.Minute}
	starts   = []time.Duration{0, 3 * time.Second, 20 * time.Second, 4 * time.Minute}
	// The clocks: how far those of the streams and of A, B and C are ahead of the
	// gateway's.
	clocks = [][4]time.Duration{
		{}, {3 * time.Second}, {5 * time.Minute}, {-3 * time.Second}, {-5 * time.Minute},
		{0, 3 * time.Second, -3 * time.Second}, {0, -3 * time.Minute, 3 * time.Minute, 0}, {0, 5 * time.Minute, -5 * time.Minute, time.Minute},
		{0, -90 * time.Second, 0, 90 * time.Second}, {5 * time.Minute, -5 * time.Minute, 5 * time.Minute}, {-5 * time.Minute, 5 * time.Minute, -5 * time.Minute},
		{3 * time.Second, -2 * time.Minute, -70 * time.Second, 2 * time.Minute}, {-3 * time.Second, 4 * time.Minute, 5 * time.Minute, -4 * time.Minute},
	}
	moments = []time.Duration{0, time.Second, 3 * time.Minute, time.Hour}

	wellOff = decimal.NewFromInt(1500)
	poor    = decimal.NewFromInt(1)
)

// weakSpots are the calls at which a fault does the most harm. Every other
// history has two of them, where every other call goes wrong.
var weakSpots = []string{
	"call confirm", "call delete", "call status", "call create", "call configure",
	"save drafted", "save confirming", "save confirmed", "save abandoning", "save cancelling",
	"publish cost_calculated", "load", "arm",
}

// drawHistory decides what kind of history it will be: the request, the kind of
// gateway, how much goes wrong, and which messages other people send.
func (w *World) drawHistory() {
	t := &w.tape
	w.workers = w.totals[:[]int{2, 1, 3}[t.Choose(3)]]
	w.faultsLeft = t.Choose(5)
	w.oneIn = []int{12, 4, 40}[t.Choose(3)]
	w.weakSpots = [2]string{}
	if t.Choose(2) == 1 {
		w.weakSpots = [2]string{w.weakSpot(), w.weakSpot()}
	}
	w.powerAt = t.Rarely(3, 80) - 1
	if w.liesLeft = t.Rarely(2, 3); w.liesLeft > 0 {
		w.faultsLeft = max(w.faultsLeft, w.liesLeft)
		w.backupAt = t.Rarely(3, 40) - 1
	}
	clock := clocks[t.Rarely(2, len(clocks))]
	w.skew = clock[0]
	for i, k := range w.totals {
		k.ahead = clock[1+i]
	}

	w.request = campaign.Request{Name: "Black Friday 2026", Sender: "ShopItalia", Text: "Black Friday!", ListID: listID}
	w.bring()
	if in := instants[t.Rarely(2, len(instants))]; in > 0 {
		if in > 24*time.Hour && t.Rarely(20, 2) == 0 {
			in = instants[1]
		}
		w.request.At = w.now.Add(in).Round(0).UTC()
	}
	if in := expiries[t.Rarely(3, len(expiries))]; in > 0 {
		w.request.ExpiresAt = w.now.Add(in).Round(0).UTC()
	}

	g := w.gateway
	g.StartsAfter = starts[t.Rarely(3, len(starts))]
	if g.NoDelete = []int{0, 405, 404}[t.Rarely(5, 3)]; g.NoDelete != 0 && w.powerAt >= 0 {
		// Without the fence it is the intent that must not be lost: let it come there.
		w.powerAt %= 20
	}
	g.EditsConfirmed, g.KeepsConfirmed, g.ConfiguresOnce = false, false, false
	switch t.Choose(4) {
	case 1:
		g.EditsConfirmed = true
	case 2:
		g.KeepsConfirmed = true
	case 3:
		g.ConfiguresOnce = true
	}
	g.StatsOnly = t.Rarely(4, 2) == 1
	g.Wordless = t.Rarely(5, 2) == 1
	g.Nameless = t.Rarely(5, 2) == 1
	// Only where it is so can it have been measured.
	w.measured = t.Choose(2) == 1 && !g.EditsConfirmed
	g.ConfirmsAgain = t.Choose(2) == 1
	g.Fails = t.Rarely(10, 2) == 1
	g.SetCredit(wellOff)
	if t.Rarely(25, 2) == 1 {
		g.SetCredit(poor)
		w.observed.refusal = true
	}

	w.budgeted = t.Rarely(4, 2) == 1
	w.drawLimits()

	asked := runner.Wakeup{Key: key, Kind: runner.WakeRequest, Request: w.request}
	w.arrivals = append(w.arrivals, arrival{wakeup: asked})
	if t.Rarely(6, 2) == 1 {
		w.expectMessage(asked)
	}
	if t.Rarely(12, 2) == 1 {
		asked.Request.Text = "Cyber Monday!"
		w.expectMessage(asked)
	}
	if t.Rarely(3, 2) == 1 {
		w.expectMessage(runner.Wakeup{Key: key, Kind: runner.WakeCommand, Command: campaign.Cancel{By: "anna"}})
	}
	if t.Rarely(4, 2) == 1 {
		w.expectMessage(runner.Wakeup{Key: key, Kind: runner.WakeTimer})
	}
	if t.Rarely(12, 2) == 1 {
		w.expectOne(arrival{does: w.byHand})
	}
	w.drawPeople()
}

// drawLimits decides the limits of the request, and whether a person acts on
// them.
func (w *World) drawLimits() {
	t := &w.tape
	switch l := &w.request.Limits; t.Rarely(4, 3) {
	case 1:
		l.Approval = true
		// A person answers, or no answer comes.
		if answer := t.Choose(4); answer < 3 {
			m := runner.Wakeup{Key: key, Kind: runner.WakeCommand, Command: campaign.Approve{By: "anna"}}
			if answer == 2 {
				m.Command = campaign.Decline{By: "anna"}
			}
			w.expectOne(arrival{wakeup: m, answer: true})
		}
	case 2:
		l.OnNoCredit, l.CreditWithin = campaign.Wait, time.Hour
		w.gateway.SetCredit(poor)
		w.observed.refusal = true
		if t.Choose(3) > 0 {
			w.arrivals = append(w.arrivals, arrival{at: w.now.Add(20 * time.Minute), does: func() { w.gateway.SetCredit(wellOff) }})
		}
	}
}

// byHand deletes the latest campaign on the gateway's own page.
func (w *World) byHand() {
	all := w.gateway.Seen()
	if len(all) == 0 || w.observed.moved {
		return // the latest may be another customer's
	}
	permit, _ := w.gateway.Admit(context.Background(), campaign.OpDelete)
	o := permit.Call(context.Background(), campaign.Call{Op: campaign.OpDelete, CampaignID: all[len(all)-1].ID})
	w.writeLine("", "somebody deletes campaign %d by hand: %s", all[len(all)-1].ID, o.Kind)
	w.observed.byHand = w.observed.byHand || o.Kind == campaign.OK
}

// expectMessage has a message sent in the middle of something.
func (w *World) expectMessage(m runner.Wakeup) { w.expectOne(arrival{wakeup: m}) }

func (w *World) expectOne(a arrival) {
	a.step, a.at = w.tape.Choose(50), w.now.Add(moments[w.tape.Rarely(2, len(moments))])
	w.arrivals = append(w.arrivals, a)
}
