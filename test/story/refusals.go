package story

import (
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Stories of campaigns that are not sent, with the reason in their events.

// wantRejected waits for the rejection, and checks that nothing was sent.
func (c *campaign) wantRejected(reason campaignv1.CampaignRejected_Reason) *campaignv1.CampaignRejected {
	c.Helper()
	e := until[*campaignv1.CampaignRejected](c)
	check(c, "reason", e.Reason, reason)
	check(c, "confirms", c.atGateway().confirms(), 0)
	return e
}

func noCredit(s *fixture) {
	c := s.request(s.newRequest("too-dear", s.box.generateList(object{"contacts": 90_000})))
	cost := until[*campaignv1.CampaignCostCalculated](c)
	check(s, "total", euro(s, cost.Total), "3150 EUR")
	check(s, "sufficient", cost.Sufficient, false)
	e := c.wantRejected(campaignv1.CampaignRejected_REASON_INSUFFICIENT_CREDIT)
	if !strings.Contains(e.Message, "3150") {
		s.Errorf("the message does not say how much: %s", e.Message)
	}
	for _, k := range c.atGateway().Campaigns {
		check(s, "draft deleted", k.Deleted, true)
	}
	c.wantEvents("CampaignCostCalculated", "CampaignRejected")
}

func noList(s *fixture) {
	c := s.request(s.newRequest("no-list", 999_999))
	e := c.wantRejected(campaignv1.CampaignRejected_REASON_REFUSED_BY_GATEWAY)
	check(s, "field", e.Field, "contactListId")
	if e.GatewayMessage == "" || e.HttpStatus != 400 {
		s.Errorf("the gateway's words %q and status %d, want its own", e.GatewayMessage, e.HttpStatus)
	}
}

func notGSM7(s *fixture) {
	m := s.newRequest("curly", s.box.generateList(object{"contacts": 3}))
	m.Text = "L’offerta"
	c := s.request(m)
	e := c.wantRejected(campaignv1.CampaignRejected_REASON_TEXT_NOT_GSM7)
	check(s, "field", e.Field, "text")
	if !strings.Contains(e.Message, "“’” (U+2019) at position 2 is not in GSM-7: write ';") {
		s.Errorf("the message does not name character, position and what to write: %s", e.Message)
	}
	check(s, "drafts", len(c.atGateway().Campaigns), 0)

	m = s.newRequest("capital", s.box.generateList(object{"contacts": 3}))
	m.Text = "È arrivato il Black Friday"
	e = s.request(m).wantRejected(campaignv1.CampaignRejected_REASON_TEXT_NOT_GSM7)
	if !strings.Contains(e.Message, "write E', or E, which is shorter;") {
		s.Errorf("the message does not say what to write for È: %s", e.Message)
	}
}

func tooLate(s *fixture) {
	m := s.newRequest("yesterday", s.box.generateList(object{"contacts": 3}))
	m.Start = &campaignv1.CampaignRequested_At{At: timestamppb.New(time.Now().Add(-11 * time.Minute))}
	s.request(m).wantRejected(campaignv1.CampaignRejected_REASON_TOO_LATE)
}

// status4: the gateway takes the money and gives up in the middle.
func status4(s *fixture) {
	m := s.newRequest("unlucky", s.box.generateList(object{"contacts": 20}))
	s.box.fault(s.source+"."+m.RequestId+"]", object{"operation": "confirm", "fail": true, "failAfter": 7})
	c := s.request(m)
	until[*campaignv1.CampaignConfirmed](c)
	e := until[*campaignv1.CampaignFailed](c)
	check(s, "reason", e.Reason, campaignv1.CampaignFailed_REASON_GATEWAY_FAILED)
	check(s, "messages", c.atGateway().messages(), 7)
}

// notProtobuf: an unreadable message is kept whole, with the reason, and does not
// hold up others.
func notProtobuf(s *fixture) {
	garbage := []byte("\xff\xff this is not protobuf")
	c := s.publish("garbage", nats.Header{"x-from": {"a broken backend"}}, garbage)
	letter := s.deadLetter(c)
	check(s, "reason", letter.Headers().Get("Staffetta-Reason"), "not_protobuf")
	check(s, "payload", string(letter.Data()), string(garbage))
	check(s, "header of the original", letter.Headers().Get("x-from"), "a broken backend")
	s.request(s.newRequest("fine", s.box.generateList(object{"contacts": 3}))).last()
}

// conflicting: the same key with other content is a mistake of the sender's.
func conflicting(s *fixture) {
	m := s.newRequest("taken", s.box.generateList(object{"contacts": 5}))
	c := s.request(m)
	c.last()
	other := proto.CloneOf(m)
	other.Text = "Solo per te: -50%"
	s.request(other)
	letter := s.deadLetter(c)
	check(s, "reason", letter.Headers().Get("Staffetta-Reason"), "conflicting_duplicate")
	if fields := letter.Headers().Values("Staffetta-Field"); !slices.Equal(fields, []string{"text"}) {
		s.Errorf("fields %v, want text", fields)
	}
	c.wantSentOnce()
}

func invalid(s *fixture) {
	m := s.newRequest("no-sender", s.box.generateList(object{"contacts": 3}))
	m.Sender = "a name that is too long"
	c := s.request(m)
	letter := s.deadLetter(c)
	check(s, "reason", letter.Headers().Get("Staffetta-Reason"), "invalid")
	check(s, "field", letter.Headers().Get("Staffetta-Field"), "sender")
}
