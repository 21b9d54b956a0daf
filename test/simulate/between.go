package simulate

import (
	"slices"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// This file holds what happens between the workers' steps: messages come, timers
// fire, the clock moves, the power fails.

// sendArrivals publishes the messages that are due.
func (w *World) sendArrivals(step int) {
	for i := range w.arrivals {
		a := &w.arrivals[i]
		if a.arrived || a.step > step || a.at.After(w.now) || a.answer && !w.awaitsAnswer() {
			continue
		}
		a.arrived = true
		if a.does != nil {
			a.does()
			continue
		}
		m := a.wakeup
		switch c := m.Command.(type) {
		case campaign.Cancel:
			w.observed.cancelled = true
		case campaign.Approve:
			w.observed.approved = true
			c.QuoteID = w.quoteID()
			m.Command = c
		case campaign.Decline:
			w.observed.declined = true
			c.QuoteID = w.quoteID()
			m.Command = c
		}
		w.send(m)
		w.writeLine("", "a %s arrives", messageName(m))
	}
}

// awaitsAnswer says that the campaign waits for an answer.
func (w *World) awaitsAnswer() bool {
	c := w.record()
	return c.State == campaign.Quoted && c.Need != nil && c.Need.For == campaign.NeedApproval
}

// quoteID is the quote that a person sees now and answers.
func (w *World) quoteID() string {
	c := w.record()
	return campaign.QuoteID(c.Request, *c.Quote)
}

func (w *World) send(m runner.Wakeup) *message {
	m.Stored = w.streamNow()
	if m.Kind == runner.WakeRequest && m.RequestedAt.IsZero() {
		m.RequestedAt = m.Stored
	}
	sent := &message{Wakeup: m, ready: w.now}
	w.messages = append(w.messages, sent)
	return sent
}

// wait moves the clock to the next moment at which something can happen.
func (w *World) wait() bool {
	next := w.expectUntil
	if !next.After(w.now) {
		next = never
	}
	sooner := func(at time.Time) {
		if at.After(w.now) && at.Before(next) {
			next = at
		}
	}
	for _, k := range w.workers {
		sooner(k.frozen)
		sooner(k.down)
	}
	for _, m := range w.messages {
		if !m.done {
			sooner(m.ready)
		}
	}
	for _, a := range w.arrivals {
		if !a.arrived {
			sooner(a.at)
		}
	}
	sooner(w.sweepAt)
	due := len(w.timers) > 0
	for _, timer := range w.timers {
		if at := timer.at.Add(-w.skew); !at.After(w.now) {
			next = w.now
		} else {
			sooner(at)
		}
	}
	if next == never {
		return false
	}
	if next.After(w.now) {
		w.sleep(next)
		w.deliveriesAtOnce = 0
	}
	if due {
		w.fire()
	}
	if w.sweepAt.Equal(w.now) {
		w.sweep()
	}
	return true
}

// fire sends the timers that are due.
func (w *World) fire() {
	w.timers = slices.DeleteFunc(w.timers, func(timer timer) bool {
		if timer.at.Add(-w.skew).After(w.now) {
			return false
		}
		w.writeLine("", "a timer fires")
		w.send(runner.Wakeup{Key: key, Kind: runner.WakeTimer}).armed = timer.at
		return true
	})
}

// hurry makes a message due now if the step that it waits for will not come.
func (w *World) hurry() bool {
	any := false
	for i := range w.arrivals {
		if a := &w.arrivals[i]; !a.arrived && a.step > 0 {
			a.step, any = 0, true
		}
	}
	return any
}

// sweep looks for what a lost timer, or a lost record, has stranded. It runs only
// after a power cut: without one nothing may be stranded.
func (w *World) sweep() {
	c := w.record()
	if c.State.Final() && c.Wake.IsZero() || w.sweeps == maxSweeps {
		w.sweepAt = never
		return
	}
	w.sweeps++
	w.sweepAt = w.now.Add(time.Minute << w.sweeps) // often at first, to save time
	if due := c.Wake.Add(2*time.Minute - w.skew); due.After(w.sweepAt) {
		w.sweepAt = due
	}
	switch {
	case !c.Wake.IsZero() && c.Wake.Before(w.streamNow().Add(-time.Minute)):
		w.writeLine("", "the sweep finds the campaign, %s", c.State)
		w.send(runner.Wakeup{Key: key, Kind: runner.WakeTimer})
	case c.State == "" && !w.opts.NoSweep && w.requestKept():
		w.writeLine("", "the sweep finds the request, which has no record")
		w.send(runner.Wakeup{Key: key, Kind: runner.WakeRequest, Request: w.request, RequestedAt: w.requestedAt()})
	}
}

// requestKept says that the requests' stream still has the request.
func (w *World) requestKept() bool {
	at := w.requestedAt()
	return !at.IsZero() && w.now.Sub(at) < eventsKept-time.Hour
}

// requestedAt is when the request was first stored.
func (w *World) requestedAt() time.Time {
	for _, m := range w.messages {
		if m.Kind == runner.WakeRequest && len(m.Request.Diff(w.request)) == 0 {
			return m.Stored
		}
	}
	return time.Time{}
}

// syncInterval is how often the streams' server writes to its disk by default:
// what is older survives a power cut.
const syncInterval = 2 * time.Minute

// What a power cut takes: the last write of the records, of the timers, or of the
// budgets' ledger.
const (
	cutRecord = iota
	cutTimer
	cutLedger
)

// cutPower takes back the last write, and breaks every connection.
func (w *World) cutPower(of int) {
	w.observed.powerCut = true
	w.saves = w.saves[:0]
	young := func(at time.Time) bool { return w.streamNow().Sub(at) < syncInterval }
	if n := len(w.versions); n > 0 && young(w.versions[n-1].at) && of == cutRecord {
		c := &w.versions[n-1].c
		w.observed.unmade = w.observed.unmade || c.State.Final()
		w.writeLine("", "the record %q is gone", c.State)
		w.versions = w.versions[:n-1]
	} else if of == cutLedger && w.budgeted && young(w.ledger.at) {
		w.writeLine("", "the ledger's last write is gone")
		w.ledger, w.observed.unfiled = w.ledgerBefore, true
	} else if n := len(w.timers); n > 0 && young(w.timers[n-1].set) {
		w.writeLine("", "a timer is gone")
		w.timers = w.timers[:n-1]
	}
	for _, k := range w.workers {
		k.disconnect(time.Second)
	}
	w.sweepAt = w.now.Add(time.Minute)
}

// record is the record as it is stored.
func (w *World) record() (c campaign.Campaign) {
	if n := len(w.versions); n > 0 {
		c = w.versions[n-1].c
	}
	return c
}
