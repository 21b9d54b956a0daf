package budget_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// shelf is what the replicas share: records under compare-and-set.
type shelf struct {
	mu      sync.Mutex
	seq     uint64
	records map[string]record
}

type record struct {
	data []byte
	busy bool
	seq  uint64
}

// memory is one replica's [budget.Store] on a shelf.
type memory struct {
	*shelf
	// fault, if set, is asked before every call, outside of the lock: "get",
	// "put". With an error the caller gets it; with apply the put took effect.
	fault func(op string) (apply bool, err error)
}

func newShelf() *shelf { return &shelf{records: map[string]record{}} }

func (m memory) Get(_ context.Context, name string) ([]byte, runner.Revision, error) {
	if m.fault != nil {
		if _, err := m.fault("get"); err != nil {
			return nil, runner.Revision{}, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.records[name]
	return bytes.Clone(r.data), runner.Revision{Seq: r.seq}, nil
}

func (m memory) Put(_ context.Context, name string, data []byte, busy bool, rev runner.Revision) error {
	apply, lost := true, error(nil)
	if m.fault != nil {
		apply, lost = m.fault("put")
		apply = apply || lost == nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case !apply:
	case m.records[name].seq != rev.Seq && lost == nil:
		return runner.ErrConflict
	case m.records[name].seq == rev.Seq:
		m.seq++
		m.records[name] = record{bytes.Clone(data), busy, m.seq}
	}
	return lost
}

func (m memory) List(_ context.Context, prefix string, busy bool) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for name, r := range m.records {
		if strings.HasPrefix(name, prefix) && (!busy || r.busy) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

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
		s := newShelf()
		var mute bool
		a := budget.NewBook(memory{s, func(op string) (bool, error) {
			if mute && op == "put" {
				return true, errLost
			}
			return true, nil
		}})
		return runnertest.BudgetsHarness{
			A: a, B: budget.NewBook(memory{shelf: s}),
			Set: func(t *testing.T, source, zone string, day, month campaign.Money) {
				set(t, a, budget.Scope(source), zone, day, month)
			},
			Mute: func(_ *testing.T, on bool) { mute = on },
		}
	})
}
