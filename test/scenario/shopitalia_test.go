package scenario_test

import (
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// ShopItalia's code is worthless after 48 hours. The campaign is asked for at
// night, which its send window does not allow; in the morning the gateway is
// down; and the reminder of a day later would end after the code.
func TestShopItalia(t *testing.T) {
	live(t, "2026-11-26 22:40", campaign.Rules{Windows: daytime(t)}, func(c *company) {
		list, err := c.sandbox.FillDemo(sandbox.ShopItalia())
		if err != nil {
			c.t.Fatal(err)
		}
		end := time.Now().Add(48 * time.Hour)
		r := campaign.Request{
			Name: "Black Friday 2026", Sender: "ShopItalia", ListID: int64(list), ExpiresAt: end,
			Text:   "Black Friday! Ciao {{firstName}}, -30% con il tuo codice {{code}}.",
			Limits: campaign.Limits{Window: "example-it"},
		}
		c.notef("ShopItalia asks for black-friday, now; its code is worthless after %s", end.In(c.zone).Format("Mon 15:04"))
		c.ask(campaign.Key{Source: "shop-italia", RequestID: "black-friday"}, r)

		c.until("2026-11-27 07:55")
		c.notef("the gateway goes down")
		c.faults(sandbox.Fault{Times: -1, Status: 503, Body: sandbox.HTML})
		c.until("2026-11-27 09:10")
		c.notef("the gateway is back")
		c.sandbox.RemoveFaults()

		c.until("2026-11-28 09:00")
		c.notef("the gateway goes down again, for the whole day")
		c.faults(sandbox.Fault{Times: -1, Status: 503, Body: sandbox.HTML})
		r.Name = "Last hours"
		c.notef("ShopItalia asks for last-hours, with the same code")
		c.ask(campaign.Key{Source: "shop-italia", RequestID: "last-hours"}, r)
		c.until("2026-11-28 21:30")
		c.notef("the gateway is back")
		c.sandbox.RemoveFaults()
		c.until("2026-11-30 12:00")

		seen := c.sandbox.Seen()
		c.notef("the gateway took %s; the most that one phone got: %d", c.charged(), seen.MaxPerPhone)
		if seen.Confirms != 1 || seen.MaxPerPhone != 1 {
			c.t.Errorf("%d confirms took effect, a phone got up to %d messages; want 1 and 1", seen.Confirms, seen.MaxPerPhone)
		}
	})
}
