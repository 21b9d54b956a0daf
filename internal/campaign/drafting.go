package campaign

import (
	"fmt"
	"time"

	"github.com/staffetta-io/staffetta/internal/sms"
)

// From the request to the quote: create, configure, calculate, price.

// receive begins the record of a request that has none.
func (t *transition) receive(in Received) Decision {
	t.c = Campaign{Schema: Schema, Key: in.Key, Request: in.Request, Trace: in.Trace, TraceState: in.TraceState}
	t.c.RequestedAt = t.now
	if !in.At.IsZero() {
		t.c.RequestedAt = earlier(in.At, t.now) // the request may have lain in the stream for a week
	}
	t.c.Stored = t.now
	if !in.Stored.IsZero() {
		t.c.Stored = in.Stored
	}
	t.become(Requested)
	return t.begin()
}

// begin makes a draft, unless the campaign may not be sent any more.
func (t *transition) begin() Decision {
	if !t.c.run.eventsRead {
		return t.call(OpLook)
	}
	switch why := t.mustNotSend(); {
	case t.c.Cancel != nil:
		return t.end(Cancelled, EventCancelled, t.cancelled())
	case why != nil:
		return t.end(Rejected, EventRejected, *why)
	case t.c.Rounds >= t.Rounds:
		return t.end(Rejected, EventRejected, Reason{Code: ReasonGaveUp, Message: fmt.Sprintf(
			"gave up after %d confirms, none of which took effect; nothing was sent: look at the attempts, then ask again under a new request id", t.c.Rounds)})
	}
	a := t.c.Request.Audience
	unread := a != nil && t.c.Prepared == nil
	if unread && a.Name == "" {
		return t.call(OpPrepare)
	}
	if d, shut := t.awaitWindow(0); shut {
		return d
	}
	if h := t.c.Need; h != nil && h.Again.After(t.now) {
		t.letGo()
		return t.wait(h.Again.Sub(t.now), h.Why)
	}
	if t.inOtherAccount() {
		// Its list is in the account in which it was quoted before.
		return t.wait(t.Patience/6, fmt.Sprintf("its account is %s, which is not configured here: put the account back among the accounts", t.c.Account))
	}
	if t.held != "" {
		t.letGo()
		return t.wait(t.nextTry(), t.held)
	}
	if left := t.c.Request.At.Sub(t.now); left > 0 && left <= 2*t.ConfirmWithin {
		return t.wait(left, "its instant is so near that it is awaited here, and then sent at once")
	}
	if unread {
		// A named one is read as late as can be: a newer list may be on its way.
		if left := t.c.Request.At.Sub(t.now); left > 0 {
			return t.wait(left, "at its instant it takes the newest list under the name "+a.Name)
		}
		return t.call(OpPrepare)
	}
	if a != nil && !t.c.run.listed {
		return t.enlist()
	}
	return t.call(OpCreate)
}

// nextTry is the pause before a campaign that is held is looked at again. It is a tenth
// of the time that the campaign has been held, and a minute at most, so that a release
// takes effect soon.
func (t *transition) nextTry() time.Duration {
	pause := min(t.pollPause(t.now.Sub(t.c.Since)), time.Minute)
	return pause + jitter(t.c.Key, 0, pause/4)
}

// mustNotSend is the check before every spending: why this request must not be sent
// now. Nil: it may be sent.
func (t *transition) mustNotSend() *Reason {
	r := t.c.Request
	if t.late() && r.Limits.OnLate != Ask {
		field := "at"
		if !r.Scheduled() {
			field = "max_lateness"
		}
		return &Reason{Code: ReasonTooLate, Field: field, Message: fmt.Sprintf(
			"it was due at %s, which is too long ago to send it without asking: ask again under a new request id", t.plannedStart().Format(time.RFC3339))}
	}
	if end := r.ExpiresAt; !end.IsZero() && !t.now.Before(end) {
		return &Reason{Code: ReasonExpired, Field: "expires_at", Message: fmt.Sprintf(
			"it expired at %s before it could be confirmed", end.Format(time.RFC3339))}
	} else if q := t.c.Quote; !end.IsZero() && q != nil && later(t.now, r.At).Add(t.lastsAlone(q.Goal.Valid)).After(end) {
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

// created binds the gateway's campaign id to the key. A crash before the save leaves a
// draft without a record: it costs nothing, is never sent, and bears our mark.
func (t *transition) created(o Outcome) Decision {
	switch o.Kind {
	case OK:
		t.c.Draft = &Bound{ID: o.CampaignID, Gateway: t.gateway}
		t.c.run = run{madeDraft: true, eventsRead: true}
		t.answered(o.Op)
		t.c.Quote = nil
		t.c.Budgeted = t.inBudgets()
		t.become(Drafted)
		t.c.Wake = t.now.Add(t.Lease)
		return t.saveAndCall(OpConfigure)
	case Refused:
		return t.end(Rejected, EventRejected, reasonOf(o))
	}
	if why := t.countUnanswered(o); why != nil {
		return t.end(Rejected, EventRejected, *why)
	}
	return t.wait(t.pause(o))
}

// countUnanswered counts how long a step has had only answers that are not in the
// gateway's own shape, or 5xx. It returns a reason when that has to be taken as the
// answer: if the gateway answers other campaigns meanwhile, or after a day. A gateway
// that fails for all campaigns is waited for.
func (t *transition) countUnanswered(o Outcome) *Reason {
	if !o.Unshaped && o.Cause != Unusable && o.Cause != Failing {
		return nil
	}
	u := Unanswered{Op: o.Op, Since: t.now}
	if had := t.c.Unanswered; had != nil && had.Op == o.Op {
		u = *had
	}
	if o.Cause == Failing && !o.Answered.After(t.now.Add(-2*t.BackoffMax)) {
		u.Since = t.now // no campaign is answered just now: the fault is not in this one
	}
	u.Cause, u.HTTP = o.Cause, o.HTTP
	t.c.Unanswered = &u
	lasted := t.now.Sub(u.Since)
	if lasted < t.Unanswered || lasted < unansweredAtMost && !o.Answered.After(u.Since) {
		return nil
	}
	what := "without a reason"
	if o.Cause == Unusable {
		what = "and " + o.Err
	}
	return &Reason{Code: ReasonRefused, Step: o.Op, Cause: o.Cause, HTTP: o.HTTP, Message: fmt.Sprintf(
		"the gateway answered %s with %d %s, for %s; ask its support why", o.Op, o.HTTP, what, roundedDuration(lasted))}
}

// answered ends the count of a step. Only an answer to the same step ends it: the steps
// before it are answered on every new draft.
func (t *transition) answered(op Op) {
	if u := t.c.Unanswered; u != nil && u.Op == op {
		t.c.Unanswered = nil
	}
}

// unansweredAtMost is when the count ends even if no other campaign is answered.
const unansweredAtMost = 24 * time.Hour

// drafting goes on with the run's own draft, from call to call. It stores nothing until
// the intent.
func (t *transition) drafting(o Outcome) Decision {
	switch {
	case o.Op == OpStatus:
		return t.statusAfterRefusal(o)
	case o.Op == OpCount:
		return t.refusedWithList(o)
	case o.Op == OpClaim:
		return t.heldStill(o)
	case o.Op == OpRoom:
		return t.roomChecked(o)
	case o.Op == OpReserve:
		return t.reserved(o)
	case o.Kind == OK:
		t.answered(o.Op)
	case (o.Kind == Throttled || o.Kind == NotAttempted && o.RetryAfter > 0) && t.c.run.waitedInHand < 2*t.Lease:
		// The call was not let in, so nothing was done. The worker keeps the draft and
		// waits: a new draft would cost as many calls again.
		pause, _ := t.pause(o)
		t.c.run.waitedInHand += pause
		d := t.call(o.Op)
		d.After = pause
		return d
	case o.Kind == Refused:
		// A refusal is not believed at once: the draft may be refused because it is
		// already confirmed.
		why := reasonOf(o)
		t.c.run.refusal = &why
		return t.call(OpStatus)
	default:
		// The outcome is unknown: a configure that takes effect late would undo a later
		// quote. So the draft is thrown away, and the next one is quoted anew.
		return t.retreat(o)
	}
	switch o.Op {
	case OpConfigure:
		if o.Status.happened() {
			return t.established(o.Status, time.Time{}, true) // whoever confirmed it: it is not confirmed again
		}
		if what := o.Echo.differs(t.c.Request, t.c.listID()); what != "" {
			return t.notAsRequested(o.Op, what)
		}
		return t.call(OpCalculate)
	case OpCalculate:
		if what := o.Goal.differs(); what != "" {
			return t.notAsRequested(o.Op, what)
		}
		if p := t.c.Prepared; p != nil && o.Goal.Total != p.Sent {
			// The list has drifted since it was counted: it would be sent to other people,
			// and at another cost, than those who were given.
			return t.notAsRequested(o.Op, fmt.Sprintf("the gateway counts %d entries in list %d, %d were uploaded", o.Goal.Total, t.c.listID(), p.Sent))
		}
		t.c.Quote = &Quote{Goal: o.Goal, Audience: t.c.sentDigest()}
		return t.call(OpPrice)
	case OpPrice:
		if n := o.Recipients; n != nil && *n != t.c.Quote.Goal.Valid {
			return t.notAsRequested(o.Op, fmt.Sprintf("the price is for %d recipients, %d were calculated", *n, t.c.Quote.Goal.Valid))
		}
		return t.priced(o)
	default: // OpAdmit
		return t.intend()
	}
}

// notAsRequested starts over if the draft is not what was asked for, or if its figures
// contradict each other. The third time in a row the campaign is rejected.
func (t *transition) notAsRequested(step Op, what string) Decision {
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
func (t *transition) retreat(o Outcome) Decision {
	if why := t.countUnanswered(o); why != nil {
		return t.withdraw(Rejecting, why)
	}
	t.withdraw(Abandoning, nil)
	return t.wait(t.pause(o))
}

// statusAfterRefusal takes the status of a draft on which a call was refused.
func (t *transition) statusAfterRefusal(o Outcome) Decision {
	why := *t.c.run.refusal
	switch {
	case o.Kind == OK && o.Status.happened() && t.bearsOurMark(o):
		return t.established(o.Status, time.Time{}, true)
	case o.Kind == OK && !t.bearsOurMark(o):
		return t.misnumbered(why)
	case why.Cause == NotFound && o.answered() && o.Kind != OK && t.c.Missing+1 < t.Vanished:
		// Perhaps a person deleted the draft by hand, and nothing is wrong with the
		// request. If it happens to several drafts in a row, the refusal stands.
		t.c.Missing++
		t.withdraw(Abandoning, nil)
		return t.wait(t.backoff(t.c.Missing, t.c.Key), "the gateway does not find the draft that it has just made; it is given another one")
	case o.answered() && t.c.Request.Audience != nil:
		return t.call(OpCount)
	case o.answered():
		return t.withdraw(Rejecting, &why)
	default:
		return t.retreat(o)
	}
}

// misnumbered handles a draft whose number the gateway shows as another customer's
// campaign: the gateway was reset meanwhile, or is another one. The other campaign is
// not touched.
func (t *transition) misnumbered(why Reason) Decision {
	t.c.Missing++
	if t.c.Missing >= t.Vanished {
		return t.end(Rejected, EventRejected, why)
	}
	t.c.Draft = nil
	t.become(Requested)
	return t.wait(t.backoff(t.c.Missing, t.c.Key), "the gateway shows somebody else's campaign under the number that it has just given; another draft is made")
}

// priced takes the price, which completes the quote.
func (t *transition) priced(o Outcome) Decision {
	t.c.Tries, t.c.Missing, t.c.Differing = 0, 0, 0
	t.c.Quote = &Quote{N: t.c.Quotes + 1, Goal: t.c.Quote.Goal, Price: o.Price, At: t.now, Audience: t.c.Quote.Audience}
	return t.checkQuote()
}

func (t *transition) announceQuote() {
	quote := *t.c.Quote
	t.c.Quotes = quote.N
	text := report(t.c.Request, quote.Goal)
	t.emit(Event{Type: EventCostCalculated, N: quote.N, Quote: &quote, QuoteID: QuoteID(t.c.Request, quote), Text: &text})
}

// intend is the last check before spending, and makes the intent. The saved intent
// permits one confirm. The cost is published after the save and before the call. Each
// number of a cost event is published once only, so a run that finds it published for
// another draft does not confirm. A crash after the save and before the call looks, to
// every other run, like a confirm whose reply was lost.
func (t *transition) intend() Decision {
	if why := t.mustNotSend(); why != nil {
		return t.announceAndReject(*why)
	}
	if t.now.Sub(t.c.Quote.At) > t.QuoteWithin || t.inBudgets() && !t.c.Budgeted {
		return t.withdraw(Abandoning, nil) // the quote may be out of date; or a budget was set, and the cost is not reserved in it
	}
	if t.held != "" {
		return t.withdraw(Abandoning, nil) // while it is held, begin makes no other draft
	}
	if why := t.outdated(); why != "" {
		return t.uploadAnew(why)
	}
	if why := t.mustAsk(*t.c.Quote); why != "" {
		return t.awaitApproval(why) // it became late while it waited for the permit
	}
	if d, wait := t.awaitTime(t.c.Quote.Goal.Valid); wait {
		return d // it fitted when it began to wait for the permit
	}
	if left := t.c.Request.At.Sub(t.now); left > 0 && left <= t.ConfirmWithin {
		// If the instant passes while the confirm is on its way, the gateway refuses it
		// as past. A confirm without an instant would be sent too early. So it starts
		// over.
		return t.withdraw(Abandoning, nil)
	}
	t.announceQuote()
	draft := *t.c.Draft
	draft.Intended = true
	if at := t.c.Request.At; at.After(t.now) {
		draft.For = at
	}
	t.c.Draft = &draft
	if t.FieldsFrozen && t.claims() {
		t.list(func(l *List) { l.Held = time.Time{} }) // its texts are fixed
	}
	t.c.Rounds++
	t.become(Confirming)
	t.c.Wake = t.now.Add(t.ConfirmWithin) // a run that takes over after a crash looks early
	return t.saveAndCall(OpConfirm)
}

func reasonOf(o Outcome) Reason {
	code := ReasonRefused
	if o.Cause == NoCredit {
		code = ReasonNoCredit
	}
	message := "the gateway refused " + string(o.Op)
	if o.Words == "" && o.Err != "" {
		message += ": " + o.Err + "; ask its support why"
	}
	return Reason{Code: code, Step: o.Op, Field: o.Field, Gateway: o.Words, Cause: o.Cause, HTTP: o.HTTP, Message: message}
}

// inBrackets is the gateway's own words for a reason, in brackets.
func inBrackets(why *Reason) string {
	if why == nil || why.Gateway == "" {
		return ""
	}
	return " (" + why.Gateway + ")"
}
