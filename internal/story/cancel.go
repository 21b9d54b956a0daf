package story

import (
	"strings"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Stories of campaigns that somebody does not want any more, from before they
// were asked for until after their end.

// takenBack waits for the cancellation, and checks that nothing was sent and
// nothing is left at the gateway.
func (c *campaign) takenBack() {
	c.Helper()
	e := until[*campaignv1.CampaignCancelled](c)
	check(c, "by", e.By, "anna")
	got := c.seen()
	check(c, "messages", got.messages(), 0)
	for _, k := range got.Campaigns {
		check(c, "deleted at the gateway", k.Deleted, true)
		check(c, "charged", k.Charged, "0.00")
	}
}

// cancelledUnasked: the word came before the request.
func cancelledUnasked(s *scene) {
	m := s.request("never-mind", s.box.generate(object{"contacts": 10}))
	s.types("cancel", s.source+"."+m.RequestId, "--by", "anna", "--unasked")
	c := s.ask(m)
	letter := s.deadLetter(c)
	check(s, "reason", letter.Headers().Get("Staffetta-Reason"), "cancelled_before")
	c.takenBack()
	check(s, "drafts", len(c.seen().Campaigns), 0)
	c.told("CampaignCancelled")
}

func cancelledUnapproved(s *scene) {
	m := s.request("undecided", s.box.generate(object{"contacts": 10}))
	m.NeedsApproval = true
	c := s.ask(m)
	asked := until[*campaignv1.CampaignApprovalRequired](c)
	c.tell("cancel", object{"by": "anna"})
	c.takenBack()
	// A yes that comes now is to no question any more.
	c.tell("approve", object{"quote_id": asked.QuoteId, "by": "bruno"})
	letter := s.deadLetter(c)
	check(s, "what became of the approval", letter.Headers().Get("Staffetta-Reason"), "refused_command")
	c.told("CampaignCostCalculated", "CampaignApprovalRequired", "CampaignCancelled")
}

func cancelledDeferred(s *scene) {
	m := s.request("tonight", s.box.generate(object{"contacts": 10}))
	m.SendWindow = shutNow
	c := s.ask(m)
	check(s, "waits for", until[*campaignv1.CampaignDeferred](c).WaitsFor, campaignv1.CampaignDeferred_WAITS_FOR_WINDOW)
	c.tell("cancel", object{"by": "anna"})
	c.takenBack()
	check(s, "confirms", c.seen().confirms(), 0)
}

// cancelledSending: what is under way cannot be stopped, and that is said.
func cancelledSending(s *scene) {
	m := s.request("too-late", s.box.generate(object{"contacts": 10}))
	// To us it is being sent for as long as the gateway says so.
	stop := s.box.fault(s.source+"."+m.RequestId+"]", object{"operation": "stats", "report": "SENDING", "times": -1})
	c := s.ask(m)
	check(s, "status", until[*campaignv1.CampaignStats](c).Status, campaignv1.CampaignStats_STATUS_SENDING)
	said, code := s.Type(s, "cancel", c.key, "--by", "anna")
	check(s, "exit code", code, 3)
	if !strings.Contains(said, "not cancelled: it is being sent: the gateway cannot stop what has started") {
		s.Errorf("the cancel is answered: %s", said)
	}
	stop()
	check(s, "delivered", c.last().Delivered, 10)
	c.told("CampaignCostCalculated", "CampaignConfirmed", "CampaignStats")
	c.sentOnce()
}

// cancelledConfirming: the order has been carried out, and its answer is still on
// the way. The cancel is kept until that is known.
func cancelledConfirming(s *scene) {
	m := s.request("crossed", s.box.generate(object{"contacts": 10}))
	s.box.fault(s.source+"."+m.RequestId+"]", object{"operation": "confirm", "when": "after", "delay": "2s"})
	c := s.ask(m)
	until[*campaignv1.CampaignCostCalculated](c) // told with the intent to confirm
	c.tell("cancel", object{"by": "anna"})
	check(s, "delivered", c.last().Delivered, 10)
	c.told("CampaignCostCalculated", "CampaignConfirmed", "CampaignStats")
	c.sentOnce()
	why := s.types("why", c.key)
	if !strings.Contains(why, "it came too late: the gateway had already confirmed") {
		s.Errorf("why does not say what became of the cancel:\n%s", why)
	}
}

// cancelledUnconfirmed: the order was on its way and never arrived.
func cancelledUnconfirmed(s *scene) {
	m := s.request("caught", s.box.generate(object{"contacts": 10}))
	s.box.fault(s.source+"."+m.RequestId+"]", object{"operation": "confirm", "cut": true})
	c := s.ask(m)
	until[*campaignv1.CampaignCostCalculated](c)
	c.tell("cancel", object{"by": "anna"})
	c.takenBack()
	check(s, "confirms", c.seen().confirms(), 0)
	c.told("CampaignCostCalculated", "CampaignCancelled")
}

// cancelledAfterwards: there is nothing left to cancel.
func cancelledAfterwards(s *scene) {
	c := s.ask(s.request("done", s.box.generate(object{"contacts": 10})))
	c.last()
	c.tell("cancel", object{"by": "anna"})
	letter := s.deadLetter(c)
	check(s, "what became of the cancel", letter.Headers().Get("Staffetta-Reason"), "refused_command")
	check(s, "why", letter.Headers().Get("Staffetta-Note"), "campaign "+c.key+" has ended, it is completed: there is nothing left to cancel")
	said, code := s.Type(s, "cancel", c.key, "--by", "anna")
	check(s, "exit code", code, 1)
	if !strings.Contains(said, "has ended, it is completed: there is nothing left to cancel") {
		s.Errorf("the cancel is answered: %s", said)
	}
	c.sentOnce()
}
