package scenario_test

import (
	"testing"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// The gateway sends a quarter of what is set. The first campaign of the day
// finds out; the second, which by the setting would end in time, is not begun
// in the evening: it would go on into the night.
func TestSlowGateway(t *testing.T) {
	live(t, "2026-11-26 16:00", campaign.Rules{Windows: daytime(t)}, func(c *company) {
		if err := c.sandbox.SetSpeed(0.25); err != nil {
			c.t.Fatal(err)
		}
		offer := func(id string, list int64) (campaign.Key, campaign.Request) {
			return campaign.Key{Source: "shop-italia", RequestID: id}, campaign.Request{
				Name: "Offerta " + id, Sender: "ShopItalia", ListID: list,
				Text:   "ShopItalia: solo oggi -20% su tutto. https://shop.example.it/oggi",
				Limits: campaign.Limits{Window: "example-it"},
			}
		}
		north, south := c.fill("north", 4000), c.fill("south", 5000)
		c.notef("the gateway is slow: it sends 60 messages a minute, the service assumes 200")
		c.notef("ShopItalia asks for north, to 4,000 customers")
		c.ask(offer("north", north))
		c.until("2026-11-26 21:00")
		c.notef("ShopItalia asks for south, to 5,000 customers")
		c.ask(offer("south", south))
		c.until("2026-11-27 12:00")

		if seen := c.sandbox.Seen(); seen.Confirms != 2 || seen.MaxPerPhone != 1 {
			c.t.Errorf("%d confirms, up to %d messages for a phone; want 2 and 1", seen.Confirms, seen.MaxPerPhone)
		}
		for _, id := range []string{"north", "south"} {
			r, _ := c.journal.Record(campaign.Key{Source: "shop-italia", RequestID: id})
			if r.State != campaign.Completed {
				c.t.Fatalf("%s is %s", id, r.State)
			}
			if end := r.Stats.CompletedAt.In(c.zone); end.Hour() < 8 || end.Hour() >= 22 {
				c.t.Errorf("%s ended at %s, when nobody may be written to", id, end.Format("Mon 15:04"))
			}
		}
	})
}
