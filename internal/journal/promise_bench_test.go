package journal

import (
	"testing"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// BenchmarkKeeps is what the contract's rules cost for one event.
func BenchmarkKeeps(b *testing.B) {
	p, err := contract.NewEventValidator()
	if err != nil {
		b.Fatal(err)
	}
	j := &Journal{promise: p}
	c := runnertest.Sample(campaign.Key{Source: "shop-italia", RequestID: "bf-2026"})
	c.Outbox = []campaign.Event{{Type: campaign.EventCostCalculated, N: 1, At: c.Since, CampaignID: 1542, Quote: c.Quote, QuoteID: "0123456789abcdef"}}
	b.ReportAllocs()
	for b.Loop() {
		if err := j.checkEvents(c); err != nil {
			b.Fatal(err)
		}
	}
}
