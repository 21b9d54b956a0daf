package journal

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// OpenBudgets opens the budgets, and makes their stream if there never was one. Replicas
// zero: as many as the records have. That they are lost is a [*loop.Refusal]: an empty
// stream in their place would be no limits.
func OpenBudgets(ctx context.Context, a streams.Access, replicas int) (*budget.Ledgers, error) {
	return openBudgets(ctx, a, func(ctx context.Context, js jetstream.JetStream) (jetstream.Stream, error) {
		if err := streams.LostBudgets(ctx, js); err != nil {
			return nil, err
		}
		if replicas == 0 {
			replicas = 1
			if records, err := js.Stream(ctx, streams.Records); err == nil {
				replicas = records.CachedInfo().Config.Replicas
			}
		}
		id, err := streams.InstallationOf(ctx, js)
		if err != nil {
			return nil, err
		}
		s, err := streams.Ensure(ctx, js, streams.OfBudgets(replicas), id)
		if err == nil {
			err = streams.Belongs(s, id)
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
func FindBudgets(ctx context.Context, a streams.Access) (*budget.Ledgers, error) {
	return openBudgets(ctx, a, func(ctx context.Context, js jetstream.JetStream) (jetstream.Stream, error) {
		s, err := js.Stream(ctx, streams.Budgets)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			if err := streams.LostBudgets(ctx, js); err != nil {
				return nil, err
			}
			return nil, budget.ErrNone
		}
		if err == nil {
			err = streams.Verify(s.CachedInfo().Config, streams.OfBudgets(0))
		}
		if err == nil {
			var id streams.Identity
			if id, err = streams.InstallationOf(ctx, js); err == nil {
				err = streams.Belongs(s, id)
			}
		}
		return s, err
	})
}

// RememberBudgets notes that there are budgets, where it outlives them.
func (j *Journal) RememberBudgets(ctx context.Context) error { return rememberBudgets(ctx, j.js) }

func rememberBudgets(ctx context.Context, js jetstream.JetStream) error {
	_, err := js.Publish(ctx, streams.BudgetsMark, []byte(`{"schema":1}`), jetstream.WithExpectLastSequencePerSubject(0))
	if streams.SortWrite(err) == streams.Exists {
		return nil // noted before
	}
	if errors.Is(err, jetstream.ErrNoStreamResponse) {
		// Nobody has kept a record yet; or the stream has no leader, which says the same.
		if _, missing := js.Stream(ctx, streams.Records); errors.Is(missing, jetstream.ErrStreamNotFound) {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("note that there are budgets: %w", err)
	}
	return nil
}

func openBudgets(ctx context.Context, a streams.Access, open func(context.Context, jetstream.JetStream) (jetstream.Stream, error)) (*budget.Ledgers, error) {
	ctx, done := a.Rights.Watch(ctx, streams.Budgets, streams.Records, streams.BudgetsMark)
	defer done()
	s, err := open(ctx, a.JS)
	if err != nil {
		return nil, fmt.Errorf("open budgets: %w", streams.OrDenied(ctx, err))
	}
	return budget.NewLedgers(streams.NewNamedRecords(a, s, streams.BudgetPrefix)), nil
}

// SweepBudgets has the sweep of whoever has the turn look for reservations of campaigns
// that have ended, and settle them with what the record says: it is the second net under
// the ledgers. See [Journal.Sweep]. It tells after each sweep what that found, and on a
// replica that did not sweep what another one found.
func (j *Journal) SweepBudgets(b *budget.Ledgers, tell func(context.Context, budget.Swept, *budget.Ledgers) error) {
	j.duties.add(duty{"budgets", func(ctx context.Context, pause func() error) (done, error) {
		found, err := j.sweepBudgets(ctx, b, pause)
		if err == nil && found.Settled+found.Orphaned > 0 {
			j.options.Log.Warn("sweep found reservations that were left behind", "settled", found.Settled, "without_record", found.Orphaned)
		}
		return done{Ledgers: found.Ledgers, Open: found.Open, Orphaned: found.Orphaned, settled: found.Settled}, err
	}, func(ctx context.Context, d done) error {
		return tell(ctx, budget.Swept{At: d.At, Ledgers: d.Ledgers, Open: d.Open, Settled: d.settled, Orphaned: d.Orphaned}, b)
	}})
}

func (j *Journal) sweepBudgets(ctx context.Context, b *budget.Ledgers, pause func() error) (budget.Swept, error) {
	return b.Sweep(ctx, func(ctx context.Context, key campaign.Key) (campaign.Campaign, error) {
		if err := pause(); err != nil {
			return campaign.Campaign{}, err
		}
		c, _, err := j.Load(ctx, key)
		return c, err
	})
}
