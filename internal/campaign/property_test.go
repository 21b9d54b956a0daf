package campaign_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// world drives one campaign through random inputs, the way the runner does:
// a call is answered at random, a run may die, time passes.
type world struct {
	c      campaign.Campaign // as the run in hand knows it
	saved  campaign.Campaign // as the journal has it
	call   *campaign.Call
	now    time.Time
	stored time.Time // when it was saved
	r      campaign.Request
	pace   campaign.Pace // what was seen of the gateway's

	budgets  bool // as far as the replica in hand knows, there may be some
	reserved bool // the budgets have passed the draft in hand
}

func (w *world) step(in campaign.Input) campaign.Decision {
	if o, ok := in.(campaign.Outcome); ok && o.Kind == campaign.OK && w.call != nil && w.call.Op == o.Op {
		w.reserved = o.Op == campaign.OpReserve || w.reserved && o.Op != campaign.OpCreate
	}
	d := rules.Step(w.c, in, campaign.Facts{Now: w.now, Age: w.now.Sub(w.stored), Pace: w.pace, Budgets: w.budgets})
	if d.Save {
		w.saved, w.stored = d.Next, w.now
	}
	w.c, w.call = d.Next, d.Call
	return d
}

// answers are the outcomes that can answer a call.
func answers(op campaign.Op) []campaign.Input {
	var list []campaign.Input
	for _, i := range outcomes() {
		if o := i.in.(campaign.Outcome); o.Op == op {
			list = append(list, o)
		}
	}
	return list
}

func randomRequest(t *rapid.T) campaign.Request {
	r := blackFriday()
	if rapid.Bool().Draw(t, "scheduled") {
		r.At = friday.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "at")) * time.Hour)
	}
	if rapid.Bool().Draw(t, "expires") {
		r.ExpiresAt = friday.Add(time.Duration(rapid.IntRange(1, 100).Draw(t, "expiry")) * time.Hour)
	}
	return r
}

func randomPace(t *rapid.T) campaign.Pace {
	n := func(name string, most int64) int64 { return rapid.Int64Range(0, most).Draw(t, name) }
	return campaign.Pace{
		Seen: int(n("seen", 6)), PerMinute: n("per minute", 1000), Largest: n("largest", 20_000),
		Others: int(n("others", 3)), Ahead: n("ahead", 100_000), Together: n("together", 2000),
	}
}

// random draws what happens next.
func (w *world) random(t *rapid.T) campaign.Decision {
	switch rapid.IntRange(0, 10).Draw(t, "what") {
	case 10:
		w.budgets = !w.budgets // somebody has set one, or another replica is asked
		return campaign.Decision{}
	case 0:
		w.now = w.now.Add(time.Duration(rapid.IntRange(1, 3600).Draw(t, "seconds")) * time.Second)
		return campaign.Decision{}
	case 1:
		// The run dies; the next one loads what was saved.
		w.c, w.call = reload(t, w.saved), nil
		return campaign.Decision{}
	case 2:
		return w.another(t, campaign.CancelAsked{By: "anna"})
	case 3:
		return w.another(t, campaign.Asked{Key: key, Request: w.r})
	case 4:
		return w.another(t, campaign.Delivered{})
	}
	if w.call != nil {
		return w.step(rapid.SampledFrom(answers(w.call.Op)).Draw(t, "answer"))
	}
	w.now = later(w.now, w.c.Wake)
	return w.step(campaign.Woken{})
}

// another run takes an input; what the first one was doing is void.
func (w *world) another(t *rapid.T, in campaign.Input) campaign.Decision {
	w.c = reload(t, w.saved)
	return w.step(in)
}

// lives checks what must hold after every step of random lives.
func lives(t *testing.T, name string, check func(t *rapid.T, w *world, before campaign.Campaign, d campaign.Decision)) {
	t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
		w := &world{now: friday, stored: friday, r: randomRequest(t), pace: randomPace(t)}
		w.step(campaign.Asked{Key: key, Request: w.r})
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			before := w.saved
			check(t, w, before, w.random(t))
		}
	}))
}

func TestRandomLives(t *testing.T) {
	lives(t, "EveryCampaignThatIsNotEndedToldAndSettledIsWokenOrUnderWay", func(t *rapid.T, w *world, _ campaign.Campaign, d campaign.Decision) {
		s := w.saved
		settled := !s.Budgeted || s.State == campaign.Unresolved // which keeps what it holds
		switch {
		case s.State == "":
		case (s.State.Final() && len(s.Outbox) == 0 && settled) != s.Wake.IsZero():
			t.Fatalf("saved as %s, to be woken at %v", s.State, s.Wake)
		}
		if c := d.Next; c.State != "" && !c.State.Final() && d.Call == nil && c.Wake.IsZero() {
			t.Fatalf("%s rests without a wake-up", c.State)
		}
	})

	lives(t, "AnEndedCampaignStaysEnded", func(t *rapid.T, w *world, before campaign.Campaign, _ campaign.Decision) {
		if before.State.Final() && w.saved.State != before.State {
			t.Fatalf("%s became %s", before.State, w.saved.State)
		}
	})

	lives(t, "NothingLeadsBackOnceItIsConfirmed", func(t *rapid.T, w *world, before campaign.Campaign, _ campaign.Decision) {
		if before.Confirmed == nil {
			return
		}
		switch w.saved.State {
		case campaign.Confirmed, campaign.Sending, campaign.Completed, campaign.Failed, campaign.Cancelling, campaign.Cancelled:
		default:
			t.Fatalf("%s became %s after it was confirmed", before.State, w.saved.State)
		}
	})

	lives(t, "AConfirmIsDecidedOnlyTogetherWithItsIntent", func(t *rapid.T, w *world, before campaign.Campaign, d campaign.Decision) {
		if d.Call == nil || d.Call.Op != campaign.OpConfirm {
			return
		}
		n := d.Next
		if !d.Save || n.State != campaign.Confirming || !n.Draft.Intended || n.Rounds != before.Rounds+1 {
			t.Fatalf("confirm without an intent of its own: save %v, %s, intent %d after %d", d.Save, n.State, n.Rounds, before.Rounds)
		}
		if !n.Quote.Price.Sufficient || n.Cancel != nil {
			t.Fatalf("confirm of what may not be sent: %+v", n)
		}
		if end := w.r.ExpiresAt; !end.IsZero() && !w.now.Before(end) {
			t.Fatalf("confirm at %v of what expired at %v", w.now, end)
		}
		if at := w.r.At; !at.IsZero() && w.now.After(at.Add(rules.TooLate)) {
			t.Fatalf("confirm at %v of what was due at %v", w.now, at)
		}
	})

	lives(t, "EventsAreNumberedWithoutGapsAndNothingIsToldAfterTheEnd", func(t *rapid.T, w *world, before campaign.Campaign, d campaign.Decision) {
		if !d.Save {
			return
		}
		if before.State.Final() && len(d.Next.Outbox) > 0 {
			t.Fatalf("%s tells %v", before.State, d.Next.Outbox)
		}
		quotes, stats := before.Quotes, before.StatsN
		for _, e := range d.Next.Outbox {
			want := 1
			switch e.Type {
			case campaign.EventCostCalculated:
				quotes++
				want = quotes
			case campaign.EventStats:
				stats++
				want = stats
			case campaign.EventConfirmed:
				if before.Confirmed != nil {
					t.Fatal("told twice that it is confirmed")
				}
			}
			if e.N != want {
				t.Fatalf("%s.%d, want %d", e.Type, e.N, want)
			}
		}
	})

	lives(t, "TheRecordSurvivesItsJSONAndKeepsTheLast32Attempts", func(t *rapid.T, w *world, _ campaign.Campaign, d campaign.Decision) {
		if !d.Save {
			return
		}
		back := reload(t, d.Next)
		if diff := cmp.Diff(d.Next, back, cmpopts.IgnoreUnexported(campaign.Campaign{}), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("the record became another (-saved +loaded):\n%s", diff)
		}
		if len(back.Attempts) > 32 {
			t.Fatalf("%d attempts are kept", len(back.Attempts))
		}
	})
}

// Budgets are set at any moment, and one replica knows it before another.
// Mostly all goes well, so that most lives come to a confirm.
func TestNothingIsConfirmedPastABudget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{now: friday, stored: friday, r: blackFriday()}
		w.r.Limits.Approval = rapid.Bool().Draw(t, "approval")
		w.step(campaign.Asked{Key: key, Request: w.r})
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			w.budgets = rapid.Bool().Draw(t, "budgets")
			var d campaign.Decision
			switch h := w.c.Hold; {
			case w.call != nil && rapid.IntRange(0, 7).Draw(t, "well") > 0:
				d = w.step(answers(w.call.Op)[0])
			case w.call != nil:
				d = w.step(rapid.SampledFrom(answers(w.call.Op)).Draw(t, "answer"))
			case h != nil && h.For == campaign.HoldApproval:
				d = w.another(t, campaign.Approve{QuoteID: campaign.QuoteID(w.c.Request, *w.c.Quote), By: "carla"})
			default:
				w.now = later(w.now, w.c.Wake)
				d = w.another(t, campaign.Woken{})
			}
			switch {
			case d.Call == nil || d.Call.Op != campaign.OpConfirm:
			case (w.budgets || w.saved.Budgeted) && !w.reserved:
				t.Fatal("there are budgets, and a confirm leaves without having passed them")
			case w.reserved && !w.saved.Budgeted:
				t.Fatal("the budgets hold something, and the record does not say so")
			}
		}
	})
}
