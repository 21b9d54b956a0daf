package budget_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

var errLost = errors.New("no answer")

// set lays down a budget.
func set(t testing.TB, b *budget.Ledgers, scope budget.Scope, zone string, day, month campaign.Money) {
	t.Helper()
	_, err := b.Set(context.Background(), scope, budget.Edit{By: "anna", Zone: zone, Day: &day, Month: &month})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBook(t *testing.T) {
	t.Parallel()
	runnertest.TestBudgets(t, func(t *testing.T) runnertest.BudgetsHarness {
		s := runnertest.NewMemoryStore()
		var mute bool
		a := budget.NewLedgers(s.Peer(func(op string) (bool, error) {
			if mute && op == "put" {
				return true, errLost
			}
			return true, nil
		}))
		return runnertest.BudgetsHarness{
			A: a, B: budget.NewLedgers(s),
			Set: func(t *testing.T, source, zone string, day, month campaign.Money) {
				set(t, a, budget.Scope(source), zone, day, month)
			},
			Mute: func(_ *testing.T, on bool) { mute = on },
		}
	})
}

// What no version can have written is an error that says why; it is never "nothing
// is reserved" or "no budget".
func TestBudgetsFailClosed(t *testing.T) {
	t.Parallel()
	const ledger, definition = "ledger.source.shop-italia.2026-11-27", "definition.source.shop-italia"
	for _, test := range []struct{ name, record, stored, want string }{
		{"AnEmptyLedger", ledger, "{}", "schema 0"},
		{"NoLedgerAtAll", ledger, "", "not readable"},
		{"AnothersLedger", ledger, `{"schema":1,"ledger":"ledger.account.2026-11-27","settled":"0"}`, "it says that it is ledger.account.2026-11-27"},
		{"ANewerLedger", ledger, `{"schema":2}`, "upgrade this one"},
		{"AnEmptyDefinition", definition, "{}", "schema 0"},
		{"AnothersDefinition", definition, `{"schema":1,"scope":"acqua-luce"}`, "it says that it is definition.source.acqua-luce"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := runnertest.NewMemoryStore()
			b := budget.NewLedgers(s)
			set(t, b, "shop-italia", "UTC", eur(100), campaign.Money{})
			reserve(t, b, "a", 1)
			_, rev, err := s.Get(t.Context(), test.record)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Put(t.Context(), test.record, []byte(test.stored), false, rev); err != nil {
				t.Fatal(err)
			}
			if err := b.Reserve(t.Context(), key("b"), eur(1), morning); err == nil || over(err) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
		})
	}
}

// Where budgets are required, what falls under none has no room, and comes again.
func TestARequiredBudgetThatIsMissing(t *testing.T) {
	t.Parallel()
	b := budget.NewLedgers(runnertest.NewMemoryStore())
	b.Require()
	for _, ask := range []func() error{
		func() error { return b.Room(t.Context(), key("a"), eur(1), morning) },
		func() error { return b.Reserve(t.Context(), key("a"), eur(1), morning) },
	} {
		if err := ask(); !errors.Is(err, budget.ErrUndefined) || over(err) {
			t.Errorf("got error %v, want ErrUndefined", err)
		}
	}
	set(t, b, budget.Account, "UTC", eur(100), campaign.Money{})
	reserve(t, b, "a", 1)
}
