package app_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// codes asks for a campaign that gives two people a code each.
func (b *bundle) codes(id, code string, change func(*campaignv1.CampaignRequested)) {
	b.t.Helper()
	b.askFor(id, func(r *campaignv1.CampaignRequested) {
		r.Text = "Il suo codice: {{code}}"
		r.Recipients = []*campaignv1.Recipient{
			{PhoneNumber: "333 1234501", Fields: map[string]string{"code": code + "1"}},
			{PhoneNumber: "333 1234502", Fields: map[string]string{"code": code + "2"}},
		}
		if change != nil {
			change(r)
		}
	})
}

// texts are what a telephone got, in the order of the campaigns at the gateway.
func (b *bundle) texts(number string) (all []string) {
	b.t.Helper()
	seen, err := b.Sandbox.SeenTexts(number)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, s := range seen {
		all = append(all, strings.TrimPrefix(s.Text, "Il suo codice: "))
	}
	return all
}

func (b *bundle) waits(id, why string) {
	b.t.Helper()
	key := campaign.Key{Source: "shop-italia", RequestID: id}
	var c campaign.Campaign
	eventually(b.t, id+" waits: "+why, func() bool {
		c, _, _ = b.client.Get(b.t.Context(), key)
		return strings.Contains(c.Waiting, why)
	})
}

const stopped, fast = 0.000_001, 1000

// Two campaigns give the same people other codes. A gateway that reads them when a message
// leaves sends wrong ones, unless the second campaign waits until the first is over. It
// says behind whom. One that gives them the same codes waits for nobody.
func TestOthersWithTheSamePeopleWait(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]struct {
		variants sandbox.Variants
		frozen   bool // it is said that the gateway fills in at the calculation
		waits    bool
		got      []string
	}{
		"ReadWhileSending":             {sandbox.Variants{FieldsWhileSending: true}, false, true, []string{"A1", "A1", "B1"}},
		"ReadWhileSendingButSaidNotTo": {sandbox.Variants{FieldsWhileSending: true}, true, false, []string{"B1", "B1", "B1"}},
		"FilledInAtTheCalculation":     {sandbox.Variants{}, true, false, []string{"A1", "A1", "B1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := reminding(t, of.variants)
			if err := b.Sandbox.SetSpeed(stopped); err != nil {
				t.Fatal(err)
			}
			o := b.options()
			o.Rules.FieldsFrozen = of.frozen
			b.run(o)
			b.codes("first", "A", nil)
			b.state("first", campaign.Confirmed, campaign.Sending)
			b.codes("same", "A", nil)
			b.state("same", campaign.Confirmed, campaign.Sending)
			b.codes("second", "B", nil)
			if of.waits {
				b.waits("second", "gives some of the same people other values, and is being sent: this one comes after it, at about")
			} else {
				b.state("second", campaign.Confirmed, campaign.Sending)
			}
			if err := b.Sandbox.SetSpeed(fast); err != nil {
				t.Fatal(err)
			}
			for _, id := range []string{"first", "same", "second"} {
				b.state(id, campaign.Completed)
			}
			if diff := cmp.Diff(of.got, b.texts("+393331234501")); diff != "" {
				t.Errorf("the codes that arrived (-want +got):\n%s", diff)
			}
			eventually(t, "nothing is held any more", func() bool { return !strings.Contains(b.held()["KV_people"], `"k":`) })
		})
	}
}
