package app

import (
	"context"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Budgets are what may be spent, and what is.
type Budgets = budget.Book

// ErrNoBudgets means that nobody has set a budget yet.
var ErrNoBudgets = journal.ErrNoBudgets

// OpenBudgets opens the budgets, and makes the place for them if it is absent.
func (c *Client) OpenBudgets(ctx context.Context) (*Budgets, error) {
	return journal.OpenBudgets(ctx, c.nc, 0)
}

// FindBudgets opens the budgets if somebody has set one, else it says
// [ErrNoBudgets].
func (c *Client) FindBudgets(ctx context.Context) (*Budgets, error) {
	return journal.FindBudgets(ctx, c.nc)
}

// Requested is a request as the contract has it.
func Requested(key campaign.Key, r campaign.Request) *campaignv1.CampaignRequested {
	return journal.Requested(key, r)
}

// openBudgets opens the ledger for a service that heeds it. One that does not
// touches it at no time, and says so if somebody believes otherwise.
func (a *App) openBudgets(ctx context.Context) error {
	if a.opts.Rules.Budgets {
		book, err := journal.OpenBudgets(ctx, a.nc, a.opts.NATS.Replicas)
		if err != nil {
			return err
		}
		a.budgets = book
		return nil
	}
	if _, err := journal.FindBudgets(ctx, a.nc); err == nil {
		a.opts.Log.Warn("there are budgets, and this service does not heed them: set budgets to on")
	}
	return nil
}
