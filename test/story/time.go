package story

import (
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Stories of campaigns that are worth something at their time only.

// at is a request's instant, so long from now.
func at(in time.Duration) *campaignv1.CampaignRequested_At {
	return &campaignv1.CampaignRequested_At{At: timestamppb.New(time.Now().Add(in).Truncate(time.Millisecond))}
}

// expired: the request comes after its expiry.
func expired(s *fixture) {
	m := s.newRequest("worthless", s.box.generateList(object{"contacts": 10}))
	m.ExpiresAt = timestamppb.New(time.Now().Add(-time.Second))
	c := s.request(m)
	e := c.wantRejected(campaignv1.CampaignRejected_REASON_EXPIRED)
	check(s, "field", e.Field, "expires_at")
	check(s, "drafts", len(c.atGateway().Campaigns), 0)
	c.wantEvents("CampaignRejected")
}

// wouldNotEnd: it could begin in time, and the last message would leave too late.
func wouldNotEnd(s *fixture) {
	m := s.newRequest("long", s.box.generateList(object{"contacts": 400})) // two minutes at the gateway's pace
	m.ExpiresAt = timestamppb.New(time.Now().Add(time.Minute))
	c := s.request(m)
	e := c.wantRejected(campaignv1.CampaignRejected_REASON_EXPIRED)
	if !strings.Contains(e.Message, "400 messages at 200 a minute, as is assumed (gateway.pace), take about 2 min") {
		s.Errorf("it does not say how long it takes: %s", e.Message)
	}
	c.wantEvents("CampaignCostCalculated", "CampaignRejected")
}

// expiredWaiting: no answer came in time, and the answer that comes later sends
// nothing.
func expiredWaiting(s *fixture) {
	m := s.newRequest("unanswered", s.box.generateList(object{"contacts": 1}))
	m.NeedsApproval = true
	m.ExpiresAt = timestamppb.New(time.Now().Add(5 * time.Second))
	c := s.request(m)
	asked := until[*campaignv1.CampaignApprovalRequired](c)
	e := c.wantRejected(campaignv1.CampaignRejected_REASON_EXPIRED)
	if got := e.RejectedAt.AsTime(); got.Before(m.ExpiresAt.AsTime()) {
		s.Errorf("rejected at %s, before it expired at %s", got, m.ExpiresAt.AsTime())
	}
	c.publishCommand("approve", object{"quote_id": asked.QuoteId, "by": "anna"})
	letter := s.deadLetter(c)
	check(s, "what became of the approval", letter.Headers().Get("Staffetta-Reason"), "refused_command")
	c.wantEvents("CampaignCostCalculated", "CampaignApprovalRequired", "CampaignRejected")
}

// lateAllowed: the request allows eleven minutes of lateness, which the default
// does not.
func lateAllowed(s *fixture) {
	m := s.newRequest("patient", s.box.generateList(object{"contacts": 10}))
	m.Start, m.MaxLateness = at(-11*time.Minute), durationpb.New(time.Hour)
	c := s.request(m)
	check(s, "delivered", c.last().Delivered, 10)
	c.wantSentOnce()
}

func lateForbidden(s *fixture) {
	m := s.newRequest("impatient", s.box.generateList(object{"contacts": 10}))
	m.Start, m.MaxLateness = at(-2*time.Minute), durationpb.New(time.Minute)
	s.request(m).wantRejected(campaignv1.CampaignRejected_REASON_TOO_LATE)
}

// lateAsks: the request asks for an approval instead of a rejection.
func lateAsks(s *fixture) {
	m := s.newRequest("asking", s.box.generateList(object{"contacts": 10}))
	m.Start, m.MaxLateness, m.OnLate = at(-2*time.Minute), durationpb.New(time.Minute), campaignv1.OnLimit_ON_LIMIT_ASK
	c := s.request(m)
	asked := until[*campaignv1.CampaignApprovalRequired](c)
	if !strings.Contains(asked.Why, "it is late: it was due at ") {
		s.Errorf("it asks because %q", asked.Why)
	}
	check(s, "confirms before the approval", c.atGateway().confirms(), 0)
	c.publishCommand("approve", object{"quote_id": asked.QuoteId, "by": "anna"})
	check(s, "delivered", c.last().Delivered, 10)
	c.wantSentOnce()
}

// slowGateway: the request came in time, and the gateway took too long over the
// quote. The last check comes after the last wait.
func slowGateway(s *fixture) {
	m := s.newRequest("slow", s.box.generateList(object{"contacts": 10}))
	m.MaxLateness = durationpb.New(time.Second)
	s.box.fault(s.source+"."+m.RequestId+"]", object{"operation": "price", "delay": "1200ms"})
	c := s.request(m)
	e := c.wantRejected(campaignv1.CampaignRejected_REASON_TOO_LATE)
	check(s, "field", e.Field, "max_lateness")
}

// readAgain: between its confirm and its instant a scheduled campaign is looked
// at once more, while something can still be done about it.
func readAgain(s *fixture) {
	m := s.newRequest("looked-at", s.box.generateList(object{"contacts": 10}))
	start := at(5 * time.Second)
	m.Start = start
	c := s.request(m)
	confirmed := until[*campaignv1.CampaignConfirmed](c)
	check(s, "delivered", c.last().Delivered, 10)
	looks := 0
	for _, call := range s.box.calls(confirmed.CampaignId, "stats") {
		if call.At.Before(start.At.AsTime()) {
			looks++
		}
	}
	check(s, "looks before its instant", looks, 1)
}

// promoted: what was tried out is sent for real, for what it would have cost
// and no more.
func promoted(s *fixture) {
	list := s.box.generateList(object{"contacts": 20})
	m := s.newRequest("dry-run", list)
	m.Simulation = true
	tried := s.request(m)
	cost := until[*campaignv1.CampaignCostCalculated](tried)
	tried.last()

	s.command("promote", tried.key, "--id", "real")
	c := s.listen("real")
	real := until[*campaignv1.CampaignCostCalculated](c)
	check(s, "simulation", real.Simulation, false)
	check(s, "total", euro(s, real.Total), euro(s, cost.Total))
	check(s, "delivered", c.last().Delivered, 20)
	c.wantSentOnce()
	check(s, "messages", c.atGateway().messages(), 20)
	check(s, "messages of the simulation", tried.atGateway().messages(), 0)

	s.box.do("POST", "/sandbox/contacts", object{"listId": list, "contacts": []object{{"phoneNumber": "+393339999999"}}}, nil)
	s.command("promote", tried.key, "--id", "dearer")
	e := s.listen("dearer").wantRejected(campaignv1.CampaignRejected_REASON_OVER_MAX_TOTAL)
	if !strings.Contains(e.Message, "costs 0.74 EUR, the request allows 0.70 EUR") {
		s.Errorf("it does not say how much dearer it is: %s", e.Message)
	}
}
