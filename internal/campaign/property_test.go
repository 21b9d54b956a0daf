package campaign_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// model drives one campaign through random inputs, the way the runner does:
// a call is answered at random, a run may die, time passes.
type model struct {
	c      campaign.Campaign // as the run at work knows it
	was    campaign.Campaign // as it did before the last step
	saved  campaign.Campaign // as the journal has it
	call   *campaign.Call
	in     campaign.Input // the last one
	now    time.Time
	stored time.Time // when it was saved
	r      campaign.Request
	pace   campaign.Pace // what was seen of the gateway's

	budgets  bool // as far as the replica at work knows, there may be some
	reserved bool // the budgets have room for the draft under way

	held    string                // why nothing may be begun or confirmed
	gateway string                // the one that is configured
	made    map[int64]string      // where each draft was made
	proof   map[int64]*shownDraft // of each draft, since a confirm of it left
	told    []campaign.Event      // what the record has lost, and the events still have
}

// shownDraft is what the gateway has shown of a draft.
type shownDraft struct {
	left          bool // a confirm of it may have left
	read, mute    bool // in this run: a read by id showed it unconfirmed; configure succeeded without a word
	stood, struck bool // a read by id showed it as ours; and then its delete was accepted
	unsent        bool // it was shown not to be confirmed, or to have vanished
}

func newModel(r campaign.Request) *model {
	return &model{now: friday, stored: friday, r: r, gateway: here, made: map[int64]string{}, proof: map[int64]*shownDraft{}}
}

func (w *model) step(in campaign.Input) campaign.Decision {
	if o, ok := in.(campaign.Outcome); ok && w.call != nil && w.call.Op == o.Op {
		in = w.sees(o)
	}
	w.in, w.was = in, w.c
	d := rules.Step(w.c, in, campaign.Facts{Now: w.now, Age: w.now.Sub(w.stored), Pace: w.pace, Budgets: w.budgets, Gateway: w.gateway, Held: w.held})
	if d.Save {
		w.saved, w.stored = d.Next, w.now
	}
	w.c, w.call = d.Next, d.Call
	if w.call != nil && w.call.Op == campaign.OpConfirm {
		w.of(w.call.CampaignID).left = true
	}
	return d
}

func (w *model) of(id int64) *shownDraft {
	if w.proof[id] == nil {
		w.proof[id] = &shownDraft{}
	}
	return w.proof[id]
}

// sees makes an answer fit this world: each draft has a number of its own, and what was
// shown of it is remembered.
func (w *model) sees(o campaign.Outcome) campaign.Outcome {
	ok, p := o.Kind == campaign.OK, w.of(w.call.CampaignID)
	switch o.Op {
	case campaign.OpCreate:
		if ok {
			o.CampaignID = int64(2000 + len(w.made))
			w.made[o.CampaignID] = w.gateway
		}
		w.reserved = false
	case campaign.OpReserve:
		w.reserved = w.reserved || ok
	case campaign.OpConfirm:
		if o.Kind == campaign.NotAttempted {
			*p = shownDraft{}
		}
	case campaign.OpStatus:
		shown := ok && o.ByID && o.Description != strangers
		p.read = shown && o.Status == campaign.StatusUnconfirmed
		p.unsent = p.unsent || p.read && p.mute || p.struck && o.Kind == campaign.Refused && o.Cause == campaign.NotFound && o.ByID
		p.stood = p.stood || shown
	case campaign.OpConfigure:
		p.mute = ok && o.Status == ""
		p.unsent = p.unsent || p.read && ok && o.Status == campaign.StatusUnconfirmed
	case campaign.OpDelete:
		p.struck = p.struck || p.stood && ok
	case campaign.OpLook:
		if d := w.c.Draft; d != nil && len(o.Events) == 1 && o.Events[0].CampaignID == 1542 {
			o.Events = nil
			if !d.Disarmed { // a run that gives a draft up never publishes its cost afterwards
				w.told = []campaign.Event{costTold(7, d.ID)}
				w.of(d.ID).left = true // there was an intent, which the record has lost
			}
		}
		if ok && len(o.Events) == 0 {
			o.Events = w.told // nothing is forgotten
		}
	}
	return o
}

func happened(s campaign.Status) bool {
	return s == campaign.StatusConfirmed || s == campaign.StatusSending || s == campaign.StatusCompleted || s == campaign.StatusFailed
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
func (w *model) random(t *rapid.T) campaign.Decision {
	switch dice(t, 29) {
	case 28:
		w.held = map[string]string{"": "held by anna", "held by anna": ""}[w.held]
		return campaign.Decision{}
	case 27:
		w.budgets = !w.budgets // a budget was set, or another replica is asked
		return campaign.Decision{}
	case 26:
		if rapid.Bool().Draw(t, "follow") {
			return w.another(t, campaign.Follow{By: "anna"})
		}
		return w.another(t, campaign.Resolved{By: "anna", Sent: rapid.Bool().Draw(t, "sent")})
	case 25:
		// Another gateway is configured, or the first one again. The service was
		// stopped for it.
		w.gateway = map[string]string{here: elsewhere, elsewhere: here}[w.gateway]
		w.c, w.call = reload(t, w.saved), nil
		return campaign.Decision{}
	case 24:
		w.now = w.now.Add(time.Duration(rapid.IntRange(1, 3600).Draw(t, "seconds")) * time.Second)
		return campaign.Decision{}
	case 23:
		// The run dies; the next one loads what was saved.
		w.c, w.call = reload(t, w.saved), nil
		return campaign.Decision{}
	case 22:
		return w.another(t, campaign.Cancel{Key: key, By: "anna"})
	case 21:
		return w.another(t, campaign.Received{Key: key, Request: w.r})
	case 20:
		return w.another(t, campaign.Delivered{})
	}
	if w.call != nil {
		return w.answered(t, 3)
	}
	w.now = later(w.now, w.c.Wake)
	return w.step(campaign.Woken{})
}

// dice are fair: rapid itself draws small numbers by preference, and few of them.
func dice(t *rapid.T, n int) (thrown int) {
	for _, up := range rapid.SliceOfN(rapid.Bool(), 10, 10).Draw(t, "dice") {
		if thrown *= 2; up {
			thrown++
		}
	}
	return thrown % n
}

// answered answers the call under way: usually well, sometimes in any other way.
func (w *model) answered(t *rapid.T, mostly int) campaign.Decision {
	all := answers(w.call.Op)
	if op := w.call.Op; op != campaign.OpStatus && op != campaign.OpStats && dice(t, mostly+1) > 0 {
		return w.step(all[0])
	}
	return w.step(all[dice(t, len(all))])
}

// another run takes an input; what the first one was doing is void.
func (w *model) another(t *rapid.T, in campaign.Input) campaign.Decision {
	w.c = reload(t, w.saved)
	for _, p := range w.proof {
		p.read, p.mute = false, false
	}
	return w.step(in)
}

// lives checks what must hold after every step of random lives.
func lives(t *testing.T, name string, check func(t *rapid.T, w *model, before campaign.Campaign, d campaign.Decision)) {
	t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
		w := newModel(randomRequest(t))
		w.pace = randomPace(t)
		w.step(campaign.Received{Key: key, Request: w.r})
		if rapid.Bool().Draw(t, "comes to its confirm") {
			for w.call != nil && w.call.Op != campaign.OpConfirm {
				w.step(answers(w.call.Op)[0])
			}
		}
		for range rapid.IntRange(40, 120).Draw(t, "steps") {
			before := w.saved
			check(t, w, before, w.random(t))
		}
	}))
}

func TestRandomLives(t *testing.T) {
	lives(t, "EveryCampaignThatIsNotEndedToldAndSettledIsWokenOrUnderWay", func(t *rapid.T, w *model, _ campaign.Campaign, d campaign.Decision) {
		s := w.saved
		settled := !s.Budgeted
		switch {
		case s.State == "":
		case s.State == campaign.Unresolved && s.Wake.IsZero() && len(s.Outbox) == 0:
			if looked := w.now.Sub(s.Since); looked < rules.GiveUp-2*rules.LookAgain {
				t.Fatalf("unresolved for %s, and looked at no more", looked)
			}
		case s.State == campaign.Unresolved:
		case (s.State.Final() && len(s.Outbox) == 0 && settled) != s.Wake.IsZero():
			t.Fatalf("saved as %s, to be woken at %v", s.State, s.Wake)
		}
		if c := d.Next; c.State != "" && !c.State.Final() && d.Call == nil && c.Wake.IsZero() {
			t.Fatalf("%s rests without a wake-up", c.State)
		}
	})

	lives(t, "WhatIsHeldIsNeitherBegunNorConfirmed", func(t *rapid.T, w *model, _ campaign.Campaign, d campaign.Decision) {
		if w.held != "" && d.Call != nil && (d.Call.Op == campaign.OpCreate || d.Call.Op == campaign.OpConfirm) {
			t.Fatalf("held, and %s is called", d.Call.Op)
		}
	})

	lives(t, "AnEndedCampaignStaysEnded", func(t *rapid.T, w *model, before campaign.Campaign, _ campaign.Decision) {
		if _, follow := w.in.(campaign.Follow); follow && before.State == campaign.Unreconciled {
			return
		}
		if before.State.Final() && before.State != campaign.Unresolved && w.saved.State != before.State {
			t.Fatalf("%s became %s", before.State, w.saved.State)
		}
	})

	lives(t, "NothingLeadsBackOnceItIsConfirmed", func(t *rapid.T, w *model, before campaign.Campaign, _ campaign.Decision) {
		if before.Confirmed == nil {
			return
		}
		switch w.saved.State {
		case campaign.Confirmed, campaign.Sending, campaign.Completed, campaign.Failed, campaign.Cancelling, campaign.Cancelled,
			campaign.Unreconciled, campaign.Unresolved:
		case campaign.Rejected:
			if w.saved.Resolved == nil {
				t.Fatalf("%s became rejected after it was confirmed, and nobody has looked", before.State)
			}
		default:
			t.Fatalf("%s became %s after it was confirmed", before.State, w.saved.State)
		}
	})

	lives(t, "AConfirmIsDecidedOnlyTogetherWithItsIntent", func(t *rapid.T, w *model, before campaign.Campaign, d campaign.Decision) {
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

	lives(t, "EventsAreNumberedWithoutGapsAndNothingIsToldAfterTheEnd", func(t *rapid.T, w *model, before campaign.Campaign, d campaign.Decision) {
		if !d.Save {
			return
		}
		if before.State.Final() && before.State != campaign.Unresolved && len(d.Next.Outbox) > 0 {
			t.Fatalf("%s tells %v", before.State, d.Next.Outbox)
		}
		quotes, stats := w.was.Quotes, w.was.StatsN
		for _, e := range d.Next.Outbox {
			if err := whole(e); err != nil {
				t.Fatal(err)
			}
			want := 1
			switch e.Type {
			case campaign.EventCostCalculated:
				quotes++
				want = quotes
			case campaign.EventStats:
				stats++
				want = stats
			case campaign.EventUnresolved:
				want = w.was.UnresolvedN + 1
			case campaign.EventDeferred:
				want = w.was.DeferredN + 1
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

	lives(t, "NoCallIsAboutANumberOfAnotherGateway", func(t *rapid.T, w *model, _ campaign.Campaign, d campaign.Decision) {
		if d.Call == nil || d.Call.Op == campaign.OpWitness {
			return
		}
		switch d.Call.Op {
		case campaign.OpLook, campaign.OpAdmit, campaign.OpRoom, campaign.OpReserve, campaign.OpSettle:
			return // none of the gateway's
		}
		if at, known := w.made[d.Call.CampaignID]; known && at != w.gateway {
			t.Fatalf("%s of %d, which was made at %s, at %s", d.Call.Op, d.Call.CampaignID, at, w.gateway)
		}
	})

	lives(t, "WhatIsUnresolvedIsOnlyLookedAt", func(t *rapid.T, w *model, _ campaign.Campaign, d campaign.Decision) {
		if d.Next.State == campaign.Unresolved && d.Call != nil && d.Call.Op != campaign.OpStatus {
			t.Fatalf("unresolved, and calls %s", d.Call.Op)
		}
	})

	lives(t, "ConfirmedIsToldByWhoeverSaysSo", func(t *rapid.T, w *model, _ campaign.Campaign, d campaign.Decision) {
		for _, e := range d.Next.Outbox {
			if !d.Save || e.Type != campaign.EventConfirmed {
				continue
			}
			switch in := w.in.(type) {
			case campaign.Resolved:
				if !in.Sent {
					t.Fatal("somebody says that it was not sent, and confirmed is told")
				}
			case campaign.Outcome:
				if in.Kind != campaign.OK || !happened(in.Status) || in.Description == strangers {
					t.Fatalf("%s is answered %s %q, and confirmed is told", in.Op, in.Kind, in.Status)
				}
			default:
				t.Fatalf("%T, and confirmed is told", in)
			}
		}
	})

	lives(t, "NoCancelIsForgotten", func(t *rapid.T, w *model, before campaign.Campaign, _ campaign.Decision) {
		c := w.saved.Cancel
		if before.Cancel != nil && c == nil {
			t.Fatalf("it is %s, and the cancel of %s is forgotten", w.saved.State, before.Cancel.By)
		}
		if c == nil || c.Failed != "" {
			return
		}
		switch s := w.saved.State; s {
		case campaign.Confirmed, campaign.Sending, campaign.Completed, campaign.Drafted, campaign.Quoted:
			t.Fatalf("it is %s, and the cancel of %s is neither refused nor under way", s, c.By)
		}
	})

	lives(t, "TheRecordSurvivesItsJSONAndKeepsTheLast32Attempts", func(t *rapid.T, w *model, _ campaign.Campaign, d campaign.Decision) {
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

// A confirm may have left, or has taken effect and is to be undone. Whatever is
// answered from then on, no event says that nothing was sent, and no other draft is
// made, before the gateway has shown it.
func TestNothingIsUnsentThatWasNotShownToBe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newModel(blackFriday())
		cancelled := rapid.Bool().Draw(t, "cancelled")
		if rapid.Bool().Draw(t, "scheduled") || cancelled {
			w.r.At = friday.Add(6 * time.Hour)
		}
		w.step(campaign.Received{Key: key, Request: w.r})
		for w.call.Op != campaign.OpConfirm {
			w.step(answers(w.call.Op)[0])
		}
		if cancelled {
			w.step(answers(campaign.OpConfirm)[0])
			w.another(t, campaign.Cancel{Key: key, By: "anna"})
		}
		for range 60 {
			var d campaign.Decision
			switch {
			case w.call == nil:
				w.now = later(w.now, w.c.Wake).Add(time.Minute)
				d = w.another(t, campaign.Woken{})
			case w.call.Op == campaign.OpStatus && dice(t, 3) > 0:
				d = w.step(byID[dice(t, len(byID))])
			default:
				d = w.answered(t, 2)
			}
			told := slices.ContainsFunc(d.Next.Outbox, func(e campaign.Event) bool {
				return d.Save && (e.Type == campaign.EventRejected || e.Type == campaign.EventCancelled)
			})
			if !told && (d.Call == nil || d.Call.Op != campaign.OpCreate) {
				continue
			}
			for id, p := range w.proof {
				if p.left && !p.unsent {
					t.Fatalf("told %t, call %v, and of %d was shown no more than %+v", told, d.Call, id, *p)
				}
			}
		}
	})
}

// byID are the answers of a read by id of our own campaign that can lead on.
var byID = func() (list []campaign.Input) {
	for _, i := range outcomes() {
		if o := i.in.(campaign.Outcome); o.ByID && o.Op == campaign.OpStatus && o.Description != strangers {
			list = append(list, o)
		}
	}
	return list
}()

// Budgets are set at any moment, and one replica knows it before another. Usually all
// goes well, so that most lives come to a confirm.
func TestNothingIsConfirmedPastABudget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newModel(blackFriday())
		w.r.Limits.Approval = rapid.Bool().Draw(t, "approval")
		w.step(campaign.Received{Key: key, Request: w.r})
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			w.budgets = rapid.Bool().Draw(t, "budgets")
			var d campaign.Decision
			switch h := w.c.Need; {
			case w.call != nil:
				d = w.answered(t, 15)
			case h != nil && h.For == campaign.NeedApproval:
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
