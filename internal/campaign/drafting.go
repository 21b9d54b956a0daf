package campaign

import (
	"fmt"
	"time"

	"github.com/staffetta-io/staffetta/internal/sms"
)

// From the request to the quote: create, configure, calculate, price.

// ask begins the record of a request that has none.
func (t *turn) ask(in Asked) Decision {
	t.c = Campaign{Schema: Schema, Key: in.Key, Request: in.Request, Trace: in.Trace}
	t.c.Asked = t.now
	if !in.At.IsZero() {
		t.c.Asked = earlier(in.At, t.now) // it may have lain in the stream for a week
	}
	t.c.Stored = t.now
	if !in.Stored.IsZero() {
		t.c.Stored = in.Stored
	}
	t.become(Requested)
	return t.begin()
}

// begin makes a draft, unless the campaign may not be sent any more.
func (t *turn) begin() Decision {
	if !t.c.run.looked {
		return t.call(OpLook)
	}
	switch why := t.forbidden(); {
	case t.c.Cancel != nil:
		return t.end(Cancelled, EventCancelled, t.cancelled())
	case why != nil:
		return t.end(Rejected, EventRejected, *why)
	case t.c.Rounds >= t.Rounds:
		return t.end(Rejected, EventRejected, Reason{Code: ReasonGaveUp, Message: fmt.Sprintf(
			"gave up after %d confirms, none of which took effect; nothing was sent: look at the attempts, then ask again under a new request id", t.c.Rounds)})
	}
	if d, shut := t.awaitWindow(0); shut {
		return d
	}
	if h := t.c.Hold; h != nil && h.Again.After(t.now) {
		return t.wait(h.Again.Sub(t.now), h.Why)
	}
	if t.stopped != "" {
		return t.wait(t.nextTry(), t.stopped)
	}
	if left := t.c.Request.At.Sub(t.now); left > 0 && left <= 2*t.ConfirmWithin {
		return t.wait(left, "its instant is so near that it is awaited here, and then sent at once")
	}
	return t.call(OpCreate)
}

// nextTry is the pause before somebody who is held is looked at again: a tenth of the
// time that it has been so, and a minute at most, so that a release is soon felt.
func (t *turn) nextTry() time.Duration {
	pause := min(t.pollPause(t.now.Sub(t.c.Since)), time.Minute)
	return pause + spread(t.c.Key, 0, pause/4)
}

// forbidden is the look before every spending: may this request be sent now?
func (t *turn) forbidden() *Reason {
	r := t.c.Request
	if t.late() && r.Limits.OnLate != Ask {
		field := "at"
		if !r.Scheduled() {
			field = "max_lateness"
		}
		return &Reason{Code: ReasonTooLate, Field: field, Message: fmt.Sprintf(
			"it was due at %s, which is too long ago to send it without asking: ask again under a new request id", t.due().Format(time.RFC3339))}
	}
	if end := r.ExpiresAt; !end.IsZero() && !t.now.Before(end) {
		return &Reason{Code: ReasonExpired, Field: "expires_at", Message: fmt.Sprintf(
			"it expired at %s before it could be confirmed", end.Format(time.RFC3339))}
	} else if q := t.c.Quote; !end.IsZero() && q != nil && later(t.now, r.At).Add(t.lasts(q.Goal.Valid)).After(end) {
		return &Reason{Code: ReasonExpired, Field: "expires_at", Message: fmt.Sprintf(
			"its sending would not end before it expires at %s: %s", end.Format(time.RFC3339), t.paceWords(q.Goal.Valid))}
	}
	if most := r.Limits.MaxParts; most > 0 {
		if n := sms.Measure(r.Text).Parts; n > most || t.c.Quote != nil && t.c.Quote.Goal.Parts > int64(most)*t.c.Quote.Goal.Valid {
			return &Reason{Code: ReasonTooManyParts, Field: "text", Message: fmt.Sprintf(
				"the message needs more than %d parts: shorten it, or raise max_parts_per_message", most)}
		}
	}
	if r.Unicode {
		return nil
	}
	if odd, found := sms.FirstOdd(r.Text); found {
		return &Reason{Code: ReasonNotGSM7, Field: "text", Message: fmt.Sprintf(
			"%s at position %d is not in GSM-7: %s; or set unicode to true (70 instead of 160 characters a part)", odd.Name(), odd.Position, odd.Advice())}
	}
	return nil
}

// created binds the gateway's campaign id to the key. A crash before the save
// leaks a draft: it costs nothing, is never sent, and carries our marker.
func (t *turn) created(o Outcome) Decision {
	switch o.Kind {
	case OK:
		t.c.Draft = &Bound{ID: o.CampaignID, Gateway: t.gateway}
		t.c.run = run{mine: true, looked: true}
		t.answered(o.Op)
		t.c.Quote = nil
		t.c.Budgeted = t.budgeted()
		t.become(Drafted)
		t.c.Wake = t.now.Add(t.Lease)
		return t.saveAndCall(OpConfigure)
	case Refused:
		return t.end(Rejected, EventRejected, refusal(o))
	}
	if why := t.unanswered(o); why != nil {
		return t.end(Rejected, EventRejected, *why)
	}
	return t.wait(t.pause(o))
}

// unanswered counts how long a step has been answered by somebody who does not
// speak as the gateway does, or with 5xx, and says when that is the answer: if the
// gateway answers others meanwhile, or after a day. A gateway that fails for
// everybody is waited for, however long.
func (t *turn) unanswered(o Outcome) *Reason {
	unusable := o.Kind == Unavailable && o.HTTP >= 200 && o.HTTP < 300 // a price in "€", say
	fails := o.Kind == Unavailable && o.HTTP >= 500
	if !o.Unshaped && !unusable && !fails {
		return nil
	}
	u := Unanswered{Op: o.Op, Since: t.now}
	if had := t.c.Unanswered; had != nil && had.Op == o.Op {
		u = *had
	}
	u.HTTP = o.HTTP
	t.c.Unanswered = &u
	lasted := t.now.Sub(u.Since)
	if lasted < t.Unanswered || (fails || lasted < unansweredAtMost) && !o.Answered.After(u.Since) {
		return nil
	}
	what := "without a reason"
	if unusable {
		what = "and " + o.Err
	}
	return &Reason{Code: ReasonRefused, Step: o.Op, HTTP: o.HTTP, Message: fmt.Sprintf(
		"the gateway answered %s with %d %s, for %s; ask its support why", o.Op, o.HTTP, what, about(lasted))}
}

// answered ends the count of a step. The steps before it, answered again on the next
// draft, say nothing about it.
func (t *turn) answered(op Op) {
	if u := t.c.Unanswered; u != nil && u.Op == op {
		t.c.Unanswered = nil
	}
}

// unansweredAtMost ends it also where nobody else is answered.
const unansweredAtMost = 24 * time.Hour

// drafting goes on with a draft of one's own, from call to call, and stores
// nothing until the intent.
func (t *turn) drafting(o Outcome) Decision {
	switch {
	case o.Op == OpStatus:
		return t.refused(o)
	case o.Op == OpRoom:
		return t.roomSeen(o)
	case o.Op == OpReserve:
		return t.reserved(o)
	case o.Kind == OK:
		t.answered(o.Op)
	case (o.Kind == Throttled || o.Kind == NotAttempted && o.RetryAfter > 0) && t.c.run.waited < 2*t.Lease:
		// It may not be called just now, and nothing was done: the draft waits in
		// hand. Thrown away, it would cost as many calls again.
		pause, _ := t.pause(o)
		t.c.run.waited += pause
		d := t.call(o.Op)
		d.After = pause
		return d
	case o.Kind == Refused:
		// Even now a refusal is not taken at its word: the draft may be
		// refused because it is already confirmed.
		why := refusal(o)
		t.c.run.refused = &why
		return t.call(OpStatus)
	default:
		// Unknown: a late configure would undo a later quote. The draft is
		// thrown away and the next one is quoted anew.
		return t.retreat(o)
	}
	switch o.Op {
	case OpConfigure:
		if o.Status.happened() {
			return t.established(o.Status, time.Time{}, true) // by whom ever: it is not confirmed once more
		}
		if what := o.Echo.differs(t.c.Request); what != "" {
			return t.notWhatWasAsked(o.Op, what)
		}
		return t.call(OpCalculate)
	case OpCalculate:
		if what := o.Goal.differs(); what != "" {
			return t.notWhatWasAsked(o.Op, what)
		}
		t.c.Quote = &Quote{Goal: o.Goal}
		return t.call(OpPrice)
	case OpPrice:
		if n := o.Recipients; n != nil && *n != t.c.Quote.Goal.Valid {
			return t.notWhatWasAsked(o.Op, fmt.Sprintf("the price is for %d recipients, %d were calculated", *n, t.c.Quote.Goal.Valid))
		}
		return t.priced(o)
	default: // OpAdmit
		return t.intend()
	}
}

// notWhatWasAsked starts over with a draft that is not what was asked for, or whose
// figures contradict each other. The third time it is no slip.
func (t *turn) notWhatWasAsked(step Op, what string) Decision {
	t.c.Differing++
	if t.c.Differing >= differingAtMost {
		return t.withdraw(Rejecting, &Reason{Code: ReasonDiffers, Step: step, Message: fmt.Sprintf(
			"the gateway did not take the campaign as it was asked for, %d times: %s; nothing was sent: ask its support why", t.c.Differing, what)})
	}
	t.withdraw(Abandoning, nil)
	return t.wait(t.backoff(t.c.Differing, t.c.Key), what+"; it is quoted again")
}

const differingAtMost = 3

// retreat abandons the draft, after a pause.
func (t *turn) retreat(o Outcome) Decision {
	if why := t.unanswered(o); why != nil {
		return t.withdraw(Rejecting, why)
	}
	t.withdraw(Abandoning, nil)
	return t.wait(t.pause(o))
}

// refused takes the status of a draft on which a call was refused.
func (t *turn) refused(o Outcome) Decision {
	why := *t.c.run.refused
	switch {
	case o.Kind == OK && o.Status.happened() && t.ours(o):
		return t.established(o.Status, time.Time{}, true)
	case o.Kind == OK && !t.ours(o):
		return t.misnumbered(why)
	case why.HTTP == 404 && o.answered() && o.Kind != OK && t.c.Missing+1 < t.Vanished:
		// Somebody deleted the draft by hand, perhaps, and nothing is wrong
		// with the request. If it happens to one draft after the other, the
		// refusal stands.
		t.c.Missing++
		t.withdraw(Abandoning, nil)
		return t.wait(t.backoff(t.c.Missing, t.c.Key), "the gateway does not find the draft that it has just made; it is given another one")
	case o.answered():
		return t.withdraw(Rejecting, &why)
	default:
		return t.retreat(o)
	}
}

// misnumbered has a draft whose number the gateway shows as somebody else's: it was
// reset meanwhile, or is another one. Nothing of theirs is touched.
func (t *turn) misnumbered(why Reason) Decision {
	t.c.Missing++
	if t.c.Missing >= t.Vanished {
		return t.end(Rejected, EventRejected, why)
	}
	t.c.Draft = nil
	t.become(Requested)
	return t.wait(t.backoff(t.c.Missing, t.c.Key), "the gateway shows somebody else's campaign under the number that it has just given; another draft is made")
}

// priced has the whole quote.
func (t *turn) priced(o Outcome) Decision {
	t.c.Tries, t.c.Missing, t.c.Differing = 0, 0, 0
	t.c.Quote = &Quote{N: t.c.Quotes + 1, Goal: t.c.Quote.Goal, Price: o.Price, At: t.now}
	return t.pass()
}

func (t *turn) announceQuote() {
	quote := *t.c.Quote
	t.c.Quotes = quote.N
	text := report(t.c.Request, quote.Goal)
	t.emit(Event{Type: EventCostCalculated, N: quote.N, Quote: &quote, QuoteID: QuoteID(t.c.Request, quote), Text: &text})
}

// intend is the last look before spending, and the intent: saved, it permits
// one confirm. The cost is told between the two, and an ordinal is told once only:
// whoever finds it told for another draft does not confirm. A crash after the save
// and before the call is the same, to everybody else, as a confirm that was lost.
func (t *turn) intend() Decision {
	if why := t.forbidden(); why != nil {
		return t.quotedButNo(*why)
	}
	if t.now.Sub(t.c.Quote.At) > t.QuoteWithin || t.budgeted() && !t.c.Budgeted {
		return t.withdraw(Abandoning, nil) // what it says may not be so any more; or a budget was set, which it has not passed
	}
	if t.stopped != "" {
		return t.withdraw(Abandoning, nil) // and no other draft is made meanwhile
	}
	if why := t.mustAsk(*t.c.Quote); why != "" {
		return t.awaitApproval(why) // it became late while it waited for leave
	}
	if d, wait := t.awaitTime(t.c.Quote.Goal.Valid); wait {
		return d // it would have fitted when it began to wait for leave
	}
	if left := t.c.Request.At.Sub(t.now); left > 0 && left <= t.ConfirmWithin {
		// An instant that passes while the confirm is on its way is refused by the
		// gateway as lying in the past; at once would be too early.
		return t.withdraw(Abandoning, nil)
	}
	t.announceQuote()
	draft := *t.c.Draft
	draft.Intended = true
	if at := t.c.Request.At; at.After(t.now) {
		draft.For = at
	}
	t.c.Draft = &draft
	t.c.Rounds++
	t.become(Confirming)
	t.c.Wake = t.now.Add(t.ConfirmWithin) // whoever takes over looks early
	return t.saveAndCall(OpConfirm)
}

func refusal(o Outcome) Reason {
	code := ReasonRefused
	if noCredit(o) {
		code = ReasonNoCredit
	}
	message := "the gateway refused " + string(o.Op)
	if o.Words == "" && o.Err != "" {
		message += ": " + o.Err + "; ask its support why"
	}
	return Reason{Code: code, Step: o.Op, Field: o.Field, Gateway: o.Words, HTTP: o.HTTP, Message: message}
}

// fieldCredit is what the gateway calls the credit in a refusal.
const fieldCredit = "credit"

// noCredit says that a call was refused because there is not enough credit: 402 by
// the specification, 400 by other pages of the vendor.
func noCredit(o Outcome) bool {
	return o.Kind == Refused && (o.HTTP == 402 || o.HTTP == 400 && o.Field == fieldCredit)
}

// said is what the gateway said about it, in brackets.
func said(why *Reason) string {
	if why == nil || why.Gateway == "" {
		return ""
	}
	return " (" + why.Gateway + ")"
}
