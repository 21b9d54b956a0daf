package words_test

import (
	"testing"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/words"
)

func TestNumbersAsPeopleReadThem(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 10247: "10,247", 1234567: "1,234,567", -1000: "-1,000", -999: "-999"} {
		if got := words.Count(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
	for amt, want := range map[string]string{"344.09": "344.09", "1500": "1,500.00", "1500.5": "1,500.50", "0.035": "0.035", "-12.5": "-12.50", "7.": "7.00"} {
		if got := words.Amount(campaign.Money{Amount: decimal.RequireFromString(amt)}); got != want {
			t.Errorf("%s is %s, want %s", amt, got, want)
		}
	}
	if got := words.Money(campaign.Money{}); got != "unknown" {
		t.Errorf("what nobody said is %q", got)
	}
}
