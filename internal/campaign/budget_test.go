package campaign_test

import (
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// What is left of a period that is over cannot be spent: neither by an instant that has
// passed nor by a replay.
func TestChargedToNoPeriodThatIsOver(t *testing.T) {
	for _, test := range []struct {
		name          string
		at            time.Time
		asked, stored time.Duration
		want          time.Duration
	}{
		{"AtItsInstant", friday.Add(24 * time.Hour), 0, 0, 24 * time.Hour},
		{"WhenItWasAskedFor", time.Time{}, -time.Minute, -time.Minute, -time.Minute},
		{"WhenItWasReplayed", time.Time{}, -40 * 24 * time.Hour, -time.Minute, -time.Minute},
		{"NotAtAnInstantThatHasPassed", friday.Add(-48 * time.Hour), -time.Minute, -time.Minute, -time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, r := newJourney(t), blackFriday()
			r.At = test.at
			r.Limits.MaxLateness = 30 * 24 * time.Hour
			w.in(campaign.Received{Key: key, Request: r, At: friday.Add(test.asked), Stored: friday.Add(test.stored)})
			if got, want := w.c.ChargedAt(), friday.Add(test.want); !got.Equal(want) {
				t.Errorf("charged to %s, want %s", got, want)
			}
		})
	}
}

func TestCost(t *testing.T) {
	t.Parallel()
	quote := &campaign.Quote{Price: campaign.Price{Total: eur("344.09")}}
	confirmed := &campaign.Confirmation{At: friday}
	for _, test := range []struct {
		name string
		c    campaign.Campaign
		want campaign.Money
	}{
		{"IsNothingBeforeTheConfirm", campaign.Campaign{State: campaign.Rejecting, Quote: quote}, campaign.Money{}},
		{"IsTheQuoteUntilTheGatewaySaysMore", campaign.Campaign{State: campaign.Sending, Quote: quote, Confirmed: confirmed}, eur("344.09")},
		{"IsWhatTheGatewaySays", campaign.Campaign{State: campaign.Completed, Quote: quote, Confirmed: confirmed,
			Stats: &campaign.Stats{Status: campaign.StatusCompleted, Cost: eur("340")}}, eur("340")},
		{"IsNothingIfTheGatewaySaysSoInTheEnd", campaign.Campaign{State: campaign.Failed, Quote: quote, Confirmed: confirmed,
			Stats: &campaign.Stats{Status: campaign.StatusFailed, Cost: eur("0")}}, eur("0")},
		{"IsTheQuoteIfTheGatewaySaysNoCost", campaign.Campaign{State: campaign.Completed, Quote: quote, Confirmed: confirmed,
			Stats: &campaign.Stats{Status: campaign.StatusCompleted}}, eur("344.09")},
		{"IsTheQuoteIfTheGatewayNamesNoCurrency", campaign.Campaign{State: campaign.Completed, Quote: quote, Confirmed: confirmed,
			Stats: &campaign.Stats{Status: campaign.StatusCompleted, Cost: campaign.Money{Amount: eur("12").Amount}}}, eur("344.09")},
		{"IsTheQuoteIfTheLastThatWasReadIsNotTheEnd", campaign.Campaign{State: campaign.Failed, Quote: quote, Confirmed: confirmed,
			Stats: &campaign.Stats{Status: campaign.StatusSending, Cost: eur("12")}}, eur("344.09")},
		{"IsMoreThanTheQuoteAsSoonAsTheGatewaySaysSo", campaign.Campaign{State: campaign.Failed, Quote: quote, Confirmed: confirmed,
			Stats: &campaign.Stats{Status: campaign.StatusSending, Cost: eur("400")}}, eur("400")},
		{"IsNothingOnceTheConfirmIsTakenBack", campaign.Campaign{State: campaign.Cancelling, Quote: quote, Confirmed: confirmed}, campaign.Money{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.c.Cost(); !got.Equal(test.want) {
				t.Errorf("it costs %v, want %v", got, test.want)
			}
		})
	}
}

func TestChargedAtNeverMoves(t *testing.T) {
	t.Parallel()
	asked := campaign.Campaign{RequestedAt: friday, NotBefore: friday.Add(30 * time.Hour)}
	if got := asked.ChargedAt(); !got.Equal(friday) {
		t.Errorf("charged at %v, want when it was asked for", got)
	}
	asked.Request.At = friday.Add(48 * time.Hour)
	if got := asked.ChargedAt(); !got.Equal(asked.Request.At) {
		t.Errorf("charged at %v, want its own instant", got)
	}
}
