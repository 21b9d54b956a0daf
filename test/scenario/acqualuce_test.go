package scenario_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/words"
)

// invoices is the file that billing writes of a zone's unpaid invoices: the number, and what
// the text names of each. The first customer has two of them, and of the last one billing
// has no telephone.
func invoices(zone string, customers int) string {
	var file strings.Builder
	file.WriteString("phoneNumber,invoice,code,customer\n")
	for i := range customers {
		fmt.Fprintf(&file, "+39333%s%06d,%s-%d,%05x,Customer %d\n", zone, i, strings.ToUpper(zone), 1000+i, 7*i+1, i)
	}
	fmt.Fprintf(&file, "+39333%s%06d,%s-%d,%05x,Customer 0\n", zone, 0, strings.ToUpper(zone), 1000+customers, 7*customers+1)
	fmt.Fprintf(&file, ",%s-%d,%05x,Customer %d\n", strings.ToUpper(zone), 1001+customers, 7*customers+8, customers)
	return file.String()
}

// AcquaLuce's billing system asks by itself: unpaid invoices go in, notices go out, and no
// list lies at the gateway. It may spend 500 EUR in a month, and above 200 EUR somebody has
// to agree, to exactly that quote for exactly these people.
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
		notice := func(id, file string) (campaign.Key, campaign.Request) {
			c.notef("billing asks for %s: %s unpaid invoices", id, words.Count(int64(strings.Count(file, "\n")-1)))
			return campaign.Key{Source: "acqualuce-billing", RequestID: id}, campaign.Request{
				Name: "Bills due on 30 November", Sender: "AcquaLuce", Audience: c.lists.lay(file),
				Text: "AcquaLuce: la bolletta {{invoice}} scade il 30/11. Paghi su https://acqualuce.example/{{code}}",
			}
		}
		zoneA, zoneB, zoneC := invoices("1", 4000), invoices("2", 8000), invoices("3", 3000)

		c.ask(notice("zone-a", zoneA))
		c.until("2026-11-02 11:00")
		c.phone("+393331000041")

		key, r := notice("zone-b", zoneB)
		c.ask(key, r)
		record, _ := c.journal.Record(key)
		id := campaign.QuoteID(record.Request, *record.Quote)
		c.until("2026-11-02 14:30")
		c.notef("Carla approves a quote that she has not seen")
		c.publishCommand(key, campaign.Approve{QuoteID: "0123456789abcdef", By: "Carla"})
		c.notef("Carla approves quote %s", id)
		c.publishCommand(key, campaign.Approve{QuoteID: id, By: "Carla"})
		c.until("2026-11-02 18:00")

		c.ask(notice("zone-c", zoneC))
		key, r = notice("zone-d", zoneB)
		c.notef("nobody is asked to approve what cannot be sent")
		c.ask(key, r)
		c.until("2026-11-30 20:00")
		c.spent()
		c.until("2026-12-01 09:00")
		c.notef("December: who has paid is not in the list any more")
		c.ask(notice("zone-c-december", invoices("3", 1200)))
		c.until("2026-12-01 18:00")
		c.spent()

		seen := c.sandbox.Seen()
		c.notef("the gateway took %s in %d campaigns", c.charged(), seen.Confirms)
		c.until("2026-12-20 09:00")
		left := len(c.sandbox.Lists())
		c.notef("of its recipients, the gateway has %d lists and the service %d files", left, c.lists.kept())
		if seen.Confirms != 3 || seen.MaxPerPhone != 1 || left != 0 || c.lists.kept() != 0 {
			c.t.Errorf("%d confirms, up to %d messages for a phone, %d lists and %d files left; want 3, 1, 0 and 0", seen.Confirms, seen.MaxPerPhone, left, c.lists.kept())
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
