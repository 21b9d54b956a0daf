package runnertest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// Budgets is a [runner.Budgets] in memory: every campaign's amount in a list,
// under one lock. It is what a ledger would be if nothing could crash.
type Budgets struct {
	// Fault, if set, is asked before every call: "reserve", "settle". With an
	// error the caller gets the error; with apply it took effect all the same,
	// as when only the reply was lost.
	Fault func(op string, key campaign.Key) (apply bool, err error)

	mu     sync.Mutex
	limits map[string]limit // by source, or "*"
	filed  map[campaign.Key]amount
}

var _ runner.Budgets = (*Budgets)(nil)

type limit struct {
	zone       *time.Location
	day, month campaign.Money
}

// amount is what a campaign is filed with.
type amount struct {
	campaign.Money
	at      time.Time
	settled bool
}

// NewBudgets returns a ledger without budgets.
func NewBudgets() *Budgets {
	return &Budgets{limits: map[string]limit{}, filed: map[campaign.Key]amount{}}
}

// Set lays down what a source, or "*" for all of them, may spend in a day and
// in a month; money without a currency is no limit.
func (b *Budgets) Set(source string, zone *time.Location, day, month campaign.Money) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limits[source] = limit{zone, day, month}
}

// Exist implements [runner.Budgets].
func (b *Budgets) Exist() bool { return true }

// Reserve implements [runner.Budgets].
func (b *Budgets) Reserve(_ context.Context, key campaign.Key, m campaign.Money, at time.Time) error {
	return b.fault("reserve", key, func() error {
		old, filed := b.filed[key]
		if old.settled {
			return nil
		}
		for _, source := range []string{key.Source, "*"} {
			l, ok := b.limits[source]
			if !ok {
				continue
			}
			for kind, most := range map[string]campaign.Money{time.DateOnly: l.day, "2006-01": l.month} {
				if most.Currency == "" {
					continue
				}
				period := at.In(l.zone).Format(kind)
				left := most.Amount.Sub(b.spent(source, l.zone, kind, period, key))
				if m.Currency != most.Currency || m.Amount.GreaterThan(left) {
					return &runner.OverBudget{Budget: source + ", " + period, Words: fmt.Sprintf("%s has %s left", source, left)}
				}
			}
		}
		if filed {
			m.Amount = decimal.Max(m.Amount, old.Amount)
		}
		b.filed[key] = amount{Money: m, at: at}
		return nil
	})
}

// Settle implements [runner.Budgets].
func (b *Budgets) Settle(_ context.Context, key campaign.Key, m campaign.Money, at time.Time) error {
	return b.fault("settle", key, func() error {
		switch old := b.filed[key]; {
		case old.settled:
		case m.Amount.IsZero():
			delete(b.filed, key)
		default:
			b.filed[key] = amount{Money: m, at: at, settled: true}
		}
		return nil
	})
}

// Filed is what is filed for a campaign, and whether it is settled.
func (b *Budgets) Filed(key campaign.Key) (m campaign.Money, settled bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.filed[key].Money, b.filed[key].settled
}

func (b *Budgets) spent(source string, zone *time.Location, kind, period string, except campaign.Key) (sum decimal.Decimal) {
	for key, f := range b.filed {
		if key != except && (source == "*" || source == key.Source) && f.at.In(zone).Format(kind) == period {
			sum = sum.Add(f.Amount)
		}
	}
	return sum
}

func (b *Budgets) fault(op string, key campaign.Key, effect func() error) error {
	apply, lost := true, error(nil)
	if b.Fault != nil {
		apply, lost = b.Fault(op, key)
		apply = apply || lost == nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if apply {
		if err := effect(); err != nil && lost == nil {
			return err
		}
	}
	if lost != nil {
		return fmt.Errorf("%s %s: %w", op, key, lost)
	}
	return nil
}
