package app_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// check asks the service what would become of the bundle's request, changed.
func (b *bundle) check(price bool, change func(*campaignv1.CampaignRequested)) (query.Checked, error) {
	b.t.Helper()
	m := &campaignv1.CampaignRequested{Source: b.request.Source, Name: b.request.Name, Sender: b.request.Sender, Text: b.request.Text,
		ContactListId: b.request.ContactListId, Start: b.request.Start}
	if change != nil {
		change(m)
	}
	data, err := protojson.Marshal(m)
	if err != nil {
		b.t.Fatal(err)
	}
	return query.AskCheck(b.t.Context(), b.client, query.CheckAsk{Request: data, Price: price})
}

// drafts are what the gateway has of campaigns, and has not deleted.
func (b *bundle) drafts() (all []sandbox.SeenCampaign) {
	for _, c := range b.Sandbox.Seen().Campaigns {
		if !c.Deleted {
			all = append(all, c)
		}
	}
	return all
}

// Each rejection that would come is told before, and nothing is left of the check: no
// record, no event, no draft.
func TestACheckSaysWhatWouldCome(t *testing.T) {
	t.Parallel()
	b := setup(t)
	o := b.options()
	o.Windows, o.ApproveAbove = "", "*=1000 EUR"
	b.run(o)
	for name, tt := range map[string]struct {
		change        func(*campaignv1.CampaignRequested)
		field, reason string
		price         bool // only a price shows it
	}{
		"contract":  {func(m *campaignv1.CampaignRequested) { m.Sender = "Shop Italia!" }, "sender", "invalid", false},
		"text":      {func(m *campaignv1.CampaignRequested) { m.Text = "C’è lo sconto" }, "text", "text_not_gsm7", false},
		"parts":     {func(m *campaignv1.CampaignRequested) { m.Text, m.MaxPartsPerMessage = strings.Repeat("Ciao ", 60), 1 }, "text", "too_many_parts", false},
		"window":    {func(m *campaignv1.CampaignRequested) { m.SendWindow = "nowhere" }, "send_window", "no_send_window", false},
		"list":      {func(m *campaignv1.CampaignRequested) { m.ContactListId = 4711 }, "contactListId", "refused_by_gateway", true},
		"max_total": {func(m *campaignv1.CampaignRequested) { m.MaxTotal = &campaignv1.Money{Amount: "0.01", Currency: "EUR"} }, "max_total", "over_max_total", true},
	} {
		got, err := b.check(false, tt.change)
		if tt.price {
			if err != nil || !got.Accepted || len(got.Problems) > 0 {
				t.Errorf("%s, without price: %+v, %v", name, got, err)
			}
			got, err = b.check(true, tt.change)
		}
		if err != nil || got.Accepted || len(got.Problems) != 1 || got.Problems[0].Field != tt.field || got.Problems[0].Reason != tt.reason || got.Problems[0].Remedy == "" || got.Left != nil {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	got, err := b.check(true, nil)
	if err != nil || !got.Accepted || got.Known != query.KnownNew || got.Quote == nil || got.Quote.Goal.Valid == 0 || got.QuoteID == "" {
		t.Errorf("nothing is wrong: %+v, %v", got, err)
	}
	if left := b.drafts(); len(left) > 0 {
		t.Errorf("left at the gateway: %+v", left)
	}
	for _, c := range b.Sandbox.Seen().Campaigns {
		if !strings.HasPrefix(c.Name, "check: ") || !strings.Contains(c.Description, "[staffetta shop-italia.check-") {
			t.Errorf("a draft that nobody knows for a check's: %+v", c)
		}
	}
	for _, err := range b.client.Entries(t.Context(), "", 0) {
		t.Errorf("there is a record: %v", err)
	}

	b.ask()
	b.until("confirmed")
	if same, err := b.check(true, func(m *campaignv1.CampaignRequested) { m.RequestId = b.key.RequestID }); err != nil || !same.Accepted || same.Known != query.KnownSame || same.Quote != nil {
		t.Errorf("the same again: %+v, %v", same, err)
	}
	other, err := b.check(true, func(m *campaignv1.CampaignRequested) { m.RequestId, m.Text = b.key.RequestID, "Ciao" })
	if err != nil || other.Accepted || other.Known != query.KnownConflict || len(other.Differs) != 1 || other.Differs[0] != "text" || other.Problems[0].Reason != "conflicting_duplicate" {
		t.Errorf("another one under the same name: %+v, %v", other, err)
	}
}

// A price is refused where each would leave a draft, and what is left after all is told.
func TestACheckLeavesNoDraftUntold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	o := b.options()
	_, stop := b.run(o)
	b.Sandbox.SetVariants(sandbox.Variants{NoDelete: true})
	got, err := b.check(true, nil)
	if left := b.drafts(); err != nil || !got.Accepted || got.Left == nil || len(left) != 1 || got.Left.CampaignID != int64(left[0].ID) || !strings.Contains(left[0].Description, got.Left.Mark) {
		t.Errorf("an account that deletes none: %+v (%+v), %v; left %+v", got, got.Left, err, left)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	o.Gateway.Variant = "delete=no"
	o.Gateway.AcceptUnsafe = true
	b.run(o)
	if got, err := b.check(true, nil); !query.Is(err, query.Unpriced) || !strings.Contains(err.Error(), "delete=no") || len(b.drafts()) != 1 {
		t.Errorf("known to delete none: %+v, %v", got, err)
	}
	if got, err := b.check(false, nil); err != nil || !got.Accepted {
		t.Errorf("without price: %+v, %v", got, err)
	}
}
