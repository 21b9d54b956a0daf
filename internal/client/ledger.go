package client

import (
	"context"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/button"
	"github.com/staffetta-io/staffetta/internal/journal"
)

// FindBudgets opens the budgets for whoever may read them; that nobody has set one is
// [budget.ErrNone].
func (c *Client) FindBudgets(ctx context.Context) (*budget.Ledgers, error) {
	return journal.FindBudgets(ctx, c.access())
}

// AskEnforcement asks the services that run now whether they enforce the budgets. One
// that answers yes has looked.
func (c *Client) AskEnforcement(ctx context.Context) ([]budget.Enforcement, error) {
	return journal.AskEnforcement(ctx, c.js.Conn())
}

// OpenButton opens the red button for whoever may read it; only an operator presses it.
func (c *Client) OpenButton(ctx context.Context) (*button.Button, error) {
	return journal.OpenButton(ctx, c.access())
}
