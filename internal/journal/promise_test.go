package journal_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/runner"
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

// A record that owes what this version has no message for cannot be told, and that is no
// trouble of the stream's.
func TestWhatHasNoMessageIsBroken(t *testing.T) {
	t.Parallel()
	alarms := make(chan campaign.Key, 1)
	b := setup(t, journal.Options{OnBroken: func(k campaign.Key) { alarms <- k }})
	c := sample
	c.Outbox = []campaign.Event{{Type: "of_another_version", N: 1, At: sample.Since}}
	if err := b.j.Publish(t.Context(), c); !errors.Is(err, runner.ErrBroken) {
		t.Errorf("got error %v", err)
	}
	if k := receive(t, alarms, "alarm"); k != c.Key {
		t.Errorf("alarm about %s", k)
	}
}

// Every reason can be told, and is read back as the same.
func TestEveryReasonIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	for i, r := range campaign.Reasons {
		t.Run(string(r.Code), func(t *testing.T) {
			t.Parallel()
			c := sample
			c.Key.RequestID = fmt.Sprintf("reason-%d", i)
			c.Outbox = []campaign.Event{{Type: r.In, N: 1, At: sample.Since, CampaignID: 1542,
				Reason: &campaign.Reason{Code: r.Code, By: "anna", Message: "it is so"}}}
			_, rev, err := b.j.Load(t.Context(), c.Key)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.j.Save(t.Context(), c, rev); err != nil {
				t.Fatal(err)
			}
			if err := b.j.Publish(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			for told, err := range b.client.Watch(t.Context(), client.WatchOptions{Key: c.Key}) {
				e, known := told.Event()
				if err != nil || !known {
					t.Fatalf("%v, known %v", err, known)
				}
				// The contract sorts no reasons of these two.
				if r.In != campaign.EventUnresolved && e.Reason.Code != r.Code || e.Reason == nil {
					t.Errorf("told %q, read back %+v", r.Code, e.Reason)
				}
				return
			}
			t.Error("nothing was told")
		})
	}
}
