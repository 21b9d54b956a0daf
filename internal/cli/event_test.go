package cli

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/internal/contract"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// TestFigures is how each event reads.
func TestFigures(t *testing.T) {
	t.Parallel()
	euro := func(amount string) *campaignv1.Money { return &campaignv1.Money{Amount: amount, Currency: "EUR"} }
	for _, tt := range []struct {
		name        string
		event       proto.Message
		want        string
		ended, well bool
	}{
		{"Quote", &campaignv1.CampaignCostCalculated{
			TotalRecipients: 10247, ValidRecipients: 9831, InvalidRecipients: 416, Parts: 9831,
			PricePerMessage: euro("0.035"), Total: euro("344.09"), AvailableCredit: euro("120"),
		}, "10,247 contacts, 9,831 valid, 416 invalid · 9,831 parts at 0.035 EUR each · 344.09 EUR of 120.00 EUR available · not enough credit", false, false},
		{"QuoteOnInvoice", &campaignv1.CampaignCostCalculated{
			TotalRecipients: 1, ValidRecipients: 1, Parts: 1, PricePerMessage: euro("0.035"), Total: euro("0.035"), Sufficient: true,
		}, "1 contacts, 1 valid, 0 invalid · 1 part at 0.035 EUR each · 0.035 EUR", false, false},
		{"Scheduled", &campaignv1.CampaignConfirmed{
			CampaignId: 1542, Recipients: 1, Total: euro("0.1"), Simulation: true,
			Start: &campaignv1.CampaignConfirmed_ScheduledFor{ScheduledFor: timestamppb.New(time.Date(2026, 11, 29, 8, 0, 0, 0, time.UTC))},
		}, "campaign 1542 · pretends to send at 2026-11-29T08:00:00Z · 1 recipient, would cost 0.10 EUR · simulation", false, false},
		{"OnTheWay", &campaignv1.CampaignStats{
			Status: campaignv1.CampaignStats_STATUS_SENDING, Total: 9831, Sent: 5000, Delivered: 4000, Undelivered: 100, Pending: 5731, DeliveryRate: "97.56", Cost: euro("344.09"),
		}, "sending · 5,000 of 9,831 sent · 4,000 delivered, 100 undelivered", false, false},
		{"Done", &campaignv1.CampaignStats{
			Status: campaignv1.CampaignStats_STATUS_COMPLETED, Total: 3, Sent: 3, Delivered: 3, DeliveryRate: "100", Cost: euro("1234567"), Last: true, Reconciled: true,
		}, "completed · 3 of 3 sent · 3 delivered, 0 undelivered · 100 % · 1,234,567.00 EUR · the last one", true, true},
		{"Pretended", &campaignv1.CampaignStats{
			Status: campaignv1.CampaignStats_STATUS_COMPLETED, Total: 3, Sent: 3, Delivered: 3, DeliveryRate: "100", Cost: euro("3"), Last: true, Reconciled: true, Simulation: true,
		}, "completed · 3 of 3 sent · 3 delivered, 0 undelivered · 100 % · would cost 3.00 EUR · the last one · simulation", true, true},
		{"GivenUp", &campaignv1.CampaignStats{
			Status: campaignv1.CampaignStats_STATUS_SENDING, Total: 3, Sent: 3, Delivered: 1, Pending: 2, Last: true,
		}, "sending · 3 of 3 sent · 1 delivered, 0 undelivered · the last one · 2 unaccounted for", true, false},
		{"Uncounted", &campaignv1.CampaignStats{Status: campaignv1.CampaignStats_STATUS_SENDING, Uncounted: true, Last: true},
			"sending · not counted · the last one", true, false},
		{"LastOfAFailure", &campaignv1.CampaignStats{
			Status: campaignv1.CampaignStats_STATUS_FAILED, Total: 3, Sent: 1, Delivered: 1, Pending: 2, Last: true,
		}, "failed · 1 of 3 sent · 1 delivered, 0 undelivered · the last one · 2 unaccounted for", false, false},
		{"Contradiction", &campaignv1.CampaignStats{
			Status: campaignv1.CampaignStats_STATUS_COMPLETED, Total: 3, Sent: 3, Delivered: 3, Pending: 1, Last: true, Differs: "1 is pending of 0",
		}, "completed · 3 of 3 sent · 3 delivered, 0 undelivered · the last one · the figures do not add up · 1 is pending of 0", true, false},
		{"Rejected", &campaignv1.CampaignRejected{
			Reason: campaignv1.CampaignRejected_REASON_REFUSED_BY_GATEWAY, Field: "contactListId",
			Message: "the gateway refused configure", GatewayMessage: "Contact list not found",
		}, "refused by gateway · field contactListId · the gateway refused configure · the gateway says: Contact list not found", true, false},
		{"Failed", &campaignv1.CampaignFailed{Reason: campaignv1.CampaignFailed_REASON_VANISHED, Message: "gone"}, "vanished · gone", true, false},
		{"Cancelled", &campaignv1.CampaignCancelled{By: "anna", Reason: "wrong code"}, "by anna · wrong code", true, false},
		{"Unresolved", &campaignv1.CampaignUnresolved{Message: "nobody knows", WhatToDo: "look"}, "nobody knows · look", true, false},
		{"LeftOut", &campaignv1.OccurrenceLeftOut{Id: "monday", Local: "2026-11-30T09:00", Message: "the newest list is too old"},
			"monday of 2026-11-30T09:00 is left out · the newest list is too old", false, false},
		{"OfTomorrow", nil, "of a type that this version does not know: upgrade to read it", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := contract.StoredEvent{Message: tt.event}
			if got := figures(e, time.UTC); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if ended, well := outcome(e); ended != tt.ended || well != tt.well {
				t.Errorf("ended %v, well %v; want %v, %v", ended, well, tt.ended, tt.well)
			}
		})
	}
}

func TestDurationsAsPeopleReadThem(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{10 * time.Minute: "10m", 72 * time.Hour: "72h", 90 * time.Second: "1m30s", 30 * time.Second: "30s", 250 * time.Millisecond: "250ms", 0: "0s", time.Hour + 30*time.Minute: "1h30m"} {
		if got := shortDuration(d); got != want {
			t.Errorf("%d is %s, want %s", d, got, want)
		}
	}
}
