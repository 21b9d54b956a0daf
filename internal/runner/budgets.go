package runner

import (
	"context"
	"errors"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Budgets is the ledger of what may be spent, by source and for the whole account, in a
// day and in a month. It keeps one amount for one campaign, so every method may be
// repeated. It is safe for concurrent use by several processes: together they never
// reserve more than a budget allows.
type Budgets interface {
	// Exist says whether there may be a budget; false only if a recent look found none.
	// It is asked before every step, so it answers from memory.
	Exist() bool
	// Room says whether Reserve would reserve the amount now, in the same words, and
	// reserves nothing.
	Room(ctx context.Context, key campaign.Key, amount campaign.Money, at time.Time) error
	// Reserve reserves the amount for the campaign in every budget of its source, of its
	// account, of all sources together, and of the instant's day and month. An earlier reservation of the
	// campaign is raised, never lowered or dropped: the run that made it may be about
	// to confirm. Without a budget it returns nil. If one budget has no room, this call
	// has reserved nothing in any, and the error is an [*OverBudget]. After any other
	// error the state is unknown: ask again.
	Reserve(ctx context.Context, key campaign.Key, amount campaign.Money, at time.Time) error
	// Settle replaces the campaign's reservation by its real cost, for good; a zero
	// amount only releases it. What is settled stays settled.
	Settle(ctx context.Context, key campaign.Key, amount campaign.Money, at time.Time) error
}

// OverBudget says which budget has no room.
type OverBudget struct {
	Budget string // "shop-italia, day 2026-11-27"
	Words  string // what is left and what to do, in a sentence
}

func (e *OverBudget) Error() string { return e.Budget + ": " + e.Words }

// callLedger makes a call to the budgets, in the shape of a call to the gateway.
func (r *run) callLedger(ctx context.Context, call campaign.Call) campaign.Outcome {
	started := time.Now().UTC()
	var err error
	budgets := r.account.Budgets
	switch {
	case budgets == nil:
		// The record is from a time before the budgets were switched off.
	case call.Op == campaign.OpRoom:
		err = budgets.Room(ctx, r.wakeup.Key, call.Amount, call.Period)
	case call.Op == campaign.OpReserve:
		err = budgets.Reserve(ctx, r.wakeup.Key, call.Amount, call.Period)
	default:
		err = budgets.Settle(ctx, r.wakeup.Key, call.Amount, call.Period)
	}
	o := LedgerOutcome(call.Op, err)
	o.Started, o.Took = started, time.Since(started)
	return o
}

// LedgerOutcome is what the budgets answered, in the shape of the outcome of a call to
// the gateway.
func LedgerOutcome(op campaign.Op, err error) campaign.Outcome {
	o := campaign.Outcome{Op: op, Kind: campaign.OK}
	var over *OverBudget
	switch {
	case errors.As(err, &over):
		o.Kind, o.Field, o.Words = campaign.Refused, over.Budget, over.Words
	case err != nil:
		o.Kind, o.Err = campaign.Unavailable, err.Error()
	}
	return o
}
