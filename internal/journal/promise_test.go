package journal_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/runner"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// What would break the contract is not owed: nothing is stored, and somebody is told.
func TestNoEventBreaksTheContract(t *testing.T) {
	t.Parallel()
	quote := func(change func(*campaign.Quote)) campaign.Event {
		q := *sample.Quote
		change(&q)
		return campaign.Event{Type: campaign.EventCostCalculated, N: 1, At: sample.Since, CampaignID: 1542, Quote: &q, QuoteID: "0123456789abcdef"}
	}
	for _, test := range []struct {
		name, want string
		event      campaign.Event
	}{
		{"ACurrencyThatIsNone", "price_per_message.currency: must be an ISO 4217 code: three upper-case letters, such as EUR (money.currency)",
			quote(func(q *campaign.Quote) { q.Price.PerMessage.Currency = "€" })},
		{"TooManyDecimals", "total.amount: must be a plain decimal", quote(func(q *campaign.Quote) { q.Price.Total.Amount = q.Price.Total.Amount.Shift(-9) })},
		{"NoTotal", "total: ", quote(func(q *campaign.Quote) { q.Price.Total = campaign.Money{} })},
		{"FewerThanNobody", "invalid_recipients: ", quote(func(q *campaign.Quote) { q.Goal.Invalid = -1 })},
		{"NoCampaign", "campaign_id: ", func() campaign.Event { e := quote(func(*campaign.Quote) {}); e.CampaignID = 0; return e }()},
		{"WithoutItsPart", "without its statistics", campaign.Event{Type: campaign.EventStats, N: 1, CampaignID: 1542}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			alarms := make(chan campaign.Key, 1)
			b := setup(t, journal.Options{OnBroken: func(k campaign.Key) { alarms <- k }})
			c := sample
			c.Outbox = []campaign.Event{quote(func(*campaign.Quote) {}), test.event}
			_, rev, err := b.j.Load(t.Context(), c.Key)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.j.Save(t.Context(), c, rev); !errors.Is(err, runner.ErrBroken) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v\nwant one with %q", err, test.want)
			}
			if k := receive(t, alarms, "alarm"); k != c.Key {
				t.Errorf("alarm about %s", k)
			}
			if c, _, err := b.j.Load(t.Context(), c.Key); err != nil || c.State != "" {
				t.Errorf("stored all the same: %+v, %v", c, err)
			}
			c.Outbox = c.Outbox[:1]
			if _, err := b.j.Save(t.Context(), c, rev); err != nil {
				t.Errorf("the rest alone: %v", err)
			}
		})
	}
}

// Every event of the contract has its rules checked, those of later versions too.
func TestEveryEventIsChecked(t *testing.T) {
	t.Parallel()
	var events []string
	protoregistry.GlobalTypes.RangeMessages(func(m protoreflect.MessageType) bool {
		if d := m.Descriptor(); d.ParentFile().Package() == "staffetta.campaign.v1" && d.Fields().ByName("version") != nil {
			events = append(events, string(d.FullName()))
		}
		return true
	})
	checked := journal.Promised()
	slices.Sort(events)
	slices.Sort(checked)
	if !slices.Equal(events, checked) || !slices.Contains(events, string(proto.MessageName(&campaignv1.CampaignStats{}))) {
		t.Errorf("the contract has the events %v, checked are %v", events, checked)
	}
}
