package story

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Stories of campaigns that go well.

// immediate is UC-006 as it is written: one request, and its figures.
func immediate(s *fixture) {
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	m := s.newRequest("black-friday", s.box.generateList(nil))
	data, err := proto.Marshal(m)
	if err != nil {
		s.Fatal(err)
	}
	c := s.publish(m.RequestId, nats.Header{
		"ce-specversion": {"1.0"}, "ce-id": {"1"}, "ce-source": {s.source}, "ce-type": {"staffetta.campaign.v1.CampaignRequested"},
		"content-type": {"application/protobuf"}, "traceparent": {trace},
	}, data)

	cost := until[*campaignv1.CampaignCostCalculated](c)
	check(s, "contacts", cost.TotalRecipients, 10_247)
	check(s, "valid recipients", cost.ValidRecipients, 9_831)
	check(s, "invalid recipients", cost.InvalidRecipients, 416)
	check(s, "parts", cost.Parts, 9_831)
	check(s, "price of one", euro(s, cost.PricePerMessage), "0.035 EUR")
	check(s, "total", euro(s, cost.Total), "344.09 EUR")
	check(s, "sufficient", cost.Sufficient, true)
	check(s, "ce-type", c.header.Get("ce-type"), "staffetta.campaign.v1.CampaignCostCalculated")
	check(s, "ce-subject", c.header.Get("ce-subject"), c.key)
	check(s, "traceparent", c.header.Get("traceparent"), trace)

	confirmed := until[*campaignv1.CampaignConfirmed](c)
	check(s, "immediate", confirmed.GetImmediate(), true)
	check(s, "campaign id", confirmed.CampaignId, cost.CampaignId)

	last := c.last()
	check(s, "status", last.Status, campaignv1.CampaignStats_STATUS_COMPLETED)
	check(s, "sent", last.Sent, 9_831)
	check(s, "delivered", last.Delivered, 9_542)
	check(s, "undelivered", last.Undelivered, 289)
	check(s, "pending", last.Pending, 0)
	check(s, "delivery rate", last.DeliveryRate, "97.06")
	check(s, "cost", euro(s, last.Cost), "344.09 EUR")
	check(s, "reconciled", last.Reconciled, true)
	check(s, "traceparent of the last event", c.header.Get("traceparent"), trace)

	c.wantEvents("CampaignCostCalculated", "CampaignConfirmed", "CampaignStats")
	c.wantSentOnce()
	check(s, "messages", c.atGateway().messages(), 9_831)
}

// scheduled: the gateway waits for the instant, not we.
func scheduled(s *fixture) {
	m := s.newRequest("later", s.box.generateList(object{"contacts": 20}))
	at := time.Now().Add(8 * time.Second).Truncate(time.Millisecond)
	m.Start = &campaignv1.CampaignRequested_At{At: timestamppb.New(at)}
	c := s.request(m)

	confirmed := until[*campaignv1.CampaignConfirmed](c)
	if got := confirmed.GetScheduledFor().AsTime(); !got.Equal(at) {
		s.Errorf("scheduled for %s, want %s", got, at)
	}
	last := c.last()
	check(s, "delivered", last.Delivered, 20)
	if done := last.ReadAt.AsTime(); done.Before(at) {
		s.Errorf("sent by %s, before its instant %s", done, at)
	}
	c.wantSentOnce()
}

// cancelled: a campaign that waits for its instant is taken back, and its money
// with it.
func cancelled(s *fixture) {
	m := s.newRequest("never", s.box.generateList(object{"contacts": 20}))
	m.Start = &campaignv1.CampaignRequested_At{At: timestamppb.New(time.Now().Add(time.Hour))}
	c := s.request(m)
	until[*campaignv1.CampaignConfirmed](c)

	order, err := json.Marshal(object{"by": "anna@shop-italia.example", "why": "wrong code"})
	if err != nil {
		s.Fatal(err)
	}
	if _, err := s.js.Publish(s.Context(), "campaign.v1.command."+c.key+".cancel", order); err != nil {
		s.Fatal(err)
	}
	e := until[*campaignv1.CampaignCancelled](c)
	check(s, "by", e.By, "anna@shop-italia.example")
	check(s, "reason", e.Reason, "wrong code")
	for _, k := range c.atGateway().Campaigns {
		check(s, "deleted at the gateway", k.Deleted, true)
		check(s, "charged", k.Charged, "0.00")
	}
}

// simulation goes the whole way, and no message is sent.
func simulation(s *fixture) {
	m := s.newRequest("dry-run", s.box.generateList(object{"contacts": 50, "duplicates": 5}))
	m.Simulation = true
	c := s.request(m)
	check(s, "simulation in the quote", until[*campaignv1.CampaignCostCalculated](c).Simulation, true)
	check(s, "simulation in the confirmation", until[*campaignv1.CampaignConfirmed](c).Simulation, true)
	last := c.last()
	check(s, "simulation in the statistics", last.Simulation, true)
	check(s, "total", last.Total, 45)
	got := c.atGateway()
	check(s, "messages", got.messages(), 0)
	for _, k := range got.Campaigns {
		check(s, "charged", k.Charged, "0.00")
	}
}

// placeholders pass through, and the gateway counts what each one needs.
func placeholders(s *fixture) {
	m := s.newRequest("codes", s.box.listOf(
		object{"phoneNumber": "+393331111111", "firstName": "Anna"},
		object{"phoneNumber": "+393332222222", "firstName": strings.Repeat("Anna", 10)},
	))
	m.Text = "Ciao {{firstName}}! " + strings.Repeat("x", 130) // 20 characters and the name, then 130
	c := s.request(m)
	cost := until[*campaignv1.CampaignCostCalculated](c)
	check(s, "valid recipients", cost.ValidRecipients, 2)
	check(s, "parts", cost.Parts, 3) // one for Anna, two for the other
	check(s, "total", euro(s, cost.Total), "0.11 EUR")
	check(s, "delivered", c.last().Delivered, 2)
}

// asJSON: what people type is understood as well.
func asJSON(s *fixture) {
	data, err := protojson.Marshal(s.newRequest("typed", s.box.generateList(object{"contacts": 10})))
	if err != nil {
		s.Fatal(err)
	}
	c := s.publish("typed", nats.Header{"Content-Type": {"application/json"}}, data)
	check(s, "delivered", c.last().Delivered, 10)
}

// twice: the same request again changes nothing, however often and however late.
func twice(s *fixture) {
	m := s.newRequest("again", s.box.generateList(object{"contacts": 10}))
	s.request(m)
	c := s.request(m)
	c.last()
	s.request(m)
	// A request that comes after is handled after: if the third had an effect, it
	// had it by now.
	other := s.newRequest("after", m.ContactListId)
	s.request(other).last()
	c.wantEvents("CampaignCostCalculated", "CampaignConfirmed", "CampaignStats")
	// Two workers may have made a draft each in the same moment; one was confirmed.
	c.wantSentOnce()
}
