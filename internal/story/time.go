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

// expired: the request comes when it is worth nothing any more.
func expired(s *scene) {
	m := s.request("worthless", s.box.generate(object{"contacts": 10}))
	m.ExpiresAt = timestamppb.New(time.Now().Add(-time.Second))
	c := s.ask(m)
	e := c.rejected(campaignv1.CampaignRejected_REASON_EXPIRED)
	check(s, "field", e.Field, "expires_at")
	check(s, "drafts", len(c.seen().Campaigns), 0)
	c.told("CampaignRejected")
}

// wouldNotEnd: it could begin in time, and the last message would leave too late.
func wouldNotEnd(s *scene) {
	m := s.request("long", s.box.generate(object{"contacts": 400})) // two minutes at the gateway's pace
	m.ExpiresAt = timestamppb.New(time.Now().Add(time.Minute))
	c := s.ask(m)
	e := c.rejected(campaignv1.CampaignRejected_REASON_EXPIRED)
	if !strings.Contains(e.Message, "400 messages at 200 a minute, as is assumed (gateway.pace), take about 2 min") {
		s.Errorf("it does not say how long it takes: %s", e.Message)
	}
	c.told("CampaignCostCalculated", "CampaignRejected")
}

// expiredWaiting: nobody answered in time, and the answer that comes after
// sends nothing.
func expiredWaiting(s *scene) {
	m := s.request("unanswered", s.box.generate(object{"contacts": 1}))
	m.NeedsApproval = true
	m.ExpiresAt = timestamppb.New(time.Now().Add(5 * time.Second))
	c := s.ask(m)
	asked := until[*campaignv1.CampaignApprovalRequired](c)
	e := c.rejected(campaignv1.CampaignRejected_REASON_EXPIRED)
	if got := e.RejectedAt.AsTime(); got.Before(m.ExpiresAt.AsTime()) {
		s.Errorf("rejected at %s, before it expired at %s", got, m.ExpiresAt.AsTime())
	}
	c.tell("approve", object{"quote_id": asked.QuoteId, "by": "anna"})
	letter := s.deadLetter(c)
	check(s, "what became of the approval", letter.Headers().Get("Staffetta-Reason"), "refused_command")
	c.told("CampaignCostCalculated", "CampaignApprovalRequired", "CampaignRejected")
}

// lateAllowed: eleven minutes are too late for others, and not for this one.
func lateAllowed(s *scene) {
	m := s.request("patient", s.box.generate(object{"contacts": 10}))
	m.Start, m.MaxLateness = at(-11*time.Minute), durationpb.New(time.Hour)
	c := s.ask(m)
	check(s, "delivered", c.last().Delivered, 10)
	c.sentOnce()
}

func lateForbidden(s *scene) {
	m := s.request("impatient", s.box.generate(object{"contacts": 10}))
	m.Start, m.MaxLateness = at(-2*time.Minute), durationpb.New(time.Minute)
	s.ask(m).rejected(campaignv1.CampaignRejected_REASON_TOO_LATE)
}

// lateAsks: it would rather ask than be thrown away.
func lateAsks(s *scene) {
	m := s.request("asking", s.box.generate(object{"contacts": 10}))
	m.Start, m.MaxLateness, m.OnLate = at(-2*time.Minute), durationpb.New(time.Minute), campaignv1.OnLimit_ON_LIMIT_ASK
	c := s.ask(m)
	asked := until[*campaignv1.CampaignApprovalRequired](c)
	if !strings.Contains(asked.Why, "it is late: it was due at ") {
		s.Errorf("it asks because %q", asked.Why)
	}
	check(s, "confirms before the approval", c.seen().confirms(), 0)
	c.tell("approve", object{"quote_id": asked.QuoteId, "by": "anna"})
	check(s, "delivered", c.last().Delivered, 10)
	c.sentOnce()
}

// slowGateway: it was asked for in time, and the gateway took too long over the
// quote. The last look is taken after the last wait.
func slowGateway(s *scene) {
	m := s.request("slow", s.box.generate(object{"contacts": 10}))
	m.MaxLateness = durationpb.New(time.Second)
	s.box.fault(s.source+"."+m.RequestId+"]", object{"operation": "price", "delay": "1200ms"})
	c := s.ask(m)
	e := c.rejected(campaignv1.CampaignRejected_REASON_TOO_LATE)
	check(s, "field", e.Field, "max_lateness")
}

// readAgain: between its confirm and its instant a scheduled campaign is looked
// at once more, while something can still be done about it.
func readAgain(s *scene) {
	m := s.request("looked-at", s.box.generate(object{"contacts": 10}))
	start := at(5 * time.Second)
	m.Start = start
	c := s.ask(m)
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
func promoted(s *scene) {
	list := s.box.generate(object{"contacts": 20})
	m := s.request("dry-run", list)
	m.Simulation = true
	tried := s.ask(m)
	cost := until[*campaignv1.CampaignCostCalculated](tried)
	tried.last()

	s.types("promote", tried.key, "--id", "real")
	c := s.hear("real")
	real := until[*campaignv1.CampaignCostCalculated](c)
	check(s, "simulation", real.Simulation, false)
	check(s, "total", euro(s, real.Total), euro(s, cost.Total))
	check(s, "delivered", c.last().Delivered, 20)
	c.sentOnce()
	check(s, "messages", c.seen().messages(), 20)
	check(s, "messages of the simulation", tried.seen().messages(), 0)

	s.box.do("POST", "/sandbox/contacts", object{"listId": list, "contacts": []object{{"phoneNumber": "+393339999999"}}}, nil)
	s.types("promote", tried.key, "--id", "dearer")
	e := s.hear("dearer").rejected(campaignv1.CampaignRejected_REASON_OVER_MAX_TOTAL)
	if !strings.Contains(e.Message, "costs 0.74 EUR, the request allows 0.70 EUR") {
		s.Errorf("it does not say how much dearer it is: %s", e.Message)
	}
}
