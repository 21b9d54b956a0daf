package story

import (
	"fmt"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Stories of gateways that misbehave, and services that come and go. Whatever
// happens, a campaign is sent once.

// lostReply: the confirm took effect, and nobody heard it.
func lostReply(s *scene) {
	m := s.request("unheard", s.box.generate(object{"contacts": 10}))
	s.box.fault(s.source+"."+m.RequestId+"]", object{"operation": "confirm", "when": "after", "cut": true})
	c := s.ask(m)
	check(s, "delivered", c.last().Delivered, 10)
	c.told("CampaignCostCalculated", "CampaignConfirmed", "CampaignStats")
	c.sentOnce()
	check(s, "drafts", len(c.seen().Campaigns), 1)
}

// lostConfirm: the confirm never arrived. It is established that it did not,
// the draft is deleted, and another one is quoted and confirmed.
func lostConfirm(s *scene) {
	m := s.request("unsent", s.box.generate(object{"contacts": 10}))
	s.box.fault(s.source+"."+m.RequestId+"]", object{"operation": "confirm", "cut": true})
	c := s.ask(m)
	check(s, "delivered", c.last().Delivered, 10)
	c.told("CampaignCostCalculated", "CampaignCostCalculated", "CampaignConfirmed", "CampaignStats")
	c.sentOnce()
	got := c.seen()
	if len(got.Campaigns) != 2 || !got.Campaigns[0].Deleted {
		s.Errorf("drafts %+v, want a deleted one and another", got.Campaigns)
	}
}

// outage: the gateway answers nobody, until the breaker is open and has tried
// again. The campaigns wait, and none is failed.
func outage(s *scene) {
	s.Start(s)
	list := s.box.generate(object{"contacts": 10})
	// As many failures in a row as open the breaker, and one for its first try.
	s.box.fault(s.source+".", object{"operation": "create", "status": 503, "times": 6})
	var campaigns []*campaign
	for i := range 8 {
		campaigns = append(campaigns, s.ask(s.request(fmt.Sprintf("n%d", i), list)))
	}
	for _, c := range campaigns {
		check(s, "delivered", c.last().Delivered, 10)
		c.told("CampaignCostCalculated", "CampaignConfirmed", "CampaignStats")
		c.sentOnce()
	}
}

// shared: two services, and each does a part.
func shared(s *scene) {
	services := []Service{s.Start(s), s.Start(s)}
	list := s.box.generate(object{"contacts": 5})
	var campaigns []*campaign
	for i := range 60 {
		m := s.request(fmt.Sprintf("n%d", i), list)
		s.box.fault(s.source+"."+m.RequestId+"]", object{"operation": "create", "delay": "50ms"})
		campaigns = append(campaigns, s.ask(m))
	}
	for _, c := range campaigns {
		check(s, "delivered", c.last().Delivered, 5)
		c.told("CampaignCostCalculated", "CampaignConfirmed", "CampaignStats")
		c.sentOnce()
	}
	for i, of := range services {
		if n := s.metric(of, `staffetta_wakeup_duration_seconds_count{kind="request",verdict="ack"}`); n == 0 {
			s.Errorf("service %d handled no request", i+1)
		}
	}
}

// stopped: the service is told to stop while a confirm is under way. It takes
// the answer, saves it and tells it before it ends.
func stopped(s *scene) {
	service := s.Start(s)
	m := s.request("in-flight", s.box.generate(object{"contacts": 10}))
	s.box.fault(s.source+"."+m.RequestId+"]", object{"operation": "confirm", "delay": "700ms"})
	c := s.ask(m)
	// The quote is announced with the intent: the confirm is leaving now.
	until[*campaignv1.CampaignCostCalculated](c)
	service.Stop(s)
	// Nobody runs any more: what is in the stream now was done before the end.
	until[*campaignv1.CampaignConfirmed](c)
	c.sentOnce()

	s.Start(s)
	check(s, "delivered", c.last().Delivered, 10)
	c.told("CampaignCostCalculated", "CampaignConfirmed", "CampaignStats")
	c.sentOnce()
}

// takenOver: many campaigns, and the service that began them is gone.
func takenOver(s *scene) {
	service := s.Start(s)
	list := s.box.generate(object{"contacts": 5})
	var campaigns []*campaign
	for i := range 30 {
		m := s.request(fmt.Sprintf("n%d", i), list)
		s.box.fault(s.source+"."+m.RequestId+"]", object{"operation": "calculate", "delay": "30ms"})
		campaigns = append(campaigns, s.ask(m))
	}
	until[*campaignv1.CampaignCostCalculated](campaigns[0])
	service.Stop(s)
	s.Start(s)
	for _, c := range campaigns {
		check(s, "delivered", c.last().Delivered, 5)
		c.sentOnce()
	}
}
