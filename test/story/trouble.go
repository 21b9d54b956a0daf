package story

import (
	"fmt"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Stories of gateways that misbehave, and services that come and go. Whatever
// happens, a campaign is sent once.

// lostReply: the confirm took effect, and its answer was lost.
func lostReply(s *fixture) {
	m := s.newRequest("unheard", s.box.generateList(object{"contacts": 10}))
	s.box.fault(s.source+"."+m.RequestId+"]", object{"operation": "confirm", "when": "after", "cut": true})
	c := s.request(m)
	check(s, "delivered", c.last().Delivered, 10)
	c.wantEvents("CampaignCostCalculated", "CampaignConfirmed", "CampaignStats")
	c.wantSentOnce()
	check(s, "drafts", len(c.atGateway().Campaigns), 1)
}

// lostConfirm: the confirm never arrived. It is established that it did not,
// the draft is deleted, and another one is quoted and confirmed.
func lostConfirm(s *fixture) {
	m := s.newRequest("unsent", s.box.generateList(object{"contacts": 10}))
	s.box.fault(s.source+"."+m.RequestId+"]", object{"operation": "confirm", "cut": true})
	c := s.request(m)
	check(s, "delivered", c.last().Delivered, 10)
	c.wantEvents("CampaignCostCalculated", "CampaignCostCalculated", "CampaignConfirmed", "CampaignStats")
	c.wantSentOnce()
	got := c.atGateway()
	if len(got.Campaigns) != 2 || !got.Campaigns[0].Deleted {
		s.Errorf("drafts %+v, want a deleted one and another", got.Campaigns)
	}
}

// outage: the gateway does not answer, until the breaker is open and has tried
// again. The campaigns wait, and none fails.
func outage(s *fixture) {
	s.Start(s)
	list := s.box.generateList(object{"contacts": 10})
	// As many failures in a row as open the breaker, and one for its first try.
	s.box.fault(s.source+".", object{"operation": "create", "status": 503, "times": 6})
	var campaigns []*campaign
	for i := range 8 {
		campaigns = append(campaigns, s.request(s.newRequest(fmt.Sprintf("n%d", i), list)))
	}
	for _, c := range campaigns {
		check(s, "delivered", c.last().Delivered, 10)
		c.wantEvents("CampaignCostCalculated", "CampaignConfirmed", "CampaignStats")
		c.wantSentOnce()
	}
}

// shared: two services, and each does a part.
func shared(s *fixture) {
	services := []Service{s.Start(s), s.Start(s)}
	list := s.box.generateList(object{"contacts": 5})
	var campaigns []*campaign
	for i := range 60 {
		m := s.newRequest(fmt.Sprintf("n%d", i), list)
		s.box.fault(s.source+"."+m.RequestId+"]", object{"operation": "create", "delay": "50ms"})
		campaigns = append(campaigns, s.request(m))
	}
	for _, c := range campaigns {
		check(s, "delivered", c.last().Delivered, 5)
		c.wantEvents("CampaignCostCalculated", "CampaignConfirmed", "CampaignStats")
		c.wantSentOnce()
	}
	for i, of := range services {
		if n := s.metric(of, `staffetta_wakeup_duration_seconds_count{kind="request",verdict="ack"}`); n == 0 {
			s.Errorf("service %d handled no request", i+1)
		}
	}
}

// stopped: the service is told to stop while a confirm is under way. It takes
// the answer, saves it and tells it before it ends.
func stopped(s *fixture) {
	service := s.Start(s)
	m := s.newRequest("in-flight", s.box.generateList(object{"contacts": 10}))
	s.box.fault(s.source+"."+m.RequestId+"]", object{"operation": "confirm", "delay": "700ms"})
	c := s.request(m)
	// The quote is announced with the intent: the confirm is leaving now.
	until[*campaignv1.CampaignCostCalculated](c)
	service.Stop(s)
	// No service runs any more: what is in the stream now was done before the end.
	until[*campaignv1.CampaignConfirmed](c)
	c.wantSentOnce()

	s.Start(s)
	check(s, "delivered", c.last().Delivered, 10)
	c.wantEvents("CampaignCostCalculated", "CampaignConfirmed", "CampaignStats")
	c.wantSentOnce()
}

// takenOver: many campaigns, and the service that began them is gone.
func takenOver(s *fixture) {
	service := s.Start(s)
	list := s.box.generateList(object{"contacts": 5})
	var campaigns []*campaign
	for i := range 30 {
		m := s.newRequest(fmt.Sprintf("n%d", i), list)
		s.box.fault(s.source+"."+m.RequestId+"]", object{"operation": "calculate", "delay": "30ms"})
		campaigns = append(campaigns, s.request(m))
	}
	until[*campaignv1.CampaignCostCalculated](campaigns[0])
	service.Stop(s)
	s.Start(s)
	for _, c := range campaigns {
		check(s, "delivered", c.last().Delivered, 5)
		c.wantSentOnce()
	}
}
