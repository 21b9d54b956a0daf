package story

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Stories of what a campaign may cost, and of approvals.

func cents(amount string) *campaignv1.Money {
	return &campaignv1.Money{Amount: amount, Currency: "EUR"}
}

// publishCommand publishes a command.
func (c *campaign) publishCommand(verb string, body object) {
	c.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		c.Fatal(err)
	}
	if _, err := c.js.Publish(c.Context(), "campaign.v1.command."+c.key+"."+verb, data); err != nil {
		c.Fatalf("%s %s: %v", verb, c.key, err)
	}
}

// budget sets what the story's source may spend in a day, as people do. The
// services were told nothing of budgets.
func (s *fixture) budget(day string) {
	s.Helper()
	if said, code := s.Type(s, "budget", "set", s.source, "--day", day+" EUR", "--zone", "Europe/Rome", "--by", "anna"); code != 0 {
		s.Fatalf("set budget: %s", said)
	}
}

// overCap: a quote above max_total is not confirmed.
func overCap(s *fixture) {
	m := s.newRequest("dear", s.box.generateList(object{"contacts": 100}))
	m.MaxTotal = cents("3.49")
	c := s.request(m)
	check(s, "total", euro(s, until[*campaignv1.CampaignCostCalculated](c).Total), "3.5 EUR")
	e := c.wantRejected(campaignv1.CampaignRejected_REASON_OVER_MAX_TOTAL)
	check(s, "field", e.Field, "max_total")
	c.wantEvents("CampaignCostCalculated", "CampaignRejected")
}

// askOverCap: the request asks for an approval instead of a rejection. The event
// holds the quote, and the answer names it.
func askOverCap(s *fixture) {
	m := s.newRequest("dear", s.box.generateList(object{"contacts": 100}))
	m.MaxTotal, m.OnOverMax = cents("3.49"), campaignv1.OnLimit_ON_LIMIT_ASK
	c := s.request(m)
	cost := until[*campaignv1.CampaignCostCalculated](c)
	asked := until[*campaignv1.CampaignApprovalRequired](c)
	check(s, "recipients", asked.Recipients, 100)
	check(s, "total", euro(s, asked.Total), "3.5 EUR")
	check(s, "quote", asked.QuoteId, cost.QuoteId)
	check(s, "confirms before the approval", c.atGateway().confirms(), 0)
	c.publishCommand("approve", object{"quote_id": asked.QuoteId, "by": "anna"})
	yes := until[*campaignv1.CampaignApproved](c)
	check(s, "approved by", yes.By, "anna")
	check(s, "approved", yes.QuoteId, asked.QuoteId)
	sent := until[*campaignv1.CampaignConfirmed](c)
	check(s, "confirmed, approved by", sent.ApprovedBy, "anna")
	check(s, "delivered", c.last().Delivered, 100)
	c.wantEvents("CampaignCostCalculated", "CampaignApprovalRequired", "CampaignApproved", "CampaignCostCalculated", "CampaignConfirmed", "CampaignStats")
	c.wantSentOnce()
}

// approvalVoid: the list has changed since it was approved.
func approvalVoid(s *fixture) {
	list := s.box.generateList(object{"contacts": 10})
	m := s.newRequest("growing", list)
	m.NeedsApproval = true
	c := s.request(m)
	first := until[*campaignv1.CampaignApprovalRequired](c)
	s.box.do("POST", "/sandbox/contacts", object{"listId": list, "contacts": []object{{"phoneNumber": "+393339999999"}}}, nil)
	c.publishCommand("approve", object{"quote_id": first.QuoteId, "by": "anna"})
	second := until[*campaignv1.CampaignApprovalRequired](c)
	check(s, "recipients asked for first", first.Recipients, 10)
	check(s, "recipients asked for then", second.Recipients, 11)
	if void := fmt.Sprintf("what anna approved (%s) is void: recipients are 11 instead of 10", first.QuoteId); !strings.Contains(second.Why, void) {
		s.Errorf("it asks again because %q, want %q in it", second.Why, void)
	}
	if first.QuoteId == second.QuoteId {
		s.Errorf("both quotes are called %s", first.QuoteId)
	}
	check(s, "confirms on the void approval", c.atGateway().confirms(), 0)
	c.publishCommand("approve", object{"quote_id": second.QuoteId, "by": "anna"})
	check(s, "delivered", c.last().Delivered, 11)
	c.wantSentOnce()
}

func approvalInVain(s *fixture) {
	m := s.newRequest("forgotten", s.box.generateList(object{"contacts": 10}))
	m.NeedsApproval, m.ApprovalWithin = true, durationpb.New(time.Second)
	c := s.request(m)
	until[*campaignv1.CampaignApprovalRequired](c)
	c.wantRejected(campaignv1.CampaignRejected_REASON_NOT_APPROVED_IN_TIME)
}

func declined(s *fixture) {
	m := s.newRequest("unwanted", s.box.generateList(object{"contacts": 10}))
	m.NeedsApproval = true
	c := s.request(m)
	asked := until[*campaignv1.CampaignApprovalRequired](c)
	c.publishCommand("decline", object{"quote_id": asked.QuoteId, "by": "anna", "why": "wrong list"})
	e := c.wantRejected(campaignv1.CampaignRejected_REASON_DECLINED)
	check(s, "message", e.Message, "anna declined it: wrong list")
}

// creditAwaited: there is not enough, the campaign waits, and goes on by itself.
func creditAwaited(s *fixture) {
	s.Start(s)
	var before struct{ Credit json.Number }
	s.box.do("GET", "/sandbox/credit", nil, &before)
	defer s.box.do("POST", "/sandbox/credit", object{"credit": before.Credit}, nil)
	s.box.do("POST", "/sandbox/credit", object{"credit": "0.34"}, nil)
	m := s.newRequest("poor", s.box.generateList(object{"contacts": 10}))
	m.OnInsufficientCredit, m.CreditWithin = campaignv1.OnLimit_ON_LIMIT_WAIT, durationpb.New(time.Hour)
	c := s.request(m)
	check(s, "sufficient", until[*campaignv1.CampaignCostCalculated](c).Sufficient, false)
	put := until[*campaignv1.CampaignDeferred](c)
	check(s, "waits for", put.WaitsFor, campaignv1.CampaignDeferred_WAITS_FOR_CREDIT)
	s.box.do("POST", "/sandbox/credit", object{"credit": "1000"}, nil)
	check(s, "delivered", c.last().Delivered, 10)
	c.wantEvents("CampaignCostCalculated", "CampaignDeferred", "CampaignCostCalculated", "CampaignConfirmed", "CampaignStats")
	c.wantSentOnce()
}

// overBudget: one campaign fits into the day, two do not.
func overBudget(s *fixture) {
	s.budget("1.00")
	list := s.box.generateList(object{"contacts": 20}) // 0.70 EUR
	at := timestamppb.New(time.Now().Add(time.Second))
	first, second := s.newRequest("first", list), s.newRequest("second", list)
	// Both are charged to the same day, whatever the time is now.
	first.Start, second.Start = &campaignv1.CampaignRequested_At{At: at}, &campaignv1.CampaignRequested_At{At: at}
	check(s, "delivered", s.request(first).last().Delivered, 20)
	c := s.request(second)
	e := c.wantRejected(campaignv1.CampaignRejected_REASON_OVER_BUDGET)
	if !strings.HasPrefix(e.Field, s.source+", day ") || !strings.Contains(e.Message, "0.30 EUR of 1.00 EUR left") {
		s.Errorf("it does not say which budget, or what is left: field %q, %s", e.Field, e.Message)
	}
}

// budgetGivenBack: what a campaign has reserved is free again once it is
// cancelled.
func budgetGivenBack(s *fixture) {
	s.budget("1.00")
	list := s.box.generateList(object{"contacts": 20})
	at := &campaignv1.CampaignRequested_At{At: timestamppb.New(time.Now().Add(time.Hour))}
	ask := func(id string) *campaign {
		m := s.newRequest(id, list)
		m.Start = at
		return s.request(m)
	}
	first := ask("first")
	until[*campaignv1.CampaignConfirmed](first)
	ask("second").wantRejected(campaignv1.CampaignRejected_REASON_OVER_BUDGET)
	first.publishCommand("cancel", object{"by": "anna"})
	until[*campaignv1.CampaignCancelled](first)
	// The end is told first, and then the budget lets go of what it held.
	for end := time.Now().Add(patience); !s.wantNothingReserved(); {
		if time.Now().After(end) {
			s.Fatalf("the budget still holds what was cancelled: %s", s.command("budget", "show"))
		}
	}
	until[*campaignv1.CampaignConfirmed](ask("third"))
}

// wantNothingReserved says that nothing is reserved with the story's budget.
func (s *fixture) wantNothingReserved() bool {
	s.Helper()
	for line := range strings.Lines(s.command("budget", "show")) {
		if fields := strings.Fields(line); len(fields) > 0 && fields[0] == s.source {
			return !strings.Contains(line, "0.70 EUR")
		}
	}
	return true
}

// simulatedBudget: a simulation goes the whole way beside a budget.
func simulatedBudget(s *fixture) {
	s.budget("1.00")
	list := s.box.generateList(object{"contacts": 20})
	for _, id := range []string{"dry-1", "dry-2"} {
		m := s.newRequest(id, list)
		m.Simulation = true
		check(s, "total", s.request(m).last().Total, 20)
	}
	c := s.request(s.newRequest("real", list))
	check(s, "delivered", c.last().Delivered, 20)
}

// dearText: a curly quote makes two parts of one; the quote says so, where, and
// what to write instead.
func dearText(s *fixture) {
	m := s.newRequest("curly", s.box.generateList(object{"contacts": 10}))
	m.Text, m.Unicode = "L’offerta: "+strings.Repeat("x", 80), true
	cost := until[*campaignv1.CampaignCostCalculated](s.request(m))
	check(s, "encoding", cost.Text.GetEncoding(), "UCS-2")
	check(s, "parts of one", cost.Text.GetParts(), 2)
	check(s, "parts", cost.Parts, 20)
	check(s, "total", euro(s, cost.Total), "0.7 EUR")
	check(s, "character", cost.Text.GetOddCharacter(), "’")
	check(s, "position", cost.Text.GetOddPosition(), 2)
	check(s, "substitute", cost.Text.GetSubstitute(), "'")
	check(s, "advice", cost.Text.GetAdvice(), "write '")
	check(s, "difference", cost.Text.GetDiffers(), "")

	m = s.newRequest("braces", s.box.generateList(object{"contacts": 3}))
	m.Text = "Ciao {{firstName}}, {code}"
	cost = until[*campaignv1.CampaignCostCalculated](s.request(m))
	check(s, "placeholders", strings.Join(cost.Text.GetPlaceholders(), " "), "firstName")
	check(s, "lookalikes", strings.Join(cost.Text.GetLookalikes(), " "), "{code}")
}

func tooManyParts(s *fixture) {
	m := s.newRequest("long", s.box.generateList(object{"contacts": 10}))
	m.Text, m.MaxPartsPerMessage = strings.Repeat("x", 161), 1
	c := s.request(m)
	e := c.wantRejected(campaignv1.CampaignRejected_REASON_TOO_MANY_PARTS)
	check(s, "field", e.Field, "text")
	check(s, "drafts", len(c.atGateway().Campaigns), 0)
}

// miscounted: while the figures do not add up it is said, and the campaign is
// not called completed over them.
func miscounted(s *fixture) {
	m := s.newRequest("short", s.box.generateList(object{"contacts": 10}))
	s.box.fault(s.source+"."+m.RequestId+"]", object{"operation": "stats", "miscount": 1, "times": 3})
	c := s.request(m)
	until[*campaignv1.CampaignConfirmed](c)
	for {
		e := until[*campaignv1.CampaignStats](c)
		if e.Last {
			s.Fatalf("the last statistic came first: %v", e)
		}
		if strings.Contains(e.Differs, "together, the total is 10") {
			break
		}
	}
	last := c.last()
	check(s, "delivered", last.Delivered, 10)
	check(s, "reconciled", last.Reconciled, true)
	check(s, "differs", last.Differs, "")
}
