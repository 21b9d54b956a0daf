package budget_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// A campaign falls under the budget of the account in which it is, and under no other
// account's.
func TestAnAccountHasABudgetOfItsOwn(t *testing.T) {
	t.Parallel()
	b := budget.NewLedgers(runnertest.NewMemoryStore())
	bianchi := budget.OfAccount("bianchi")
	set(t, b, bianchi, "Europe/Rome", eur(100), campaign.Money{})
	set(t, b, budget.Account, "Europe/Rome", eur(250), campaign.Money{})
	in := func(account, id string, amount int64) error {
		return b.In(account).Reserve(t.Context(), key(id), eur(amount), morning)
	}
	for _, tt := range []struct {
		name, account string
		amount        int64
		refused       string // empty: it has room
	}{
		{"TheFirst", "bianchi", 60, ""},
		{"TooMuchForTheAccount", "bianchi", 41, "account bianchi has 40.00 EUR of 100.00 EUR left"},
		{"AsMuchInAnother", "acqua-luce", 60, ""},
		{"WhatIsLeft", "bianchi", 40, ""},
		{"TooMuchForAll", "acqua-luce", 91, "the total of all accounts has 90.00 EUR of 250.00 EUR left"},
		{"WhereThereIsOneAccount", "", 91, "the account has 90.00 EUR of 250.00 EUR left"},
	} {
		err := in(tt.account, tt.name, tt.amount)
		if tt.refused == "" && err != nil || tt.refused != "" && (!over(err) || !strings.Contains(err.Error(), tt.refused)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.refused)
		}
	}
	if err := b.In("bianchi").Settle(t.Context(), key("TheFirst"), eur(50), morning); err != nil {
		t.Fatal(err)
	}
	if got := used(t, b, bianchi); got != "2026-11-27: 50 + 40 of 100" {
		t.Errorf("the account is used %s", got)
	}
	if got := used(t, b, budget.Account); got != "2026-11-27: 50 + 100 of 250" {
		t.Errorf("all are used %s", got)
	}
}

// A sweep settles what lies in an account's ledger, whatever the record says of accounts.
func TestASweepSettlesInTheAccount(t *testing.T) {
	t.Parallel()
	for _, account := range []string{"bianchi", ""} {
		b := budget.NewLedgers(runnertest.NewMemoryStore())
		set(t, b, budget.OfAccount("bianchi"), "Europe/Rome", eur(100), campaign.Money{})
		set(t, b, "shop-italia", "Europe/Rome", eur(100), campaign.Money{})
		if err := b.In("bianchi").Reserve(t.Context(), key("a"), eur(60), morning); err != nil {
			t.Fatal(err)
		}
		ended := runnertest.Sample(key("a"))
		ended.State, ended.Account = campaign.Completed, account
		ended.Stored, ended.Request.At, ended.Confirmed = morning, time.Time{}, &campaign.Confirmation{}
		for range 2 {
			_, err := b.Sweep(t.Context(), func(context.Context, campaign.Key) (campaign.Campaign, error) { return ended, nil })
			if err != nil {
				t.Fatal(err)
			}
		}
		want := "2026-11-27: " + ended.Cost().Amount.String() + " + 0 of 100"
		for _, scope := range []budget.Scope{"shop-italia", budget.OfAccount("bianchi")} {
			if got := used(t, b, scope); got != want {
				t.Errorf("the record says account %q: %s is used %s, want %s", account, scope, got, want)
			}
		}
	}
}

// An earlier version lists all that it knows by these prefixes: it must find nothing of
// accounts there, because it would settle what it does not count.
func TestAnEarlierVersionSeesNothingOfAccounts(t *testing.T) {
	t.Parallel()
	s := runnertest.NewMemoryStore()
	b := budget.NewLedgers(s)
	scope := budget.OfAccount("bianchi")
	for range 25 { // more changes than a definition holds
		set(t, b, scope, "Europe/Rome", eur(100), eur(1000))
	}
	if err := b.In("bianchi").Reserve(t.Context(), key("a"), eur(60), morning); err != nil {
		t.Fatal(err)
	}
	for _, prefix := range []string{"definition.", "change.", "ledger."} {
		if names, err := s.List(t.Context(), prefix, false); err != nil || len(names) > 0 {
			t.Errorf("%s: %v, %v", prefix, names, err)
		}
	}
	d, err := b.Definitions(t.Context())
	if err != nil || len(d) != 1 || d[0].Scope != scope {
		t.Fatalf("budgets %v, %v", d, err)
	}
	if all, err := b.History(t.Context(), d[0]); err != nil || len(all) != 25 {
		t.Errorf("%d changes, %v", len(all), err)
	}
}
