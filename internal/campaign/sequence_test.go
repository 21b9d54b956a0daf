package campaign_test

import (
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Whoever reads the events of one campaign in the order of their sequence reads what
// happened, also where an earlier version, which counted nothing, announced the first.
func TestSequenceOfEvents(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	quote := campaign.Quote{N: 3, Goal: campaign.Goal{Valid: 10, Parts: 10}}
	for name, test := range map[string]struct {
		c    campaign.Campaign
		want int
	}{
		"OfAnEarlierVersion": {campaign.Campaign{Quotes: 3, ApprovalN: 1, StatsN: 4, UnresolvedN: 1, Confirmed: &campaign.Confirmation{At: now}}, 12},
		"Counted":            {campaign.Campaign{Quotes: 3, StatsN: 4, UnresolvedN: 1, Confirmed: &campaign.Confirmation{At: now}, EventsN: 9}, 10},
		"NothingYet":         {campaign.Campaign{}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c := test.c
			c.Schema, c.Key, c.State, c.Quote = campaign.Schema, campaign.Key{Source: "shop-italia", RequestID: "bf"}, campaign.Unresolved, &quote
			c.Draft = &campaign.Bound{ID: 1542, Intended: true}
			d := campaign.Rules{}.Step(c, campaign.Resolved{By: "anna", Sent: false}, campaign.Facts{Now: now})
			if len(d.Next.Outbox) != 1 || d.Next.Outbox[0].Sequence != test.want || d.Next.EventsN != test.want {
				t.Errorf("it announces %+v, and has counted %d; want %d", d.Next.Outbox, d.Next.EventsN, test.want)
			}
		})
	}
}
