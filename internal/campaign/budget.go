package campaign

import (
	"fmt"
	"time"
)

// The budgets: a cost is reserved before the confirm may leave and settled to
// what it really was in the end. The ledger files one amount for one campaign,
// so reserving and settling twice are the same as once.
//
// The end is saved first. Of two runs that would end a campaign differently (one
// sees that it is gone at the gateway, the other that it is cancelled) one is
// heard, and what it has cost is then read off the record.

// budgeted says whether the budgets have to know of the campaign: there may be
// some, or somebody who knew more has saved that there are.
func (t *turn) budgeted() bool {
	return t.c.Budgeted || t.budgets && !t.c.Request.Simulation
}

// reserve asks the budgets, if there may be any, and then for leave to confirm.
func (t *turn) reserve() Decision {
	switch {
	case !t.budgeted():
		return t.call(OpAdmit)
	case !t.c.Budgeted:
		// They were set since the draft was saved. The record says so before the
		// ledger does: whoever finds it has something to settle.
		t.c.Budgeted = true
		return t.saveAndCall(OpReserve)
	}
	return t.call(OpReserve)
}

// askApproval asks for an approval, unless the budgets have no room: nobody
// agrees to what cannot be sent. Nothing is held for it while it waits.
func (t *turn) askApproval(why string) Decision {
	if t.budgeted() {
		return t.call(OpRoom)
	}
	return t.awaitApproval(why)
}

// roomSeen takes the look for room. Without an answer somebody is asked all the
// same: the ledger is asked again before the confirm.
func (t *turn) roomSeen(o Outcome) Decision {
	if o.Kind == Refused {
		return t.overBudget(o)
	}
	return t.awaitApproval(t.mustAsk(*t.c.Quote))
}

// reserved takes the ledger's answer: the budgets have room, or not.
func (t *turn) reserved(o Outcome) Decision {
	switch o.Kind {
	case OK:
		return t.call(OpAdmit)
	case Refused:
		return t.overBudget(o)
	default:
		return t.retreat(o)
	}
}

func (t *turn) overBudget(o Outcome) Decision {
	return t.quotedButNo(Reason{Code: ReasonOverBudget, Step: OpReserve, Field: o.Field, Message: fmt.Sprintf(
		"the campaign costs %s, and the budget has no room for that: %s, then ask again under a new request id", t.c.Quote.Price.Total, o.Words)})
}

// unsettled says that the campaign has ended and the budgets do not know it yet.
// One that nobody could establish keeps what they hold for it: it may have been
// spent.
func (c Campaign) unsettled() bool {
	return c.Budgeted && c.State.Final() && c.State != Unresolved
}

// settledUp is the last that is stored of a campaign, unless the ledger has to be
// asked again. A crash before it settles again.
func (t *turn) settledUp(o Outcome) Decision {
	t.c.Wake = time.Time{}
	if t.c.Budgeted = o.Kind != OK; t.c.Budgeted {
		pause, _ := t.pause(o)
		t.c.Wake = t.now.Add(pause)
	}
	return t.save()
}

// Cost is what the campaign has cost: nothing, unless it was confirmed and not
// taken back; then what the gateway says, in the end. As long as it does not say,
// or may not have counted everything yet, it is what it quoted, if that is more.
func (c Campaign) Cost() Money {
	var quoted, said Money
	if c.Quote != nil {
		quoted = c.Quote.Price.Total
	}
	if c.Stats != nil {
		said = c.Stats.Cost
	}
	switch {
	case c.Confirmed == nil, c.State == Cancelling, c.State == Cancelled, c.State == Rejected:
		return Money{}
	case said.Currency == "":
		return quoted
	case c.Stats.Status != StatusCompleted && c.Stats.Status != StatusFailed && said.within(quoted):
		return quoted
	}
	return said
}

// ChargedAt is the instant whose day and month the campaign is charged to: the
// one it was asked for, but none before its message was stored, or whoever asks
// would spend what a period that is over has left. It never moves, so nothing is
// charged to two periods.
func (c Campaign) ChargedAt() time.Time {
	at := c.Request.At
	switch {
	case !c.Stored.IsZero():
		return later(at, c.Stored)
	case !at.IsZero():
		return at // a record of an earlier version: it may be reserved there
	}
	return c.Asked
}
