package campaign

import (
	"fmt"
	"time"
)

// The budgets: a cost is reserved before the confirm may leave and settled to
// what it really was in the end. The ledger files one amount for one campaign,
// so reserving and settling twice are the same as once.

// reserved takes the ledger's answer: the budgets have room, or not.
func (t *turn) reserved(o Outcome) Decision {
	switch o.Kind {
	case OK:
		return t.call(OpAdmit)
	case Refused:
		return t.quotedButNo(Reason{Code: ReasonOverBudget, Step: OpReserve, Field: o.Field, Message: fmt.Sprintf(
			"the campaign costs %s, which is more than the budget has left: %s; raise the budget or wait for its next period, then ask again under a new request id", t.c.Quote.Price.Total, o.Words)})
	default:
		return t.retreat(o)
	}
}

// settleThen settles with the budgets before the campaign ends. A crash in
// between settles again. Whoever has no budgets makes no further call.
func (t *turn) settleThen(finish func(turn) Decision) Decision {
	if !t.c.Budgeted {
		return finish(*t)
	}
	t.c.run.finish = finish
	return t.call(OpSettle)
}

// settledUp ends the campaign as was decided before.
func (t *turn) settledUp(o Outcome) Decision {
	finish := t.c.run.finish
	switch {
	case o.Kind == OK:
		t.c.Budgeted = false
	case t.c.State == Unresolved:
		// Somebody waits for the answer; the ledger's own sweep will find it.
	default:
		return t.wait(t.pause(o))
	}
	return finish(*t)
}

// Cost is what the campaign has cost: nothing, unless it was confirmed and not
// taken back; then what the gateway says, or as long as it does not, what it
// quoted.
func (c Campaign) Cost() Money {
	switch {
	case c.Confirmed == nil, c.State == Cancelling, c.State == Cancelled:
		return Money{}
	case c.Stats != nil && !c.Stats.Cost.none():
		return c.Stats.Cost
	case c.Quote != nil:
		return c.Quote.Price.Total
	}
	return Money{}
}

// ChargedAt is the instant whose day and month the campaign is charged to: the
// one it was asked for. It never moves, so nothing is charged to two periods.
func (c Campaign) ChargedAt() time.Time {
	if at := c.Request.At; !at.IsZero() {
		return at
	}
	return c.Asked
}
