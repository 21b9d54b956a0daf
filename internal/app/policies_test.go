package app

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

func TestPolicies(t *testing.T) {
	t.Parallel()
	got, err := readPolicies(Options{ApproveAbove: "acqua-luce=500, *= 2000.50 EUR", SendWindow: "shop-italia=it-marketing"})
	if err != nil {
		t.Fatal(err)
	}
	money := func(s string) campaign.Money {
		m, err := campaign.ParseMoney(s)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	want := map[string]campaign.Policy{
		"acqua-luce":  {ApproveAbove: money("500 EUR")},
		"shop-italia": {ApproveAbove: money("2000.50 EUR"), Window: "it-marketing"},
		"*":           {ApproveAbove: money("2000.50 EUR")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("policies (-want +got):\n%s", diff)
	}
	for text, want := range map[string]string{
		"500":                  "want source=value",
		"acqua-luce=much":      "is no amount",
		"acqua-luce=5 euro":    "euro is no currency: write EUR",
		"acqua-luce=500 €":     "€ is no currency: write EUR",
		"acqua-luce=500 usd":   "usd is no currency: write USD",
		"acqua-luce=1.500 EUR": "acqua-luce: 1.500 EUR has three decimals: write 1500 or 1.50",
		"acqua-luce=1.500":     "1.500 EUR has three decimals: write 1500 or 1.50",
		"acqua luce=5":         "not allowed",
		"a=1, b=2, a=3":        "there twice",
		"acqua-luce=-1":        "is no amount",
		"acqua-luce=1e9":       "is no amount",
		"acqua-luce=500 EUR,*": "want source=value",
	} {
		if _, err := readPolicies(Options{ApproveAbove: text}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got error %v, want one that says %q", text, err, want)
		}
	}
}
