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
		m, err := ParseMoney(s)
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

// What people type is what is meant, or they are asked.
func TestMoneyThatPeopleType(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"500": "500.00 EUR", " 500.5  USD ": "500.50 USD", "500\u00a0EUR": "500.00 EUR", "1.500 KWD": "1.50 KWD", "0": "0.00 EUR",
		"999999999999999.99": "999999999999999.99 EUR",

		"500 €":            "€ is no currency: write EUR",
		"500 eur":          "eur is no currency: write EUR",
		"500 Euro":         "Euro is no currency: write EUR",
		"500 \x1b[2J":      "what is written there is no currency: write EUR",
		"1.500":            "1.500 EUR has three decimals: write 1500 or 1.50",
		"0.035":            "0.035 EUR has three decimals: write 0.04",
		"12.3456":          "12.3456 EUR has 4 decimals: write 12.35",
		"1.5000 KWD":       "1.5000 KWD has 4 decimals: write 1.500",
		"1.500,00":         "is no amount",
		"500,50":           "is no amount",
		"500€":             "is no amount",
		"":                 "is no amount",
		"500 EUR please":   "is no amount",
		"1000000000000000": "at most 15 digits",
	} {
		m, err := ParseLimit(text)
		if got := m.String(); err == nil && got != want || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %s, error %v; want %q", text, got, err, want)
		}
	}
	if m, err := ParseMoney("0.035"); err != nil || m.String() != "0.035 EUR" {
		t.Errorf("the price of a part: got %s, error %v", m, err)
	}
	if _, err := ParseMoney("0.0000000001"); err == nil || !strings.Contains(err.Error(), "at most 9 decimals") {
		t.Errorf("ten decimals: error %v", err)
	}
}
