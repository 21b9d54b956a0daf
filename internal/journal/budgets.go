package journal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
)

// StreamBudgets holds the budgets and their ledgers. It is there once somebody
// has set a budget, or a service was told to heed them.
const StreamBudgets = "KV_budgets"

const budgetPrefix = "$KV.budgets."

// budgetStream is a bucket like that of the records, and for the same reason
// made as a stream: a direct read may be stale.
func budgetStream(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              StreamBudgets,
		Description:       "Staffetta: what may be spent, and what is",
		Subjects:          []string{budgetPrefix + ">"},
		MaxMsgsPerSubject: 1,
		Discard:           jetstream.DiscardNew,
		AllowRollup:       true,
		DenyDelete:        true,
		Replicas:          replicas,
	}
}

// OpenBudgets opens the budgets on a connection made with [Connect], and makes
// their stream if it is absent. Replicas zero: as many as the records have.
func OpenBudgets(ctx context.Context, nc *nats.Conn, replicas int) (*budget.Book, error) {
	return openBudgets(ctx, nc, func(js jetstream.JetStream) (jetstream.Stream, error) {
		if replicas == 0 {
			replicas = 1
			if records, err := js.Stream(ctx, StreamRecords); err == nil {
				replicas = records.CachedInfo().Config.Replicas
			}
		}
		id, err := installationOf(ctx, js)
		if err != nil {
			return nil, err
		}
		s, err := ensureStream(ctx, js, budgetStream(replicas), id)
		if err == nil {
			err = belongs(s, id)
		}
		if err == nil {
			err = rememberBudgets(ctx, js)
		}
		return s, err
	})
}

// FindBudgets opens the budgets if there are any, else it says
// [budget.ErrNone]. That they are gone is another error: budgets that are lost are
// not no budgets.
func FindBudgets(ctx context.Context, nc *nats.Conn) (*budget.Book, error) {
	return openBudgets(ctx, nc, func(js jetstream.JetStream) (jetstream.Stream, error) {
		s, err := js.Stream(ctx, StreamBudgets)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil, noBudgets(ctx, js)
		}
		if err == nil {
			err = verifyStream(s.CachedInfo().Config, budgetStream(0))
		}
		if err == nil {
			var id identity
			if id, err = installationOf(ctx, js); err == nil {
				err = belongs(s, id)
			}
		}
		return s, err
	})
}

// budgetsMark lies among the records and says that there have been budgets. A
// campaign's key has two words, so it is no campaign's.
const budgetsMark = recordPrefix + "budgets"

// RememberBudgets notes that there are budgets, where it outlives them.
func (j *Journal) RememberBudgets(ctx context.Context) error { return rememberBudgets(ctx, j.js) }

func rememberBudgets(ctx context.Context, js jetstream.JetStream) error {
	_, err := js.Publish(ctx, budgetsMark, []byte(`{"schema":1}`), jetstream.WithExpectLastSequencePerSubject(0))
	if sortWrite(err) == exists || errors.Is(err, jetstream.ErrNoStreamResponse) {
		return nil // noted before, or nobody has kept a record yet
	}
	if err != nil {
		return fmt.Errorf("note that there are budgets: %w", err)
	}
	return nil
}

// noBudgets is [budget.ErrNone], or what to do if there have been some.
func noBudgets(ctx context.Context, js jetstream.JetStream) error {
	records, err := js.Stream(ctx, StreamRecords)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return budget.ErrNone
	}
	if err != nil {
		return err
	}
	_, err = records.GetLastMsgForSubject(ctx, budgetsMark)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return budget.ErrNone
	case err != nil:
		return err
	}
	return fmt.Errorf("there have been budgets, and stream %s is gone: restore it together with the others, set the budgets again with staffetta budget set, or say budgets: off", StreamBudgets)
}

func openBudgets(ctx context.Context, nc *nats.Conn, open func(jetstream.JetStream) (jetstream.Stream, error)) (*budget.Book, error) {
	js, err := newJetStream(nc)
	if err != nil {
		return nil, fmt.Errorf("open budgets: %w", err)
	}
	s, err := open(js)
	if err != nil {
		return nil, fmt.Errorf("open budgets: %w", orDenied(ctx, err))
	}
	return budget.NewBook(&shelf{nc: nc, js: js, stream: s, prefix: budgetPrefix}), nil
}

// SweepBudgets is the second net under the ledgers: until ctx ends it looks,
// every ten minutes or so, for reservations of campaigns that have ended, and
// settles them with what the record says. It tells after each sweep what that
// found.
func (j *Journal) SweepBudgets(ctx context.Context, b *budget.Book, tell func(context.Context, budget.Swept, *budget.Book) error) {
	pause := time.Minute + rand.N(time.Minute)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		found, err := j.SweepBudgetsOnce(ctx, b)
		if err == nil {
			err = tell(ctx, found, b)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			j.Log.Warn("sweep of the budgets", "error", err)
		case found.Settled+found.Orphaned > 0:
			j.Log.Warn("sweep found reservations that were left behind", "settled", found.Settled, "without_record", found.Orphaned)
		}
		pause = sweepEvery*3/4 + rand.N(sweepEvery/2)
	}
}

// SweepBudgetsOnce is one such sweep.
func (j *Journal) SweepBudgetsOnce(ctx context.Context, b *budget.Book) (budget.Swept, error) {
	return b.Sweep(ctx, func(ctx context.Context, key campaign.Key) (campaign.Campaign, error) {
		c, _, err := j.Load(ctx, key)
		return c, err
	})
}
