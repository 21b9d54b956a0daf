package app

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/ops"
)

// budgetMetrics is what the budgets' last sweep of this process saw, for metrics. A
// ledger is read for each budget, so nobody who asks for /metrics makes it look.
type budgetMetrics struct {
	usage    atomic.Pointer[[]budget.Usage]
	settled  atomic.Int64 // by all sweeps
	orphaned atomic.Int64 // at the last
	at       atomic.Int64 // when that ended, Unix nanoseconds
}

// maxBudgetSeries is of how many budgets metrics tell: somebody sets each by hand, and
// still a thousand sources would be six thousand series on every replica.
const maxBudgetSeries = 100

// swept takes what a sweep found, and looks how far the budgets are spent.
func (p *budgetMetrics) swept(ctx context.Context, found budget.Swept, book *budget.Ledgers) error {
	p.settled.Add(int64(found.Settled))
	p.orphaned.Store(int64(found.Orphaned))
	usage, err := book.UsageOfAll(ctx, time.Now(), maxBudgetSeries)
	if err != nil {
		return err
	}
	p.usage.Store(&usage)
	p.at.Store(found.At.UnixNano())
	return nil
}

func (p *budgetMetrics) show(o *ops.Ops) {
	for _, m := range []struct {
		name, help string
		of         func(budget.Usage) float64
	}{
		{"budget_limit", "What may be spent in the period under way, at the last sweep of the budgets.", func(u budget.Usage) float64 { return u.Limit.Amount.InexactFloat64() }},
		{"budget_spent", "What campaigns that have ended have cost of it.", func(u budget.Usage) float64 { return u.Spent.Amount.InexactFloat64() }},
		{"budget_reserved", "What campaigns under way have reserved of it.", func(u budget.Usage) float64 { return u.Reserved.Amount.InexactFloat64() }},
		{"budget_foreign_costs", "Campaigns that were charged in another currency than the budget's; what was reserved is counted for them.", func(u budget.Usage) float64 {
			if u.Foreign == nil {
				return 0
			}
			return float64(u.Foreign.Campaigns)
		}},
	} {
		o.GaugesOf(m.name, m.help, []string{"budget", "period", "currency"}, func(is func(float64, ...string)) {
			usage := p.usage.Load()
			if usage == nil {
				return
			}
			for _, u := range *usage {
				is(m.of(u), string(u.Scope), u.Kind, u.Limit.Currency)
			}
		})
	}
	o.Counter("budget_sweep_settled_total", "Reservations of campaigns that had ended, settled by a sweep because nobody else had.",
		func() float64 { return float64(p.settled.Load()) })
	o.Gauge("budget_sweep_without_record", "Reservations of campaigns that have no record, at the last sweep; they stay.",
		func() float64 { return float64(p.orphaned.Load()) })
	o.Gauge("budget_last_sweep_timestamp_seconds", "When the last sweep of the budgets ended; 0 before the first.",
		func() float64 { return float64(p.at.Load()) / float64(time.Second) })
}
