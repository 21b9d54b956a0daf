package app

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// What [Options.Budgets] can be.
const (
	BudgetsAuto = "auto"
	BudgetsOn   = "on"
	BudgetsOff  = "off"
	// BudgetsRequired confirms nothing that falls under no budget.
	BudgetsRequired = "required"
)

// openBudgets looks whether there are budgets, or makes the place for them if it
// was told to enforce them in any case. A service that was told not to enforce them
// looks all the same, to say so.
func (a *App) openBudgets(ctx context.Context) error {
	a.lazyLedgers = budget.NewLazy(func(ctx context.Context) (*budget.Ledgers, error) {
		switch a.opts.Budgets {
		case BudgetsOn:
			return journal.OpenBudgets(ctx, a.own, a.opts.NATS.Replicas)
		case BudgetsRequired:
			book, err := journal.OpenBudgets(ctx, a.own, a.opts.NATS.Replicas)
			if err == nil {
				book.Require()
			}
			return book, err
		}
		return journal.FindBudgets(ctx, a.own)
	})
	if a.opts.Budgets != BudgetsOff {
		if _, err := a.lazyLedgers.Find(ctx); err != nil {
			return err
		}
		a.budgets = checkedBudgets{a.lazyLedgers, a}
		for _, one := range a.accounts.all {
			one.budgets = checkedBudgets{a.lazyLedgers.In(one.name), a}
		}
	}
	return journal.AnswerEnforcement(a.nc, a.answerEnforcement)
}

// watchBudgets waits for the first budget. From then on the ledgers are swept.
func (a *App) watchBudgets(ctx context.Context) {
	book := a.lazyLedgers.Watch(ctx, func(err error) {
		if err != nil {
			a.opts.Log.Warn("cannot look for budgets: soon no campaign is confirmed until that is possible again", "error", err)
			return
		}
		a.opts.Log.Info("looked for budgets again: there are none")
	})
	switch {
	case book == nil:
	case a.budgets == nil:
		a.opts.Log.Warn("there are budgets, and this service does not enforce them: set budgets to auto")
	default:
		a.opts.Log.Info("there are budgets, and this service enforces them")
		if err := a.journal.RememberBudgets(ctx); err != nil {
			a.opts.Log.Warn("budgets", "error", err)
		}
		if all, err := book.Definitions(ctx); a.opts.Budgets == BudgetsRequired && err == nil && len(all) == 0 {
			a.opts.Log.Warn("budgets are required, and none is set: nothing is confirmed until somebody sets one with staffetta budget set")
		}
		a.journal.SweepBudgets(book, a.budgetMetrics.swept)
	}
}

// checkedBudgets raises an alarm when a ledger or a definition cannot be believed. The
// campaign waits meanwhile.
type checkedBudgets struct {
	runner.Budgets
	app *App
}

func (b checkedBudgets) Room(ctx context.Context, key campaign.Key, amount campaign.Money, at time.Time) error {
	return b.alarm(b.Budgets.Room(ctx, key, amount, at))
}

func (b checkedBudgets) Reserve(ctx context.Context, key campaign.Key, amount campaign.Money, at time.Time) error {
	return b.alarm(b.Budgets.Reserve(ctx, key, amount, at))
}

func (b checkedBudgets) Settle(ctx context.Context, key campaign.Key, amount campaign.Money, at time.Time) error {
	return b.alarm(b.Budgets.Settle(ctx, key, amount, at))
}

func (b checkedBudgets) alarm(err error) error {
	if errors.Is(err, budget.ErrCorrupt) {
		b.app.opts.Log.Error("a record of the budgets cannot be believed; what falls under it waits", "error", err)
		b.app.alarms.corrupt.Add(1)
	}
	return err
}

// lookWithin is how long a service that is asked whether it enforces the budgets
// looks before it answers. Whoever asks does not wait much longer.
const lookWithin = 4 * time.Second

// answerEnforcement answers whoever has just set a budget.
func (a *App) answerEnforcement() budget.Enforcement {
	h := budget.Enforcement{Service: "a service without a name"}
	if host, err := os.Hostname(); err == nil {
		h.Service = host
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookWithin)
	defer cancel()
	switch _, err := a.lazyLedgers.Find(ctx); {
	case a.budgets == nil:
		h.Why = "it was told so: set budgets to auto"
	case err != nil:
		h.Why = "it cannot look, and soon confirms nothing: " + err.Error()
	default:
		h.Enforces = true
	}
	return h
}
