package streams

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/loop"
)

// Marks lie among the records: they are there as soon as records are, and are backed up
// with them. A campaign's key has two words, so none of them is a campaign's. What the red
// button says is one too: whoever can save a campaign can know whether it may.
const (
	// BudgetsMark says that there have been budgets.
	BudgetsMark = RecordPrefix + "budgets"
	// SweepMark is how far the records were looked at, and which campaigns were open then.
	// The list of those lies beside it, in parts, under SweepMark and two further words.
	SweepMark = RecordPrefix + "sweep"
	// RateMark names the gateway accounts whose rate has been shared.
	RateMark = RecordPrefix + "rate"
	// HashMark says that there has been a secret of the hashes, and which one.
	HashMark = RecordPrefix + "hashkey"
	// RecoveryMark says that somebody has looked at what was lost.
	RecoveryMark = RecordPrefix + "recovery"
)

// LostBudgets is a [*loop.Refusal] if there have been budgets and their stream is gone.
func LostBudgets(ctx context.Context, js jetstream.JetStream) error {
	_, err := js.Stream(ctx, Budgets)
	if !errors.Is(err, jetstream.ErrStreamNotFound) {
		return err
	}
	records, err := js.Stream(ctx, Records)
	if err == nil {
		_, err = records.GetLastMsgForSubject(ctx, BudgetsMark)
	}
	if errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil // there never were any
	}
	if err != nil {
		return err
	}
	// Somebody may have made the stream, and then the mark, since the first look.
	if _, err = js.Stream(ctx, Budgets); !errors.Is(err, jetstream.ErrStreamNotFound) {
		return err
	}
	return &loop.Refusal{Note: fmt.Sprintf("there have been budgets, and stream %s is gone: restore it together with the others (docs/disaster.md), or, if there is no backup, say so with staffetta recover --yes, and set the budgets again; budgets: off confirms without any", Budgets)}
}
