package scenario_test

import (
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
)

// AcquaLuce's billing system asks by itself. It may spend 500 EUR in a month,
// and above 200 EUR somebody has to agree, to exactly that quote.
func TestAcquaLuce(t *testing.T) {
	rules := campaign.Rules{
		Policies: map[string]campaign.Policy{"acqualuce-billing": {ApproveAbove: eur("200")}},
	}
	live(t, "2026-11-02 09:00", rules, func(c *company) {
		month := eur("500")
		if _, err := c.budgets.Set(t.Context(), "acqualuce-billing", budget.Edit{By: "Carla", Zone: c.zone.String(), Month: &month}); err != nil {
			t.Fatal(err)
		}
		c.notef("Carla sets what billing may spend in a month: %s", month)
		notice := func(id string, list int64) (campaign.Key, campaign.Request) {
			return campaign.Key{Source: "acqualuce-billing", RequestID: id}, campaign.Request{
				Name: "Scadenza " + id, Sender: "AcquaLuce", ListID: list,
				Text: "AcquaLuce: la bolletta scade il 30/11. Paghi su https://acqualuce.example.it/paga",
			}
		}
		small, large, rest := c.fill("zone A", 4000), c.fill("zone B", 8000), c.fill("zone C", 3000)

		c.notef("billing asks for zone-a, 4,000 customers")
		c.ask(notice("zone-a", small))
		c.until("2026-11-02 11:00")

		c.notef("billing asks for zone-b, 8,000 customers")
		key, r := notice("zone-b", large)
		c.ask(key, r)
		record, _ := c.journal.Record(key)
		id := campaign.QuoteID(record.Request, *record.Quote)
		c.until("2026-11-02 14:30")
		c.notef("Carla approves a quote that she has not seen")
		c.publishCommand(key, campaign.Approve{QuoteID: "0123456789abcdef", By: "Carla"})
		c.notef("Carla approves quote %s", id)
		c.publishCommand(key, campaign.Approve{QuoteID: id, By: "Carla"})
		c.until("2026-11-02 18:00")

		c.notef("billing asks for zone-c, 3,000 customers")
		c.ask(notice("zone-c", rest))
		c.notef("billing asks for zone-d, 8,000 customers: nobody is asked to approve what cannot be sent")
		c.ask(notice("zone-d", large))
		c.until("2026-11-30 20:00")
		c.spent()
		c.until("2026-12-01 09:00")
		c.notef("December: billing asks for zone-c again, under a new id")
		c.ask(notice("zone-c-december", rest))
		c.until("2026-12-01 18:00")
		c.spent()

		seen := c.sandbox.Seen()
		c.notef("the gateway took %s in %d campaigns", c.charged(), seen.Confirms)
		if seen.Confirms != 3 || seen.MaxPerPhone != 1 {
			c.t.Errorf("%d confirms, up to %d messages for a phone; want 3 and 1", seen.Confirms, seen.MaxPerPhone)
		}
	})
}

// spent writes into the diary what `staffetta budget show` would say.
func (c *company) spent() {
	all, err := c.budgets.UsageOfAll(c.t.Context(), time.Now(), 10)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, u := range all {
		c.notef("%s has spent %s of %s in %s, and has %s left", u.Scope, u.Spent, u.Limit, u.Period, u.Left)
	}
}
