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
		north, south := c.fill("north", 4000), c.fill("south", 5000)
		c.notef("the gateway is slow: it sends 60 messages a minute, the service assumes 200")
		c.notef("ShopItalia asks for north, to 4,000 customers")
		c.ask(requestOf("north", north))
		c.until("2026-11-26 21:00")
		c.notef("ShopItalia asks for south, to 5,000 customers")
		c.ask(requestOf("south", south))
		c.until("2026-11-27 12:00")
		endedByDay(c, "north", "south")
	})
}

// Two campaigns in one evening: it is not known whether the gateway sends them
// at the same time. The second one, which would not end in time if it does
// not, waits until enough of the first has gone.
func TestSharedGateway(t *testing.T) {
	live(t, "2026-11-26 20:30", campaign.Rules{Windows: daytime(t)}, func(c *company) {
		north, south := c.fill("north", 10_000), c.fill("south", 10_000)
		c.notef("ShopItalia asks for north, to 10,000 customers")
		c.ask(requestOf("north", north))
		c.until("2026-11-26 20:31")
		c.notef("ShopItalia asks for south, to 10,000 customers")
		c.ask(requestOf("south", south))
		c.until("2026-11-27 12:00")
		endedByDay(c, "north", "south")
	})
}

// requestOf is a campaign that may be sent from 08:00 to 22:00.
func requestOf(id string, list int64) (campaign.Key, campaign.Request) {
	return campaign.Key{Source: "shop-italia", RequestID: id}, campaign.Request{
		Name: "Offerta " + id, Sender: "ShopItalia", ListID: list,
		Text:   "ShopItalia: solo oggi -20% su tutto. https://shop.example.it/oggi",
		Limits: campaign.Limits{Window: "example-it"},
	}
}

// endedByDay says that each campaign was sent, once, and not into the night.
func endedByDay(c *company, ids ...string) {
	c.t.Helper()
	if seen := c.sandbox.Seen(); seen.Confirms != len(ids) || seen.MaxPerPhone != 1 {
		c.t.Errorf("%d confirms, up to %d messages for a phone; want %d and 1", seen.Confirms, seen.MaxPerPhone, len(ids))
	}
	for _, id := range ids {
		r, _ := c.journal.Record(campaign.Key{Source: "shop-italia", RequestID: id})
		if r.State != campaign.Completed {
			c.t.Fatalf("%s is %s", id, r.State)
		}
		if end := r.Stats.CompletedAt.In(c.zone); end.Hour() < 8 || end.Hour() >= 22 {
			c.t.Errorf("%s ended at %s, when nobody may be written to", id, end.Format("Mon 15:04"))
		}
	}
}
