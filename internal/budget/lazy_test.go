package budget_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// budgetPlace is where budgets may be.
type budgetPlace struct {
	book  atomic.Pointer[budget.Ledgers] // nil: nobody has set one
	away  atomic.Bool                    // it does not answer
	looks atomic.Int64
}

func (p *budgetPlace) find(context.Context) (*budget.Ledgers, error) {
	p.looks.Add(1)
	switch b := p.book.Load(); {
	case p.away.Load():
		return nil, errLost
	case b != nil:
		return b, nil
	}
	return nil, budget.ErrNone
}

// five sets a budget of 5 EUR.
func (p *budgetPlace) five(t *testing.T) {
	b := budget.NewLedgers(runnertest.NewMemoryStore())
	set(t, b, "shop-italia", "Europe/Rome", eur(5), campaign.Money{})
	p.book.Store(b)
}

func TestLookout(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		run  func(t *testing.T, l *budget.Lazy, p *budgetPlace)
	}{
		{"ABudgetIsEnforcedAsSoonAsSomebodyHasSetIt", func(t *testing.T, l *budget.Lazy, p *budgetPlace) {
			found := watch(t, l)
			synctest.Wait()
			if l.Exist() {
				t.Error("nobody has set a budget, and one may be there")
			}
			p.five(t)
			time.Sleep(5 * time.Second)
			synctest.Wait()
			if !l.Exist() {
				t.Error("a budget of 5 EUR is not enforced 5 s after it was set")
			}
			if err := l.Reserve(t.Context(), key("a"), eur(344), morning); !over(err) {
				t.Errorf("344 EUR under a budget of 5: got error %v, want OverBudget", err)
			}
			if b := <-found; b != p.book.Load() {
				t.Errorf("the watch found %v", b)
			}
		}},
		{"WithoutBudgetsACampaignCostsNoLook", func(t *testing.T, l *budget.Lazy, p *budgetPlace) {
			watch(t, l)
			synctest.Wait()
			before := p.looks.Load()
			for range 1000 {
				if l.Exist() {
					t.Fatal("one may be there")
				}
			}
			if n := p.looks.Load() - before; n != 0 {
				t.Errorf("1000 campaigns took %d looks", n)
			}
			time.Sleep(time.Hour)
			if n := p.looks.Load() - before; n > 720 {
				t.Errorf("an hour took %d looks", n)
			}
		}},
		{"WhoCannotLookDoesNotTakeItForNo", func(t *testing.T, l *budget.Lazy, p *budgetPlace) {
			if !l.Exist() {
				t.Error("nobody has looked yet, and there is none")
			}
			watch(t, l)
			synctest.Wait()
			p.away.Store(true)
			p.five(t)
			time.Sleep(budget.EnforcedWithin)
			if !l.Exist() {
				t.Errorf("it could not look for %s, and there is none", budget.EnforcedWithin)
			}
			if err := l.Reserve(t.Context(), key("a"), eur(344), morning); err == nil || over(err) {
				t.Errorf("got error %v, want to be asked to come again", err)
			}
			p.away.Store(false)
			if err := l.Reserve(t.Context(), key("a"), eur(344), morning); !over(err) {
				t.Errorf("got error %v, want OverBudget", err)
			}
			// Once one was there they are never gone again.
			p.book.Store(nil)
			if err := l.Reserve(t.Context(), key("a"), eur(344), morning); !l.Exist() || !over(err) {
				t.Errorf("got error %v, want OverBudget", err)
			}
		}},
		{"SomebodyElseKnowsMore", func(t *testing.T, l *budget.Lazy, p *budgetPlace) {
			watch(t, l)
			synctest.Wait()
			p.five(t)
			// The record says that the budgets have to know of it.
			if err := l.Settle(t.Context(), key("a"), eur(3), morning); err != nil {
				t.Fatal(err)
			}
			if got := used(t, p.book.Load(), "shop-italia"); got != "2026-11-27: 3 + 0 of 5" {
				t.Errorf("it is used %s", got)
			}
		}},
		{"WhatKeepsItFromLookingIsToldOnce", func(t *testing.T, l *budget.Lazy, p *budgetPlace) {
			var told []error
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { l.Watch(ctx, func(err error) { told = append(told, err) }); close(done) }()
			synctest.Wait()
			p.away.Store(true)
			time.Sleep(time.Minute)
			p.away.Store(false)
			time.Sleep(time.Minute)
			cancel()
			<-done
			if len(told) != 2 || !errors.Is(told[0], errLost) || told[1] != nil {
				t.Errorf("it was told %v", told)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &budgetPlace{}
				test.run(t, budget.NewLazy(p.find), p)
			})
		})
	}
}

// watch looks in the background.
func watch(t *testing.T, l *budget.Lazy) <-chan *budget.Ledgers {
	ctx, cancel := context.WithCancel(t.Context())
	found := make(chan *budget.Ledgers, 1)
	go func() { found <- l.Watch(ctx, func(error) {}) }()
	t.Cleanup(func() { cancel(); synctest.Wait() })
	return found
}
