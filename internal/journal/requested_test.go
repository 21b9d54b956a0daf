package journal

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

func TestRequestedAsksForTheSame(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	full := campaign.Request{
		Name: "Black Friday 2026", Description: "the big one", Sender: "ShopItalia", Text: "Ciao", ListID: 87,
		Unicode: true, Simulation: true, At: at, ExpiresAt: at.Add(48 * time.Hour),
		Limits: campaign.Limits{
			MaxTotal: campaign.Money{Amount: decimal.RequireFromString("344.09"), Currency: "EUR"}, OnOverMax: campaign.Ask, MaxParts: 2,
			Approval: true, ApprovalWithin: time.Hour, OnNoCredit: campaign.Wait, CreditWithin: 2 * time.Hour,
			MaxLateness: 3 * time.Hour, OnLate: campaign.Ask, Window: "it", Agreed: "0123456789abcdef",
		},
	}
	v, err := newValidator()
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]campaign.Request{"Everything": full, "TheLeast": {Name: "x", Sender: "x", Text: "x", ListID: 1}} {
		t.Run(name, func(t *testing.T) {
			key := campaign.Key{Source: "shop-italia", RequestID: "bf"}
			m := Requested(key, r)
			if err := v.validate(m); err != nil {
				t.Error(err)
			}
			k, got := fromProto(m)
			if diff := cmp.Diff(r, got); diff != "" || k != key {
				t.Errorf("%s asks for something else (-wanted +asked):\n%s", k, diff)
			}
		})
	}
}
