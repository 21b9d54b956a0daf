package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/ops"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// Whoever watches the metrics sees how far a budget is spent before a campaign
// is rejected over it.
func TestMetricsOfBudgets(t *testing.T) {
	t.Parallel()
	local, err := StartLocal(LocalOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { local.Stop() })
	nc, err := connect(Options{NATS: NATS{URL: local.NATSURL}}.WithDefaults())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	own, err := streams.OwnAccess(nc)
	if err != nil {
		t.Fatal(err)
	}
	book, err := journal.OpenBudgets(t.Context(), own, 1)
	if err != nil {
		t.Fatal(err)
	}
	eur := func(s string) campaign.Money {
		return campaign.Money{Amount: decimal.RequireFromString(s), Currency: "EUR"}
	}
	day, month := eur("100.50"), eur("1000")
	for scope, e := range map[budget.Scope]budget.Edit{"shop-italia": {By: "anna", Zone: "UTC", Day: &day}, budget.Account: {By: "anna", Zone: "UTC", Month: &month}} {
		if _, err := book.Set(t.Context(), scope, e); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	spent, under := campaign.Key{Source: "shop-italia", RequestID: "spent"}, campaign.Key{Source: "shop-italia", RequestID: "under-way"}
	for key, amount := range map[campaign.Key]string{spent: "20", under: "7.25"} {
		if err := book.Reserve(t.Context(), key, eur(amount), now); err != nil {
			t.Fatal(err)
		}
	}
	if err := book.Settle(t.Context(), spent, eur("19.90"), now); err != nil {
		t.Fatal(err)
	}

	abroad := campaign.Key{Source: "shop-italia", RequestID: "abroad"}
	if err := book.Settle(t.Context(), abroad, campaign.Money{Amount: decimal.NewFromInt(1), Currency: "USD"}, now); err != nil {
		t.Fatal(err)
	}

	var p budgetMetrics
	o := ops.New(ops.Options{})
	p.show(o)
	page := func() string {
		w := httptest.NewRecorder()
		o.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		return w.Body.String()
	}
	if strings.Contains(page(), "staffetta_budget_limit{") {
		t.Error("there is a budget before anybody has looked")
	}
	if err := p.swept(t.Context(), budget.Swept{Settled: 2, Orphaned: 1}, book); err != nil {
		t.Fatal(err)
	}
	got := page()
	for _, want := range []string{
		`staffetta_budget_limit{budget="*",currency="EUR",period="month"} 1000`,
		`staffetta_budget_limit{budget="shop-italia",currency="EUR",period="day"} 100.5`,
		`staffetta_budget_spent{budget="shop-italia",currency="EUR",period="day"} 19.9`,
		`staffetta_budget_reserved{budget="shop-italia",currency="EUR",period="day"} 7.25`,
		`staffetta_budget_reserved{budget="*",currency="EUR",period="month"} 7.25`,
		`staffetta_budget_foreign_costs{budget="shop-italia",currency="EUR",period="day"} 1`,
		`staffetta_budget_foreign_costs{budget="*",currency="EUR",period="month"} 1`,
		`staffetta_budget_sweep_settled_total 2`,
		`staffetta_budget_sweep_without_record 1`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("no line %s", want)
		}
	}
	if strings.Contains(got, "staffetta_budget_last_sweep_timestamp_seconds 0\n") {
		t.Error("it does not say when it looked")
	}

	// A budget is set by hand, so there are few; still their number has an end.
	if usage, err := book.UsageOfAll(t.Context(), now, 1); err != nil || len(usage) != 1 || usage[0].Scope != budget.Account {
		t.Errorf("the usage of one budget: %+v, %v", usage, err)
	}
}
