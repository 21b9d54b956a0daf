package campaign_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// A walk is a campaign on its way, at a gateway that answers as the test tells it.
type journey struct {
	*testing.T
	rules campaign.Rules
	goal  campaign.Goal
	price campaign.Price
	c     campaign.Campaign
	call  *campaign.Call
	now   time.Time
	told  []campaign.Event
	// refused is why the last command could not be followed.
	refused string
}

func newJourney(t *testing.T) *journey {
	return &journey{T: t, now: friday, goal: campaign.Goal{Total: 100, Valid: 100, Parts: 100}, price: campaign.Price{
		PerMessage: eur("0.035"), Total: eur("3.50"), Available: eur("1500"), Sufficient: true}}
}

// in takes one input. The record that it leaves is an hour old when the next one comes.
func (w *journey) in(in campaign.Input) {
	w.Helper()
	d := w.rules.Step(w.c, in, campaign.Facts{Now: w.now, Age: time.Hour, Gateway: here})
	w.c, w.call, w.refused = d.Next, d.Call, d.Objection
	if d.Save {
		w.told = append(w.told, d.Next.Outbox...)
	}
}

// until answers calls until one of a kind is asked for, or the campaign rests.
func (w *journey) until(op campaign.Op) bool {
	w.Helper()
	for range 50 {
		if w.call == nil || w.call.Op == op {
			return w.call != nil
		}
		w.in(campaign.Outcome{Op: w.call.Op, Kind: campaign.OK, CampaignID: 1542, Goal: w.goal, Price: w.price, Status: campaign.StatusUnconfirmed, ByID: true})
	}
	w.Fatalf("it comes to no %s and to no rest: it is %s, and calls %s", op, w.c.State, w.call.Op)
	return false
}

func (w *journey) ask(r campaign.Request) bool {
	w.Helper()
	w.in(campaign.Received{Key: key, Request: r})
	return w.until(campaign.OpConfirm)
}

// wake waits until the campaign is due.
func (w *journey) wake() bool {
	w.Helper()
	w.now = later(w.now, w.c.Wake)
	w.in(campaign.Woken{})
	return w.until(campaign.OpConfirm)
}

func (w *journey) approve() {
	w.Helper()
	w.in(campaign.Approve{QuoteID: campaign.QuoteID(w.c.Request, *w.c.Quote), By: "anna"})
	if w.refused == "" {
		w.now = later(w.now, w.c.Wake)
		w.in(campaign.Woken{})
	}
}

func (w *journey) last(kind campaign.EventType) campaign.Event {
	w.Helper()
	for _, e := range slices.Backward(w.told) {
		if e.Type == kind {
			return e
		}
	}
	w.Fatalf("no %s was told", kind)
	return campaign.Event{}
}

func toApprove() campaign.Request {
	r := blackFriday()
	r.Limits.Approval = true
	return r
}

// An approval is for a total, even if recipients, parts and price still match.
func TestApprovalCoversItsTotal(t *testing.T) {
	for _, test := range []struct {
		name  string
		drift int
		total string
		sent  bool
	}{
		{"TheSame", 0, "3.50", true},
		{"AnotherTotalIsAskedForAgain", 0, "3.51", false},
		{"WithinWhatIsTolerated", 2, "3.57", true},
		{"BeyondWhatIsTolerated", 2, "3.58", false},
		{"FarBeyond", 2, "503.50", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newJourney(t)
			w.rules.DriftTolerance = test.drift
			if w.ask(toApprove()) {
				t.Fatal("it is confirmed without an approval")
			}
			w.approve()
			w.price.Total = eur(test.total)
			if sent := w.until(campaign.OpConfirm); sent != test.sent {
				t.Errorf("3.50 EUR were approved, %s are quoted: confirmed is %t, want %t", test.total, sent, test.sent)
			}
		})
	}
}

// A request may be bound to a quote that was agreed on before: the quote of a
// simulation.
func TestAgreedQuote(t *testing.T) {
	first := newJourney(t)
	r := blackFriday()
	r.Simulation = true
	first.ask(r)
	r.Simulation, r.Limits.Agreed = false, campaign.QuoteID(r, *first.c.Quote)

	same := newJourney(t)
	if !same.ask(r) {
		t.Errorf("the quote that was agreed on is not confirmed: it is %s, %s", same.c.State, same.c.Waiting)
	}
	other := newJourney(t)
	other.goal = campaign.Goal{Total: 99, Valid: 99, Parts: 99}
	if other.ask(r) {
		t.Error("another quote than was agreed on is confirmed")
	}
	if why := other.last(campaign.EventApprovalRequired).Need.Why; !strings.Contains(why, r.Limits.Agreed) {
		t.Errorf("it asks because %s, want the quote that was agreed on", why)
	}
}

// An approval given in time does not permit sending late.
func TestApprovalInTimeIsNoneToBeingLate(t *testing.T) {
	w, r := newJourney(t), toApprove()
	r.At, r.Limits.MaxLateness, r.Limits.OnLate = friday.Add(2*time.Hour), time.Hour, campaign.Ask
	w.ask(r)
	w.approve()
	w.until(campaign.OpCreate)
	w.in(campaign.Outcome{Op: campaign.OpCreate, Kind: campaign.Unavailable})
	w.now = friday.Add(10 * time.Hour)
	if w.wake() {
		t.Fatal("it was approved in time, and is confirmed seven hours too late")
	}
	if why := w.last(campaign.EventApprovalRequired).Need.Why; !strings.Contains(why, "it is late") {
		t.Errorf("it asks because %s, want that it is late", why)
	}
	w.approve()
	if !w.until(campaign.OpConfirm) {
		t.Errorf("it is not confirmed though it was approved late: %s", w.c.Waiting)
	}
}

func TestApprovalTimesOut(t *testing.T) {
	for name, in := range map[string]func(*journey){
		"Approve": (*journey).approve,
		"Decline": func(w *journey) {
			w.in(campaign.Decline{QuoteID: campaign.QuoteID(w.c.Request, *w.c.Quote), By: "anna"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, r := newJourney(t), toApprove()
			r.Limits.ApprovalWithin = time.Hour
			w.ask(r)
			w.now = friday.Add(time.Hour)
			in(w)
			if w.refused == "" || w.c.State != campaign.Quoted {
				t.Errorf("an answer after the time-out is heard: the campaign is %s", w.c.State)
			}
		})
	}
}

// A request that lay in a stream, or in a dead letter, for longer than its lateness
// allows is late.
func TestLatenessCountsFromWhenItWasStored(t *testing.T) {
	w, r := newJourney(t), blackFriday()
	r.Limits.MaxLateness = time.Hour
	w.in(campaign.Received{Key: key, Request: r, At: friday.Add(-48 * time.Hour)})
	w.until(campaign.OpCreate)
	if why := w.c.Reason; why == nil || why.Code != campaign.ReasonTooLate || why.Field != "max_lateness" {
		t.Errorf("stored 48 h ago, may be 1 h late: it is %s, %+v", w.c.State, why)
	}
	if !w.c.RequestedAt.Equal(friday.Add(-48 * time.Hour)) {
		t.Errorf("it was asked at %s, want when it was stored", w.c.RequestedAt)
	}
}

func TestOtherTotalThanQuotedIsNotCompleted(t *testing.T) {
	w := newJourney(t)
	w.ask(blackFriday())
	w.in(campaign.Outcome{Op: campaign.OpConfirm, Kind: campaign.OK, Status: campaign.StatusConfirmed, ConfirmedAt: w.now})
	short := campaign.Stats{Status: campaign.StatusCompleted, Total: 60, Sent: 60, Delivered: 60, Cost: eur("2.10")}
	for !w.c.State.Final() {
		w.now = later(w.now, w.c.Wake)
		w.in(campaign.Woken{})
		w.in(campaign.Outcome{Op: campaign.OpStats, Kind: campaign.OK, Stats: short})
		if !w.c.State.Final() && w.now.Sub(friday) > 80*time.Hour {
			t.Fatal("it is followed for ever")
		}
	}
	if e := w.last(campaign.EventStats); w.c.State != campaign.Unreconciled || !e.Last || e.Differs == "" || w.now.Sub(friday) < 72*time.Hour {
		t.Errorf("100 were quoted, 60 counted: %s after %s, last %t, differs %q", w.c.State, w.now.Sub(friday), e.Last, e.Differs)
	}
}

// A confirm that is refused for lack of credit, although the price saw enough, waits
// like any other lack of credit, and the gateway is not called more often.
func TestCreditThatIsMissingAtTheConfirm(t *testing.T) {
	t.Run("InVain", func(t *testing.T) {
		w, r := newJourney(t), blackFriday()
		r.Limits.OnNoCredit, r.Limits.CreditWithin = campaign.Wait, 6*time.Hour
		confirms := 0
		for sent := w.ask(r); !w.c.State.Final() && w.now.Sub(friday) < 12*time.Hour; sent = w.wake() {
			if sent {
				confirms++
				w.in(campaign.Outcome{Op: campaign.OpConfirm, Kind: campaign.Refused, Cause: campaign.NoCredit, Words: "Insufficient credit"})
			}
		}
		if w.c.State != campaign.Rejected || w.c.Reason.Code != campaign.ReasonNoCredit {
			t.Errorf("ended %s: %+v", w.c.State, w.c.Reason)
		}
		if took := w.now.Sub(friday); took < 6*time.Hour || took > 7*time.Hour {
			t.Errorf("it waited %s for a top-up, want 6 h", took)
		}
		if confirms > 6*4+1 {
			t.Errorf("%d confirms in 6 h, want one in 15 min at most", confirms)
		}
		if h := w.last(campaign.EventDeferred).Need; h.For != campaign.NeedCredit {
			t.Errorf("it was told to wait for %s", h.For)
		}
	})
	t.Run("ToppedUp", func(t *testing.T) {
		w, r := newJourney(t), blackFriday()
		r.Limits.OnNoCredit = campaign.Wait
		w.ask(r)
		w.in(campaign.Outcome{Op: campaign.OpConfirm, Kind: campaign.Refused, Cause: campaign.NoCredit})
		for !w.wake() {
			if w.c.State.Final() {
				t.Fatalf("it is %s: %+v", w.c.State, w.c.Reason)
			}
		}
		w.in(campaign.Outcome{Op: campaign.OpConfirm, Kind: campaign.OK, Status: campaign.StatusConfirmed, ConfirmedAt: w.now})
		if w.c.State != campaign.Confirmed || w.c.Need != nil {
			t.Errorf("it is %s, and waits for %+v", w.c.State, w.c.Need)
		}
	})
}

// Nothing leaves before its instant, however near that is.
func TestInstantThatIsNearIsAwaited(t *testing.T) {
	for _, ahead := range []time.Duration{time.Second, 9 * time.Second, 15 * time.Second, time.Minute} {
		w, r := newJourney(t), blackFriday()
		r.At = friday.Add(ahead)
		sent := w.ask(r)
		for !sent {
			sent = w.wake()
			if w.c.State.Final() {
				t.Fatalf("%s ahead: it is %s", ahead, w.c.State)
			}
		}
		switch at := w.call.At; {
		case at.IsZero() && w.now.Before(r.At):
			t.Errorf("%s ahead: it is sent at once, %s too early", ahead, r.At.Sub(w.now))
		case !at.IsZero() && !at.Equal(r.At):
			t.Errorf("%s ahead: it is sent at %s", ahead, at)
		}
	}
}

func TestNobodyToSendToIsNoRefusalOfTheGateway(t *testing.T) {
	w := newJourney(t)
	w.goal = campaign.Goal{Total: 20, Invalid: 20}
	w.ask(blackFriday())
	if why := w.c.Reason; why == nil || why.Code != campaign.ReasonNobody || why.Field != "contact_list_id" {
		t.Errorf("a list without a valid recipient: %+v", why)
	}
}
