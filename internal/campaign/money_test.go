package campaign_test

import "testing"

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
