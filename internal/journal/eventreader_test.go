package journal_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/runner"
)

func TestWitness(t *testing.T) {
	t.Parallel()
	cost := func(n int, draft int64, quoteID string) campaign.Campaign {
		c := sample
		c.Outbox = []campaign.Event{{Type: campaign.EventCostCalculated, N: n, At: sample.Since, CampaignID: draft, Quote: sample.Quote, QuoteID: quoteID}}
		return c
	}

	t.Run("RaisesAnAlarmWhenACostWasToldOtherwise", func(t *testing.T) {
		t.Parallel()
		alarms := make(chan campaign.Key, 1)
		b := setup(t, journal.Options{OnCostConflict: func(k campaign.Key, _ *runner.CostConflict) { alarms <- k }})
		if err := b.j.Publish(t.Context(), cost(1, 1542, "0123456789abcdef")); err != nil {
			t.Fatal(err)
		}
		if err := b.j.Publish(t.Context(), cost(1, 1543, "0123456789abcdef")); err == nil {
			t.Fatal("told again for another draft")
		}
		if k := receive(t, alarms, "alarm"); k != sample.Key {
			t.Errorf("alarm about %s", k)
		}
	})

	t.Run("KnowsADraftByItsGatewayToo", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		here, there := cost(1, 1542, "0123456789abcdef"), cost(1, 1542, "0123456789abcdef")
		here.Outbox[0].Gateway, there.Outbox[0].Gateway = "https://gateway.example/v1", "https://another.example/v1"
		if err := b.j.Publish(t.Context(), here); err != nil {
			t.Fatal(err)
		}
		var told *runner.CostConflict
		if err := b.j.Publish(t.Context(), there); !errors.As(err, &told) || told.Event.Gateway != here.Outbox[0].Gateway {
			t.Errorf("got %v, want the one that was told for %s", err, here.Outbox[0].Gateway)
		}
	})

	t.Run("TakesTheSameCostInOtherBytesForTheSame", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{OnCostConflict: func(campaign.Key, *runner.CostConflict) { t.Error("alarm") }})
		for _, change := range []func(*campaign.Event){
			func(*campaign.Event) {},
			func(e *campaign.Event) { e.Text = &campaign.TextReport{Units: 12, Parts: 1} }, // a newer version says more
			func(e *campaign.Event) { e.At = e.At.Add(time.Second) },
			func(e *campaign.Event) { e.QuoteID = "" },                           // an older one named no quote
			func(e *campaign.Event) { e.Gateway = "https://gateway.example/v1" }, // nor a gateway
		} {
			c := cost(1, 1542, "0123456789abcdef")
			change(&c.Outbox[0])
			if err := b.j.Publish(t.Context(), c); err != nil {
				t.Error(err)
			}
		}
	})

	t.Run("RefusesWhatItDoesNotUnderstand", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		if err := b.j.Publish(t.Context(), cost(1, 1542, "0123456789abcdef")); err != nil {
			t.Fatal(err)
		}
		b.publish(t, &nats.Msg{Subject: "campaign.v1.event." + sample.Key.String() + ".postponed.1", Header: nats.Header{"ce-type": {"staffetta.campaign.v1.CampaignPostponed"}}})
		if told, err := b.j.Published(t.Context(), sample.Key); err == nil || !strings.Contains(err.Error(), "postponed.1 is of the type \"staffetta.campaign.v1.CampaignPostponed\", which this version does not know") {
			t.Errorf("told %+v, %v", told, err)
		}
		// Nor does it compare with a cost that it cannot read.
		b.publish(t, &nats.Msg{Subject: "campaign.v1.event." + sample.Key.String() + ".cost_calculated.2", Data: []byte("hello"),
			Header: nats.Header{"ce-type": {"staffetta.campaign.v1.CampaignCostCalculated"}}})
		var told *runner.CostConflict
		if err := b.j.Publish(t.Context(), cost(2, 1542, "0123456789abcdef")); err == nil || errors.As(err, &told) {
			t.Errorf("got error %v, want one that says that it cannot be read", err)
		}
	})
}
