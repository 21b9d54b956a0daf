package why

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// If the gateway did not say the account's credit, it is not shown as zero.
func TestOfferSaysWhatIsKnownOfTheCredit(t *testing.T) {
	t.Parallel()
	credit := campaign.Money{Amount: decimal.NewFromInt(120), Currency: "EUR"}
	for _, tt := range []struct {
		price campaign.Price
		want  string
	}{
		{campaign.Price{Available: credit, Sufficient: true}, "The account had 120.00 EUR."},
		{campaign.Price{Available: credit}, "The account had only 120.00 EUR."},
		{campaign.Price{Sufficient: true}, "The account has enough credit."},
		{campaign.Price{}, "The account has not enough credit."},
	} {
		if got := quote(campaign.Quote{Price: tt.price}); !strings.HasSuffix(got, " in all. "+tt.want) {
			t.Errorf("%+v: %q does not end in %q", tt.price, got, tt.want)
		}
	}
}
