package journal_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/sms"
)

// What was told can be read back in the same words: published as protobuf and
// read from the stream it is the same event, but for what the contract does
// not say.
func TestRetold(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	friday := time.Date(2026, 11, 27, 8, 0, 0, 5e8, time.UTC)
	eur := func(s string) campaign.Money {
		return campaign.Money{Amount: decimal.RequireFromString(s), Currency: "EUR"}
	}
	quote := campaign.Quote{N: 2, At: friday,
		Goal:  campaign.Goal{Total: 10247, Valid: 9831, Invalid: 416, Parts: 19662},
		Price: campaign.Price{PerMessage: eur("0.035"), Total: eur("688.17"), Available: eur("1500"), Sufficient: true}}
	text := campaign.TextReport{Encoding: sms.UCS2, Units: 80, Parts: 2, Odd: "’", Position: 2, Substitute: "'", Differs: "the gateway counts 1 part",
		Advice: "write '", Placeholders: []string{"name"}, Lookalikes: []string{"{{name}}"}}
	onInvoice := quote
	onInvoice.N, onInvoice.Price.Available = 3, campaign.Money{}
	// The contract says only this much of the quote when it is confirmed.
	agreed := campaign.Quote{Goal: campaign.Goal{Valid: 9831}, Price: campaign.Price{Total: eur("688.17")}}
	said := campaign.Quote{Goal: campaign.Goal{Valid: 9831, Parts: 19662}, Price: campaign.Price{Total: eur("688.17")}}
	asked := campaign.Quote{Goal: campaign.Goal{Valid: 9831, Parts: 19662}, Price: campaign.Price{PerMessage: eur("0.035"), Total: eur("688.17")}}
	stats := campaign.Stats{Status: campaign.StatusCompleted, Total: 9831, Sent: 9831, Delivered: 9542, Undelivered: 289,
		DeliveryRate: decimal.NewNullDecimal(decimal.RequireFromString("97.06")), Cost: eur("688.17"), CompletedAt: friday}
	c := sample
	c.Outbox = []campaign.Event{
		{Type: campaign.EventCostCalculated, N: 2, Quote: &quote, QuoteID: "0123456789abcdef", Text: &text},
		{Type: campaign.EventApprovalRequired, N: 1, Quote: &asked, QuoteID: "0123456789abcdef",
			Need: &campaign.Need{For: campaign.NeedApproval, Why: "it costs more", Since: friday, Until: friday.Add(time.Hour)}},
		{Type: campaign.EventApproved, N: 1, QuoteID: "0123456789abcdef",
			Approval: &campaign.Approval{QuoteID: "0123456789abcdef", By: "carla", At: friday, Quote: said}},
		{Type: campaign.EventAudiencePrepared, N: 1, Prepared: &campaign.Prepared{Digest: "9f86d081", Given: 10, Sent: 4, Malformed: 1, Duplicate: 2, Suppressed: 3}},
		{Type: campaign.EventDeferred, N: 1, Need: &campaign.Need{For: campaign.NeedWindow, Why: "it is night", Since: friday, Until: friday.Add(time.Hour)}},
		{Type: campaign.EventConfirmed, N: 1, Confirmed: &campaign.Confirmation{At: friday, For: friday.Add(time.Hour)}, Quote: &agreed,
			Approval: &campaign.Approval{By: "carla", QuoteID: "0123456789abcdef"}},
		{Type: campaign.EventStats, N: 3, Stats: &stats, Last: true, Differs: "one is missing"},
		{Type: campaign.EventStats, N: 4, Stats: &campaign.Stats{Status: campaign.StatusSending, Uncounted: true}},
		{Type: campaign.EventCostCalculated, N: 3, Quote: &onInvoice, QuoteID: "0123456789abcdef"},
		{Type: campaign.EventRejected, N: 1, Reason: &campaign.Reason{Code: campaign.ReasonRefused, Step: campaign.OpConfigure,
			Field: "contactListId", Message: "the gateway refused configure", Gateway: "no such list", HTTP: 400}},
		{Type: campaign.EventCancelled, N: 1, Reason: &campaign.Reason{Code: campaign.ReasonCancelled, By: "anna", Message: "typo"}},
		{Type: campaign.EventFailed, N: 1, Reason: &campaign.Reason{Code: campaign.ReasonVanished, Message: "not found"}},
		{Type: campaign.EventUnresolved, N: 1, Reason: &campaign.Reason{Code: campaign.ReasonUnverifiable, Message: "nobody can say"}},
	}
	c.Cancel = &campaign.Cancellation{By: "anna", Why: "typo"}
	for i := range c.Outbox {
		e := &c.Outbox[i]
		e.Sequence, e.At = i+1, friday.Add(time.Duration(i)*time.Second)
		e.CampaignID, e.Gateway = 1542, "https://gateway.example/v1"
	}
	c.Outbox[2].Gateway = "" // of an older version
	if err := b.j.Publish(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for _, e := range campaign.EventTypes {
		if !slices.ContainsFunc(c.Outbox, func(told campaign.Event) bool { return told.Type == e }) {
			t.Errorf("no %s is told", e)
		}
	}
	var got []campaign.Event
	for told, err := range b.client.Watch(t.Context(), client.WatchOptions{Key: key}) {
		if err != nil {
			t.Fatal(err)
		}
		e, ok := told.Event()
		if !ok {
			t.Fatalf("%s is not understood", told.Subject)
		}
		got = append(got, e)
	}
	if diff := cmp.Diff(c.Outbox, got, cmp.Comparer(decimal.Decimal.Equal)); diff != "" {
		t.Errorf("events (-told +read back):\n%s", diff)
	}
}
