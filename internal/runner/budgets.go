package runner

import (
	"context"
	"errors"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Budgets is the ledger of what may be spent, by source and for the whole
// account, in a day and in a month. It files one amount for one campaign, so
// every method may be repeated. It is safe for concurrent use by several
// processes: together they never reserve more than a budget holds.
type Budgets interface {
	// Exist says whether there may be a budget; only what is known for certain
	// is no. It is asked before every step, so it answers from memory.
	Exist() bool
	// Room says whether Reserve would file the amount now, in the same words, and
	// files nothing.
	Room(ctx context.Context, key campaign.Key, amount campaign.Money, at time.Time) error
	// Reserve files the amount for the campaign with every budget that its
	// source and the instant fall under. What was filed for it before is
	// raised, never lowered or dropped: whoever filed it may be about to
	// confirm. No budget: it returns nil. One that has no room: nothing was
	// filed with any by this call, and the error is an [*OverBudget]. Any
	// other error: unknown, ask again.
	Reserve(ctx context.Context, key campaign.Key, amount campaign.Money, at time.Time) error
	// Settle replaces what is filed for the campaign by what it really cost,
	// for good; no amount releases it. What was settled stays settled.
	Settle(ctx context.Context, key campaign.Key, amount campaign.Money, at time.Time) error
}

// OverBudget says which budget has no room.
type OverBudget struct {
	Budget string // "shop-italia, day 2026-11-27"
	Words  string // what is left and what to do, in a sentence
}

func (e *OverBudget) Error() string { return e.Budget + ": " + e.Words }

// ledger makes a call to the budgets, in the shape of a call to the gateway.
func (r *run) ledger(ctx context.Context, call campaign.Call) campaign.Outcome {
	o := campaign.Outcome{Op: call.Op, Kind: campaign.OK, Started: time.Now().UTC()}
	var err error
	switch {
	case r.budgets == nil:
		// The record is from before the budgets were switched off.
	case call.Op == campaign.OpRoom:
		err = r.budgets.Room(ctx, r.wakeup.Key, call.Amount, call.Period)
	case call.Op == campaign.OpReserve:
		err = r.budgets.Reserve(ctx, r.wakeup.Key, call.Amount, call.Period)
	default:
		err = r.budgets.Settle(ctx, r.wakeup.Key, call.Amount, call.Period)
	}
	o.Took = time.Since(o.Started)
	var over *OverBudget
	switch {
	case errors.As(err, &over):
		o.Kind, o.Field, o.Words = campaign.Refused, over.Budget, over.Words
	case err != nil:
		o.Kind, o.Err = campaign.Unavailable, err.Error()
	}
	return o
}
