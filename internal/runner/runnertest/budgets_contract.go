package runnertest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// BudgetsHarness is a ledger under test, with what the contract needs to set
// and to break.
type BudgetsHarness struct {
	// A and B are two replicas on the same store.
	A, B runner.Budgets
	// Set lays down what a source, or "*", may spend in a day and in a month in
	// a zone; money without a currency is no limit.
	Set func(t *testing.T, source, zone string, day, month campaign.Money)
	// Mute makes A lose the replies to what it sends, or stop losing them.
	// What it sends still takes effect.
	Mute func(t *testing.T, mute bool)
}

// TestBudgets is the contract of [runner.Budgets]: every implementation must
// pass it. open gives a fresh, empty ledger; it is called once for each
// subtest.
func TestBudgets(t *testing.T, open func(t *testing.T) BudgetsHarness) {
	at := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name string
		run  func(b budgets)
	}{
		{"WithoutABudgetEverythingIsReserved", func(b budgets) {
			b.reserves("shop-italia.a", 1_000_000, at)
			b.settles("shop-italia.a", 1_000_000, at)
		}},
		{"WhatIsReservedIsNotLeft", func(b budgets) {
			b.limit("shop-italia", 100, 0)
			b.reserves("shop-italia.a", 60, at)
			b.refuses("shop-italia.b", 41, at)
			b.reserves("shop-italia.b", 40, at)
			b.refuses("shop-italia.c", 1, at)
		}},
		{"ABudgetIsSpentToItsLastCent", func(b budgets) {
			b.limit("shop-italia", 100, 0)
			b.reserves("shop-italia.a", 100, at)
		}},
		{"ReservingTwiceIsReservingOnce", func(b budgets) {
			b.limit("shop-italia", 100, 0)
			b.reserves("shop-italia.a", 60, at)
			b.reserves("shop-italia.a", 60, at)
			b.reserves("shop-italia.b", 40, at)
		}},
		{"AReservationIsRaisedIfThereIsRoom", func(b budgets) {
			b.limit("shop-italia", 100, 0)
			b.reserves("shop-italia.a", 60, at)
			b.reserves("shop-italia.a", 100, at)
			b.refuses("shop-italia.b", 1, at)
		}},
		{"AReservationIsNotLowered", func(b budgets) {
			b.limit("shop-italia", 100, 0)
			b.reserves("shop-italia.a", 60, at)
			b.reserves("shop-italia.a", 10, at)
			b.refuses("shop-italia.b", 41, at)
		}},
		{"ARefusedRaiseLeavesWhatWasReserved", func(b budgets) {
			b.limit("shop-italia", 100, 0)
			b.reserves("shop-italia.a", 60, at)
			b.reserves("shop-italia.b", 30, at)
			b.refuses("shop-italia.a", 80, at)
			b.refuses("shop-italia.c", 11, at)
			b.reserves("shop-italia.c", 10, at)
		}},
		{"EveryBudgetMustHaveRoomElseNoneIsTouched", func(b budgets) {
			b.limit("shop-italia", 1000, 5000)
			b.limit("*", 100, 5000)
			b.refuses("shop-italia.a", 150, at)
			b.reserves("acqua-luce.a", 100, at)
			b.limit("*", 2000, 5000)
			b.reserves("shop-italia.b", 1000, at)
		}},
		{"TheAccountsBudgetIsEverybodys", func(b budgets) {
			b.limit("*", 100, 0)
			b.reserves("shop-italia.a", 60, at)
			b.refuses("acqua-luce.a", 60, at)
		}},
		{"ASourcesBudgetIsItsOwn", func(b budgets) {
			b.limit("shop-italia", 100, 0)
			b.reserves("shop-italia.a", 100, at)
			b.reserves("acqua-luce.a", 1000, at)
		}},
		{"TheMonthIsLimitedToo", func(b budgets) {
			b.limit("shop-italia", 100, 150)
			b.reserves("shop-italia.a", 100, at)
			b.refuses("shop-italia.b", 100, at.AddDate(0, 0, 1))
			b.reserves("shop-italia.c", 50, at.AddDate(0, 0, 1))
			b.reserves("shop-italia.d", 100, at.AddDate(0, 1, 0))
		}},
		{"DaysBeginInTheBudgetsZone", func(b budgets) {
			b.Set(b.T, "shop-italia", "Europe/Rome", whole(100), campaign.Money{})
			b.reserves("shop-italia.a", 100, time.Date(2026, 11, 27, 22, 59, 59, 0, time.UTC))
			b.reserves("shop-italia.b", 100, time.Date(2026, 11, 27, 23, 0, 0, 0, time.UTC))
			b.refuses("shop-italia.c", 1, time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC))
		}},
		{"SettlingCountsWhatItReallyCost", func(b budgets) {
			b.limit("shop-italia", 100, 0)
			b.reserves("shop-italia.a", 60, at)
			b.settles("shop-italia.a", 45, at)
			b.refuses("shop-italia.b", 56, at)
			b.reserves("shop-italia.b", 55, at)
		}},
		{"SettlingAtNothingReleases", func(b budgets) {
			b.limit("shop-italia", 100, 100)
			b.limit("*", 100, 100)
			b.reserves("shop-italia.a", 60, at)
			b.settles("shop-italia.a", 0, at)
			b.settles("shop-italia.a", 0, at)
			b.reserves("shop-italia.b", 100, at)
		}},
		{"SettlingTwiceIsSettlingOnce", func(b budgets) {
			b.limit("shop-italia", 100, 0)
			b.reserves("shop-italia.a", 60, at)
			b.settles("shop-italia.a", 60, at)
			b.settles("shop-italia.a", 60, at)
			b.reserves("shop-italia.b", 40, at)
		}},
		{"WhatWasSettledStaysSettled", func(b budgets) {
			b.limit("shop-italia", 100, 0)
			b.reserves("shop-italia.a", 60, at)
			b.settles("shop-italia.a", 60, at)
			b.reserves("shop-italia.a", 60, at) // by a run that was held up
			b.settles("shop-italia.a", 0, at)
			b.refuses("shop-italia.b", 41, at)
			b.reserves("shop-italia.b", 40, at)
		}},
		{"WhatWasNeverReservedIsCountedAllTheSame", func(b budgets) {
			b.limit("shop-italia", 100, 0)
			b.settles("shop-italia.a", 60, at)
			b.settles("shop-italia.a", 60, at)
			b.refuses("shop-italia.b", 41, at)
			b.reserves("shop-italia.b", 40, at)
		}},
		{"AChangeHoldsForTheNextReservation", func(b budgets) {
			b.limit("shop-italia", 100, 0)
			b.reserves("shop-italia.a", 60, at)
			b.limit("shop-italia", 50, 0)
			b.refuses("shop-italia.b", 1, at)
			b.limit("shop-italia", 200, 0)
			b.reserves("shop-italia.b", 140, at)
			b.Set(b.T, "shop-italia", "UTC", campaign.Money{}, campaign.Money{})
			b.reserves("shop-italia.c", 1000, at)
		}},
		{"AnotherCurrencyIsRefused", func(b budgets) {
			b.limit("shop-italia", 100, 0)
			err := b.A.Reserve(b.Context(), key("shop-italia.a"), campaign.Money{Amount: decimal.NewFromInt(1), Currency: "USD"}, at)
			if over := (*runner.OverBudget)(nil); !errors.As(err, &over) {
				b.Errorf("got error %v for dollars, want OverBudget", err)
			}
		}},
		{"ALookForRoomFilesNothing", func(b budgets) {
			b.limit("shop-italia", 100, 0)
			for _, k := range []string{"shop-italia.a", "shop-italia.b"} {
				if err := b.A.Room(b.Context(), key(k), whole(60), at); err != nil {
					b.Errorf("room for 60 of 100: %v", err)
				}
			}
			b.reserves("shop-italia.a", 60, at)
			err := b.B.Room(b.Context(), key("shop-italia.b"), whole(60), at)
			if over := (*runner.OverBudget)(nil); !errors.As(err, &over) {
				b.Errorf("got error %v for 60 of 40, want OverBudget", err)
			}
		}},
		{"ReplicasTogetherReserveNoMoreThanThereIs", func(b budgets) { b.race(at) }},
		{"AReservationWithoutAnAnswerIsMadeAgain", func(b budgets) {
			b.limit("shop-italia", 100, 100)
			b.Mute(b.T, true)
			ctx, cancel := context.WithTimeout(b.Context(), 300*time.Millisecond)
			defer cancel()
			err := b.A.Reserve(ctx, key("shop-italia.a"), whole(60), at)
			if over := (*runner.OverBudget)(nil); err == nil || errors.As(err, &over) {
				b.Fatalf("got error %v without an answer", err)
			}
			b.Mute(b.T, false)
			b.reserves("shop-italia.a", 60, at)
			b.reserves("shop-italia.b", 40, at)
		}},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(budgets{t, open(t)}) })
	}
}

// budgets is a ledger, and what is said of it in one line.
type budgets struct {
	*testing.T
	BudgetsHarness
}

// whole is an amount without cents.
func whole(n int64) campaign.Money {
	return campaign.Money{Amount: decimal.NewFromInt(n), Currency: "EUR"}
}

func key(s string) campaign.Key {
	k, err := campaign.ParseKey(s)
	if err != nil {
		panic(err)
	}
	return k
}

// limit sets a budget in UTC; zero is no limit.
func (b budgets) limit(source string, day, month int64) {
	b.Helper()
	var d, m campaign.Money
	if day > 0 {
		d = whole(day)
	}
	if month > 0 {
		m = whole(month)
	}
	b.Set(b.T, source, "UTC", d, m)
}

func (b budgets) reserves(k string, amount int64, at time.Time) {
	b.Helper()
	if err := b.A.Reserve(b.Context(), key(k), whole(amount), at); err != nil {
		b.Fatalf("reserve %d for %s: %v", amount, k, err)
	}
}

// refuses asks the other replica, which must know what the first one did.
func (b budgets) refuses(k string, amount int64, at time.Time) {
	b.Helper()
	err := b.B.Reserve(b.Context(), key(k), whole(amount), at)
	over := (*runner.OverBudget)(nil)
	if !errors.As(err, &over) {
		b.Fatalf("reserve %d for %s: got error %v, want OverBudget", amount, k, err)
	}
	if over.Budget == "" || over.Words == "" {
		b.Errorf("it does not say which budget, or what is left: %+v", over)
	}
}

func (b budgets) settles(k string, amount int64, at time.Time) {
	b.Helper()
	cost := whole(amount)
	if amount == 0 {
		cost = campaign.Money{}
	}
	if err := b.A.Settle(b.Context(), key(k), cost, at); err != nil {
		b.Fatalf("settle %s at %d: %v", k, amount, err)
	}
}

// race lets two replicas reserve at the same time, two budgets each.
func (b budgets) race(at time.Time) {
	b.limit("shop-italia", 100, 0)
	b.limit("*", 150, 1000)
	var group sync.WaitGroup
	var mu sync.Mutex
	won := map[string]int{}
	for i := range 32 {
		source, ledger := "shop-italia", b.A
		if i%2 == 1 {
			source = "acqua-luce"
		}
		if i%4 > 1 {
			ledger = b.B
		}
		group.Go(func() {
			for {
				err := ledger.Reserve(b.Context(), key(fmt.Sprintf("%s.%d", source, i)), whole(10), at)
				if over := (*runner.OverBudget)(nil); err != nil && !errors.As(err, &over) {
					continue // it may be free in a moment
				}
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won[source]++
				}
				return
			}
		})
	}
	group.Wait()
	if all := won["shop-italia"] + won["acqua-luce"]; all != 15 || won["shop-italia"] > 10 {
		b.Errorf("of 150 the sources reserved %v times 10, want 15 together and at most 10 of shop-italia", won)
	}
}
