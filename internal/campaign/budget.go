package campaign

import (
	"fmt"
	"time"
)

// The budgets: a cost is reserved before the confirm may leave, and settled to the real
// cost in the end. The ledger keeps one amount for each campaign, so it makes no
// difference if a campaign is reserved or settled twice.
//
// The end is saved first, and settled after that. Two runs may want to end a campaign
// differently (one sees that it is gone at the gateway, the other that it is
// cancelled). Only one of them can save, and the cost is then read from the saved
// record.

// inBudgets says whether the cost of the campaign belongs in the budgets: there may be
// budgets, or a run that saw one has saved it in the record.
func (t *transition) inBudgets() bool {
	return t.c.Budgeted || t.budgets && !t.c.Request.Simulation
}

// reserve asks the budgets, if there may be any, and then for the permit to confirm.
func (t *transition) reserve() Decision {
	switch {
	case !t.inBudgets():
		return t.call(OpAdmit)
	case !t.c.Budgeted:
		// A budget was set after the draft was saved. The record is saved before the
		// ledger is asked, so that a run that finds this record after a crash knows
		// that it has to settle.
		t.c.Budgeted = true
		return t.saveAndCall(OpReserve)
	}
	return t.call(OpReserve)
}

// askApproval asks for an approval, unless the budgets have no room: nothing should be
// approved that cannot be sent. Nothing is reserved while the campaign waits.
func (t *transition) askApproval(why string) Decision {
	if t.inBudgets() {
		return t.call(OpRoom)
	}
	return t.awaitApproval(why)
}

// roomChecked takes the answer whether there is room. Without an answer the approval is
// asked for nevertheless: the ledger is asked again before the confirm.
func (t *transition) roomChecked(o Outcome) Decision {
	if o.Kind == Refused {
		return t.overBudget(o)
	}
	return t.awaitApproval(t.mustAsk(*t.c.Quote))
}

// reserved takes the ledger's answer: the budgets have room, or not.
func (t *transition) reserved(o Outcome) Decision {
	switch o.Kind {
	case OK:
		return t.call(OpAdmit)
	case Refused:
		return t.overBudget(o)
	default:
		return t.retreat(o)
	}
}

func (t *transition) overBudget(o Outcome) Decision {
	return t.announceAndReject(Reason{Code: ReasonOverBudget, Step: OpReserve, Field: o.Field, Message: fmt.Sprintf(
		"the campaign costs %s, and the budget has no room for that: %s, then ask again under a new request id", t.c.Quote.Price.Total, o.Words)})
}

// unsettled says that the campaign has ended and its cost is not settled yet. An
// unresolved campaign keeps its reservation: the money may have been spent.
func (c Campaign) unsettled() bool {
	return c.Budgeted && c.State.Final() && c.State != Unresolved
}

// settled takes the ledger's answer. It is the last save of a campaign, unless the
// ledger has to be asked again. After a crash before this save, it is settled once
// more.
func (t *transition) settled(o Outcome) Decision {
	if t.c.Budgeted = o.Kind != OK; t.c.Budgeted {
		pause, _ := t.pause(o)
		t.c.Wake = t.now.Add(pause)
		return t.save()
	}
	t.c.Wake = t.nextDue()
	return t.save()
}

// Cost is what the campaign has cost. It is nothing if it was not confirmed, or was
// cancelled. Otherwise it is what the gateway says in the end. Until the gateway says
// so and has counted everything, it is the quoted cost, or the gateway's if that is
// more.
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

// ChargedAt is the instant whose day and month the campaign is charged to. It is the
// instant that was asked for, but never one before its message was stored: otherwise a
// request could spend what is left of a period that is over. It never moves, so nothing
// is charged to two periods.
func (c Campaign) ChargedAt() time.Time {
	at := c.Request.At
	switch {
	case !c.Stored.IsZero():
		return later(at, c.Stored)
	case !at.IsZero():
		return at // a record of an earlier version: its cost may be reserved there
	}
	return c.RequestedAt
}
