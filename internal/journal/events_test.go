package journal_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"buf.build/go/protovalidate"
	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/shopspring/decimal"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/journal"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

func eur(amount string) campaign.Money {
	return campaign.Money{Amount: decimal.RequireFromString(amount), Currency: "EUR"}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 27, 8, 0, 0, 123456789, time.UTC)
	stamp := timestamppb.New(at)
	confirm := at.Add(-time.Minute)
	stats := campaign.Stats{
		Status: campaign.StatusCompleted, Total: 9831, Sent: 9831, Delivered: 9542, Undelivered: 289,
		DeliveryRate: decimal.NewNullDecimal(decimal.RequireFromString("97.06")), Cost: eur("344.09"), CompletedAt: at,
	}
	refusal := campaign.Reason{
		Code: campaign.ReasonNoCredit, Step: campaign.OpConfirm, Field: "credit",
		Message: "there is not enough credit: top it up", Gateway: "Insufficient credit", HTTP: 402,
	}
	onInvoice := *sample.Quote
	onInvoice.Price.Available = campaign.Money{}
	for _, test := range []struct {
		name  string
		event campaign.Event
		want  proto.Message
	}{
		{"CostCalculatedOnInvoice", campaign.Event{Type: campaign.EventCostCalculated, Quote: &onInvoice}, &campaignv1.CampaignCostCalculated{
			CalculatedAt:    timestamppb.New(sample.Quote.At),
			TotalRecipients: 10247, ValidRecipients: 9831, InvalidRecipients: 416, Parts: 9831,
			PricePerMessage: &campaignv1.Money{Amount: "0.035", Currency: "EUR"},
			Total:           &campaignv1.Money{Amount: "344.09", Currency: "EUR"}, Sufficient: true,
		}},
		{"CostCalculated", campaign.Event{Type: campaign.EventCostCalculated, Quote: sample.Quote}, &campaignv1.CampaignCostCalculated{
			CalculatedAt:    timestamppb.New(sample.Quote.At),
			TotalRecipients: 10247, ValidRecipients: 9831, InvalidRecipients: 416, Parts: 9831,
			PricePerMessage: &campaignv1.Money{Amount: "0.035", Currency: "EUR"},
			Total:           &campaignv1.Money{Amount: "344.09", Currency: "EUR"},
			AvailableCredit: &campaignv1.Money{Amount: "1500.00", Currency: "EUR"}, Sufficient: true,
		}},
		{"ConfirmedAtOnce", campaign.Event{Type: campaign.EventConfirmed, Quote: sample.Quote, Confirmed: &campaign.Confirmation{At: at}}, &campaignv1.CampaignConfirmed{
			ConfirmedAt: stamp, Start: &campaignv1.CampaignConfirmed_Immediate{Immediate: true},
			Recipients: 9831, Total: &campaignv1.Money{Amount: "344.09", Currency: "EUR"},
		}},
		{"ConfirmedThoughItsQuoteIsLost", campaign.Event{Type: campaign.EventConfirmed, Confirmed: &campaign.Confirmation{At: at}}, &campaignv1.CampaignConfirmed{
			ConfirmedAt: stamp, Start: &campaignv1.CampaignConfirmed_Immediate{Immediate: true},
		}},
		{"ConfirmedForLater", campaign.Event{Type: campaign.EventConfirmed, Quote: sample.Quote, Confirmed: &campaign.Confirmation{At: at, For: at.Add(time.Hour)}}, &campaignv1.CampaignConfirmed{
			ConfirmedAt: stamp, Start: &campaignv1.CampaignConfirmed_ScheduledFor{ScheduledFor: timestamppb.New(at.Add(time.Hour))},
			Recipients: 9831, Total: &campaignv1.Money{Amount: "344.09", Currency: "EUR"},
		}},
		{"Stats", campaign.Event{Type: campaign.EventStats, Stats: &stats, Last: true}, &campaignv1.CampaignStats{
			ReadAt: stamp, Status: campaignv1.CampaignStats_STATUS_COMPLETED, Total: 9831, Sent: 9831, Delivered: 9542, Undelivered: 289,
			DeliveryRate: "97.06", Cost: &campaignv1.Money{Amount: "344.09", Currency: "EUR"}, CompletedAt: stamp, Last: true, Reconciled: true,
		}},
		{"WhatTheGatewayDidNotSay", campaign.Event{Type: campaign.EventStats, Stats: &campaign.Stats{
			Status: campaign.StatusSending, Uncounted: true, Total: 9831, Pending: 9831, Cost: campaign.Money{Amount: decimal.RequireFromString("344.09")}}},
			&campaignv1.CampaignStats{ReadAt: stamp, Status: campaignv1.CampaignStats_STATUS_SENDING, Uncounted: true}},
		{"CostOnInvoice", campaign.Event{Type: campaign.EventCostCalculated, Quote: &onInvoice}, &campaignv1.CampaignCostCalculated{
			CalculatedAt:    timestamppb.New(sample.Quote.At),
			TotalRecipients: 10247, ValidRecipients: 9831, InvalidRecipients: 416, Parts: 9831,
			PricePerMessage: &campaignv1.Money{Amount: "0.035", Currency: "EUR"},
			Total:           &campaignv1.Money{Amount: "344.09", Currency: "EUR"}, Sufficient: true,
		}},
		{"Rejected", campaign.Event{Type: campaign.EventRejected, Reason: &refusal}, &campaignv1.CampaignRejected{
			RejectedAt: stamp, Reason: campaignv1.CampaignRejected_REASON_INSUFFICIENT_CREDIT, Step: campaignv1.CampaignRejected_STEP_CONFIRM,
			Field: "credit", Message: "there is not enough credit: top it up", GatewayMessage: "Insufficient credit", HttpStatus: 402,
		}},
		{"Cancelled", campaign.Event{Type: campaign.EventCancelled, Reason: &campaign.Reason{Code: campaign.ReasonCancelled, By: "anna", Message: "cancelled by anna: typo"}}, &campaignv1.CampaignCancelled{
			CancelledAt: stamp, By: "anna", Reason: "typo",
		}},
		{"Failed", campaign.Event{Type: campaign.EventFailed, Reason: &campaign.Reason{Code: campaign.ReasonVanished, Message: "the gateway does not know it"}}, &campaignv1.CampaignFailed{
			FailedAt: stamp, Reason: campaignv1.CampaignFailed_REASON_VANISHED, Message: "the gateway does not know it",
		}},
		{"Unresolved", campaign.Event{Type: campaign.EventUnresolved, Reason: &campaign.Reason{Code: campaign.ReasonUnverifiable, Message: "nobody can say"}}, &campaignv1.CampaignUnresolved{
			UnresolvedAt: stamp, Since: timestamppb.New(confirm), Message: "nobody can say",
			WhatToDo: "Look at campaign 1542 on the gateway's own page. If it was sent, or is being sent, say so: staffetta resolve shop-italia.bf-2026 --sent --by YOUR-NAME. If it was not, delete it there and say that: staffetta resolve shop-italia.bf-2026 --not-sent --by YOUR-NAME.",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, journal.Options{})
			raw, err := b.nc.SubscribeSync("campaign.v1.event.>")
			if err != nil {
				t.Fatal(err)
			}
			c := sample
			c.Request.Simulation = true
			c.Cancel = &campaign.Cancellation{By: "anna", Why: "typo"}
			c.Attempts = []campaign.Attempt{{Op: campaign.OpCreate, At: at.Add(-time.Hour)}, {Op: campaign.OpConfirm, At: confirm}}
			test.event.N, test.event.At, test.event.CampaignID, test.event.Gateway = 3, at, 1542, "https://gateway.example/v1"
			c.Outbox = []campaign.Event{test.event}
			if err := b.j.Publish(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			m, err := raw.NextMsg(10 * time.Second)
			if err != nil {
				t.Fatal(err)
			}

			id := "shop-italia.bf-2026." + string(test.event.Type) + ".3"
			name := test.want.ProtoReflect().Descriptor()
			wantHeader := nats.Header{
				"ce-specversion": {"1.0"}, "ce-id": {id}, "ce-source": {"staffetta"}, "ce-type": {string(name.FullName())},
				"ce-subject": {"shop-italia.bf-2026"}, "ce-time": {"2026-11-27T08:00:00.123456789Z"}, "ce-gateway": {"https://gateway.example/v1"},
				"content-type": {"application/protobuf"}, "traceparent": {sample.Trace},
			}
			for h := range m.Header {
				if strings.HasPrefix(h, "Nats-") {
					delete(m.Header, h)
				}
			}
			if diff := cmp.Diff(wantHeader, m.Header); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			if m.Subject != "campaign.v1.event."+id {
				t.Errorf("published on %s", m.Subject)
			}

			// What every event says.
			fields, want := name.Fields(), test.want.ProtoReflect()
			want.Set(fields.ByName("source"), value("shop-italia"))
			want.Set(fields.ByName("request_id"), value("bf-2026"))
			want.Set(fields.ByName("campaign_id"), value(int64(1542)))
			want.Set(fields.ByName("version"), value(int32(3)))
			want.Set(fields.ByName("simulation"), value(true))
			got := want.New().Interface()
			if err := proto.Unmarshal(m.Data, got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, protocmp.Transform()); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
			if err := protovalidate.Validate(got); err != nil {
				t.Errorf("it breaks the contract: %v", err)
			}
		})
	}
}

var value = protoreflect.ValueOf

// Whatever rate a gateway computes, the event keeps to the contract.
func TestDeliveryRates(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	for said, want := range map[string]string{
		"0": "0", "97.06": "97.06", "97.0600": "97.06", "97.06042": "97.0604", "99.99999": "99.9999", "100.000000": "100", "0.00001": "0",
		"100.1": "", "-1": "", "9.7e1": "97",
	} {
		stats := campaign.Stats{Status: campaign.StatusSending, DeliveryRate: decimal.NewNullDecimal(decimal.RequireFromString(said))}
		c := sample
		c.Key.RequestID = fmt.Sprintf("rate-%x", said)
		c.Outbox = []campaign.Event{{Type: campaign.EventStats, N: 1, At: time.Now(), CampaignID: 1542, Stats: &stats}}
		if err := b.j.Publish(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		for told, err := range b.client.Watch(t.Context(), client.WatchOptions{Key: c.Key}) {
			if err != nil {
				t.Fatal(err)
			}
			m := told.Message.(*campaignv1.CampaignStats)
			if m.DeliveryRate != want {
				t.Errorf("the gateway says %s, the event %q, want %q", said, m.DeliveryRate, want)
			}
			if err := protovalidate.Validate(m); err != nil {
				t.Errorf("the gateway says %s: %v", said, err)
			}
		}
	}
}
