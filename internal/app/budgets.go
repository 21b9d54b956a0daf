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
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// What [Options.Budgets] can be.
const (
	BudgetsAuto = "auto"
	BudgetsOn   = "on"
	BudgetsOff  = "off"
	// BudgetsRequired confirms nothing that falls under no budget.
	BudgetsRequired = "required"
)

// Budgets are what may be spent, and what is.
type Budgets = budget.Book

// Heeding is what a service says when it is asked whether it heeds the budgets.
type Heeding = journal.Heeding

// ErrNoBudgets means that nobody has set a budget yet.
var ErrNoBudgets = budget.ErrNone

// OpenBudgets opens the budgets, and makes the place for them if it is absent.
func (c *Client) OpenBudgets(ctx context.Context) (*Budgets, error) {
	return journal.OpenBudgets(ctx, c.nc, 0)
}

// FindBudgets opens the budgets if somebody has set one, else it says
// [ErrNoBudgets].
func (c *Client) FindBudgets(ctx context.Context) (*Budgets, error) {
	return journal.FindBudgets(ctx, c.nc)
}

// AskHeeding asks the services that run now whether they heed the budgets. One
// that answers yes has looked.
func (c *Client) AskHeeding(ctx context.Context) ([]Heeding, error) {
	return journal.AskHeeding(ctx, c.nc)
}

// Requested is a request as the contract has it.
func Requested(key campaign.Key, r campaign.Request) *campaignv1.CampaignRequested {
	return journal.Requested(key, r)
}

// openBudgets looks whether there are budgets, or makes the place for them if it
// was told to heed them in any case. A service that was told not to heed them
// looks all the same, to say so.
func (a *App) openBudgets(ctx context.Context) error {
	a.lookout = budget.NewLookout(func(ctx context.Context) (*Budgets, error) {
		switch a.opts.Budgets {
		case BudgetsOn:
			return journal.OpenBudgets(ctx, a.nc, a.opts.NATS.Replicas)
		case BudgetsRequired:
			book, err := journal.OpenBudgets(ctx, a.nc, a.opts.NATS.Replicas)
			if err == nil {
				book.Require()
			}
			return book, err
		}
		return journal.FindBudgets(ctx, a.nc)
	})
	if a.opts.Budgets != BudgetsOff {
		if _, err := a.lookout.Look(ctx); err != nil {
			return err
		}
		a.budgets = believed{a.lookout, a}
	}
	return journal.AnswerHeeding(a.nc, a.heeding)
}

// watchBudgets waits for the first budget, and then sweeps until ctx ends.
func (a *App) watchBudgets(ctx context.Context) {
	book := a.lookout.Watch(ctx, func(err error) {
		if err != nil {
			a.opts.Log.Warn("cannot look for budgets: soon no campaign is confirmed until that is possible again", "error", err)
			return
		}
		a.opts.Log.Info("looked for budgets again: there are none")
	})
	switch {
	case book == nil:
	case a.budgets == nil:
		a.opts.Log.Warn("there are budgets, and this service does not heed them: set budgets to auto")
	default:
		a.opts.Log.Info("there are budgets, and this service heeds them")
		if err := a.journal.RememberBudgets(ctx); err != nil {
			a.opts.Log.Warn("budgets", "error", err)
		}
		if all, err := book.Definitions(ctx); a.opts.Budgets == BudgetsRequired && err == nil && len(all) == 0 {
			a.opts.Log.Warn("budgets are required, and none is set: nothing is confirmed until somebody sets one with staffetta budget set")
		}
		a.journal.SweepBudgets(ctx, book, a.purse.swept)
	}
}

// believed raises an alarm when a ledger or a definition cannot be believed. The
// campaign waits meanwhile.
type believed struct {
	runner.Budgets
	app *App
}

func (b believed) Room(ctx context.Context, key campaign.Key, amount campaign.Money, at time.Time) error {
	return b.heard(b.Budgets.Room(ctx, key, amount, at))
}

func (b believed) Reserve(ctx context.Context, key campaign.Key, amount campaign.Money, at time.Time) error {
	return b.heard(b.Budgets.Reserve(ctx, key, amount, at))
}

func (b believed) Settle(ctx context.Context, key campaign.Key, amount campaign.Money, at time.Time) error {
	return b.heard(b.Budgets.Settle(ctx, key, amount, at))
}

func (b believed) heard(err error) error {
	if errors.Is(err, budget.ErrUnbelievable) {
		b.app.opts.Log.Error("a record of the budgets cannot be believed; what falls under it waits", "error", err)
		b.app.alarms.disbelieved.Add(1)
	}
	return err
}

// lookWithin is how long a service that is asked whether it heeds the budgets
// looks before it answers. Whoever asks does not wait much longer.
const lookWithin = 4 * time.Second

// heeding answers whoever has just set a budget.
func (a *App) heeding() Heeding {
	h := Heeding{Service: "a service without a name"}
	if host, err := os.Hostname(); err == nil {
		h.Service = host
	}
	ctx, cancel := context.WithTimeout(a.work, lookWithin)
	defer cancel()
	switch _, err := a.lookout.Look(ctx); {
	case a.budgets == nil:
		h.Why = "it was told so: set budgets to auto"
	case err != nil:
		h.Why = "it cannot look, and soon confirms nothing: " + err.Error()
	default:
		h.Heeds = true
	}
	return h
}
