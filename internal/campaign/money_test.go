package campaign_test

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

func TestMoneyIsWrittenWithTwoDecimalsOrMore(t *testing.T) {
	for amount, want := range map[string]string{
		"1500": "1500.00 EUR", "1500.00": "1500.00 EUR", "3150.0": "3150.00 EUR", "344.09": "344.09 EUR",
		"0.035": "0.035 EUR", "0.0350": "0.035 EUR", "0": "0.00 EUR", "-1.5": "-1.50 EUR",
	} {
		if got := eur(amount).String(); got != want {
			t.Errorf("%s is written %q, want %q", amount, got, want)
		}
	}
}

func TestMoneyFromOutside(t *testing.T) {
	for _, tt := range []struct{ amount, currency, wrong string }{
		{"344.09", "EUR", ""},
		{"-12.5", "USD", ""},
		{"0.035000000", "EUR", ""},
		{"1.000000000000", "EUR", ""}, // zeros are no decimals
		{"999999999999999.999999999", "EUR", ""},
		{"1000000000000000", "EUR", "at most 15 digits"},
		{"-1000000000000000", "EUR", "at most 15 digits"},
		{"0.0000000001", "EUR", "at most 9 decimals"},
		{"1", "eur", "eur is no currency: write EUR"},
		{"1", "gbp", "gbp is no currency: write GBP"},
		{"1", "€", "€ is no currency: write EUR"},
		{"1", "", "an amount without a currency"},
		{"1", "EURO", "EURO is no currency"},
		{"1", "EU1", "EU1 is no currency"},
	} {
		m, err := campaign.NewMoney(decimal.RequireFromString(tt.amount), tt.currency)
		switch {
		case tt.wrong == "" && (err != nil || m.Currency != tt.currency || m.Amount.String() != decimal.RequireFromString(tt.amount).String()):
			t.Errorf("%s %s: got %s, error %v", tt.amount, tt.currency, m, err)
		case tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)):
			t.Errorf("%s %s: error %v, want %q", tt.amount, tt.currency, err, tt.wrong)
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
		m, err := campaign.ParseLimit(text)
		if got := m.String(); err == nil && got != want || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %s, error %v; want %q", text, got, err, want)
		}
	}
	if m, err := campaign.ParseMoney("0.035"); err != nil || m.String() != "0.035 EUR" {
		t.Errorf("the price of a part: got %s, error %v", m, err)
	}
	if _, err := campaign.ParseMoney("0.0000000001"); err == nil || !strings.Contains(err.Error(), "at most 9 decimals") {
		t.Errorf("ten decimals: error %v", err)
	}
}
