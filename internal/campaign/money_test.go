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
