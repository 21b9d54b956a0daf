package story

import (
	"strings"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Stories of cancelled campaigns, from before their request until after their
// end.

// wantCancelled waits for the cancellation, and checks that nothing was sent and
// nothing is left at the gateway.
func (c *campaign) wantCancelled() {
	c.Helper()
	e := until[*campaignv1.CampaignCancelled](c)
	check(c, "by", e.By, "anna")
	got := c.atGateway()
	check(c, "messages", got.messages(), 0)
	for _, k := range got.Campaigns {
		check(c, "deleted at the gateway", k.Deleted, true)
		check(c, "charged", k.Charged, "0.00")
	}
}

// cancelledBeforeRequest: the cancel came before the request.
func cancelledBeforeRequest(s *fixture) {
	m := s.newRequest("never-mind", s.box.generateList(object{"contacts": 10}))
	s.command("cancel", s.source+"."+m.RequestId, "--by", "anna", "--unasked")
	c := s.request(m)
	letter := s.deadLetter(c)
	check(s, "reason", letter.Headers().Get("Staffetta-Reason"), "cancelled_before")
	c.wantCancelled()
	check(s, "drafts", len(c.atGateway().Campaigns), 0)
	c.wantEvents("CampaignCancelled")
}

func cancelledUnapproved(s *fixture) {
	m := s.newRequest("undecided", s.box.generateList(object{"contacts": 10}))
	m.NeedsApproval = true
	c := s.request(m)
	asked := until[*campaignv1.CampaignApprovalRequired](c)
	c.publishCommand("cancel", object{"by": "anna"})
	c.wantCancelled()
	// An approval that comes now is refused: the campaign does not wait for it.
	c.publishCommand("approve", object{"quote_id": asked.QuoteId, "by": "bruno"})
	letter := s.deadLetter(c)
	check(s, "what became of the approval", letter.Headers().Get("Staffetta-Reason"), "refused_command")
	c.wantEvents("CampaignCostCalculated", "CampaignApprovalRequired", "CampaignCancelled")
}

func cancelledDeferred(s *fixture) {
	m := s.newRequest("tonight", s.box.generateList(object{"contacts": 10}))
	m.SendWindow = shutNow
	c := s.request(m)
	check(s, "waits for", until[*campaignv1.CampaignDeferred](c).WaitsFor, campaignv1.CampaignDeferred_WAITS_FOR_WINDOW)
	c.publishCommand("cancel", object{"by": "anna"})
	c.wantCancelled()
	check(s, "confirms", c.atGateway().confirms(), 0)
}

// cancelledSending: what is being sent cannot be stopped, and the answer says so.
func cancelledSending(s *fixture) {
	m := s.newRequest("too-late", s.box.generateList(object{"contacts": 10}))
	// To us it is being sent for as long as the gateway says so.
	stop := s.box.fault(s.source+"."+m.RequestId+"]", object{"operation": "stats", "report": "SENDING", "times": -1})
	c := s.request(m)
	check(s, "status", until[*campaignv1.CampaignStats](c).Status, campaignv1.CampaignStats_STATUS_SENDING)
	said, code := s.Type(s, "cancel", c.key, "--by", "anna")
	check(s, "exit code", code, 3)
	if !strings.Contains(said, "not cancelled: it is being sent: the gateway cannot stop what has started") {
		s.Errorf("the cancel is answered: %s", said)
	}
	stop()
	check(s, "delivered", c.last().Delivered, 10)
	c.wantEvents("CampaignCostCalculated", "CampaignConfirmed", "CampaignStats")
	c.wantSentOnce()
}

// cancelledConfirming: the confirm has taken effect, and its answer is still on
// the way. The cancel is kept until that is known.
func cancelledConfirming(s *fixture) {
	m := s.newRequest("crossed", s.box.generateList(object{"contacts": 10}))
	s.box.fault(s.source+"."+m.RequestId+"]", object{"operation": "confirm", "when": "after", "delay": "2s"})
	c := s.request(m)
	until[*campaignv1.CampaignCostCalculated](c) // told with the intent to confirm
	c.publishCommand("cancel", object{"by": "anna"})
	check(s, "delivered", c.last().Delivered, 10)
	c.wantEvents("CampaignCostCalculated", "CampaignConfirmed", "CampaignStats")
	c.wantSentOnce()
	why := s.command("why", c.key)
	if !strings.Contains(why, "it came too late: the gateway had already confirmed") {
		s.Errorf("why does not say what became of the cancel:\n%s", why)
	}
}

// cancelledUnconfirmed: the confirm had left and never arrived.
func cancelledUnconfirmed(s *fixture) {
	m := s.newRequest("caught", s.box.generateList(object{"contacts": 10}))
	s.box.fault(s.source+"."+m.RequestId+"]", object{"operation": "confirm", "cut": true})
	c := s.request(m)
	until[*campaignv1.CampaignCostCalculated](c)
	c.publishCommand("cancel", object{"by": "anna"})
	c.wantCancelled()
	check(s, "confirms", c.atGateway().confirms(), 0)
	c.wantEvents("CampaignCostCalculated", "CampaignCancelled")
}

// cancelledAfterwards: there is nothing left to cancel.
func cancelledAfterwards(s *fixture) {
	c := s.request(s.newRequest("done", s.box.generateList(object{"contacts": 10})))
	c.last()
	c.publishCommand("cancel", object{"by": "anna"})
	letter := s.deadLetter(c)
	check(s, "what became of the cancel", letter.Headers().Get("Staffetta-Reason"), "refused_command")
	check(s, "why", letter.Headers().Get("Staffetta-Note"), "campaign "+c.key+" has ended, it is completed: there is nothing left to cancel")
	said, code := s.Type(s, "cancel", c.key, "--by", "anna")
	check(s, "exit code", code, 1)
	if !strings.Contains(said, "has ended, it is completed: there is nothing left to cancel") {
		s.Errorf("the cancel is answered: %s", said)
	}
	c.wantSentOnce()
}
