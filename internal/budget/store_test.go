package budget_test

import (
	"context"
	"errors"
	"testing"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

var errLost = errors.New("no answer")

// set lays down a budget.
func set(t testing.TB, b *budget.Book, scope budget.Scope, zone string, day, month campaign.Money) {
	t.Helper()
	_, err := b.Set(context.Background(), scope, budget.Edit{By: "anna", Zone: zone, Day: &day, Month: &month})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBook(t *testing.T) {
	t.Parallel()
	runnertest.TestBudgets(t, func(t *testing.T) runnertest.BudgetsHarness {
		s := runnertest.NewShelf()
		var mute bool
		a := budget.NewBook(s.Peer(func(op string) (bool, error) {
			if mute && op == "put" {
				return true, errLost
			}
			return true, nil
		}))
		return runnertest.BudgetsHarness{
			A: a, B: budget.NewBook(s),
			Set: func(t *testing.T, source, zone string, day, month campaign.Money) {
				set(t, a, budget.Scope(source), zone, day, month)
			},
			Mute: func(_ *testing.T, on bool) { mute = on },
		}
	})
}
