package campaign

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Between the quote and the intent there are gates: the price, an approval, the time.
// Each gate lets the campaign through, makes it wait, or rejects it, and says why.

// checkQuote goes through the gates with a fresh quote.
func (t *transition) checkQuote() Decision {
	q, limits := *t.c.Quote, t.c.Request.Limits
	if why := t.mustNotSend(); why != nil {
		return t.announceAndReject(*why)
	}
	switch over := !limits.MaxTotal.none() && !q.Price.Total.within(limits.MaxTotal); {
	case q.Goal.Valid == 0:
		return t.announceAndReject(t.nobody(q.Goal))
	case over && limits.OnOverMax != Ask:
		return t.announceAndReject(Reason{Code: ReasonOverMax, Step: OpPrice, Field: "max_total", Message: fmt.Sprintf(
			"the campaign costs %s, the request allows %s: raise max_total or shorten the list or the text, then ask again under a new request id", q.Price.Total, limits.MaxTotal)})
	case q.Price.Sufficient, t.c.Request.Simulation: // a simulation spends nothing
	case limits.OnNoCredit == Wait:
		return t.awaitCredit()
	default:
		return t.announceAndReject(Reason{Code: ReasonNoCredit, Step: OpPrice, Field: fieldCredit, Message: fmt.Sprintf(
			"the campaign costs %s, the account has %s: top up the credit, then ask again under a new request id", q.Price.Total, q.Price.Available)})
	}
	if why := t.mustAsk(q); why != "" {
		return t.askApproval(why)
	}
	if d, wait := t.awaitTime(q.Goal.Valid); wait {
		return d
	}
	if d, far := t.awaitInstant(); far {
		return d
	}
	if h := t.c.Need; h == nil || h.Again.IsZero() {
		t.c.Need = nil // a need with Again stays: a confirm was refused for lack of credit, although its price saw enough
	}
	return t.stillHeld()
}

// mustAsk says why a quote needs an approval; empty: it needs none, or has one. An
// approval given before the campaign became late does not cover the lateness.
func (t *transition) mustAsk(q Quote) string {
	limits, above, late := t.c.Request.Limits, t.PolicyOf(t.c.Key.Source).ApproveAbove, t.late()
	var why []string
	ask := func(format string, args ...any) { why = append(why, fmt.Sprintf(format, args...)) }
	if limits.Approval {
		ask("the request asks for an approval")
	}
	if !limits.MaxTotal.none() && !q.Price.Total.within(limits.MaxTotal) {
		ask("it costs %s, more than the request's max_total of %s", q.Price.Total, limits.MaxTotal)
	}
	if limits.Agreed != "" {
		if id := QuoteID(t.c.Request, q); id != limits.Agreed {
			ask("quote %s was agreed on, and this is %s", limits.Agreed, id)
		}
	}
	if !above.none() && !q.Price.Total.within(above) {
		ask("it costs %s, and %s needs an approval above %s", q.Price.Total, t.c.Key.Source, above)
	}
	if late {
		ask("it is late: it was due at %s", t.plannedStart().Format(time.RFC3339))
	}
	if a := t.c.Approval; len(why) == 0 || a.covers(t.c.Request, q, int64(t.DriftTolerance)) && (!late || a.At.After(t.lateFrom())) {
		return ""
	}
	return strings.Join(why, "; ")
}

// announceAndReject publishes the quote, and rejects the campaign.
func (t *transition) announceAndReject(why Reason) Decision {
	t.announceQuote()
	return t.withdraw(Rejecting, &why)
}

// fieldCredit is the field that a reason names if the credit is at fault.
const fieldCredit = "credit"

// awaitApproval keeps the quote and asks for an approval.
func (t *transition) awaitApproval(why string) Decision {
	within := t.c.Request.Limits.ApprovalWithin
	if within == 0 {
		within = t.ApprovalWithin
	}
	if a := t.c.Approval; a != nil {
		// An approval that reaches this line was for another quote.
		if moved := a.moved(*t.c.Quote); moved != "" {
			why = fmt.Sprintf("%s; what %s approved (%s) is void: %s", why, a.By, a.QuoteID, moved)
		}
		t.c.Approval = nil
	}
	t.c.Need = &Need{For: NeedApproval, Why: why, Since: t.now, Until: t.now.Add(within)}
	t.announceQuote()
	t.c.ApprovalN++
	hold := *t.c.Need
	t.emit(Event{Type: EventApprovalRequired, N: t.c.ApprovalN, Quote: t.c.Quote, QuoteID: QuoteID(t.c.Request, *t.c.Quote), Need: &hold})
	return t.waitQuoted(t.c.Need.Until)
}

// awaitCredit looks again from time to time, and publishes the same need only once.
func (t *transition) awaitCredit() Decision {
	h := t.c.Need
	if h == nil || h.For != NeedCredit {
		t.announceQuote()
	}
	if d, over := t.startCreditWait(fmt.Sprintf("the campaign costs %s, the account has %s: it waits for a top-up", t.c.Quote.Price.Total, t.c.Quote.Price.Available)); over {
		return d
	}
	return t.waitQuoted(earlier(t.nextCreditLook(), t.c.Need.Until))
}

// creditRefused handles a confirm that the gateway refused for lack of credit, although
// its price had said that there is enough. It is the same wait for credit, but the
// draft has to go first. The round does not count: nothing was spent.
func (t *transition) creditRefused() Decision {
	t.c.Rounds--
	if d, over := t.startCreditWait("the gateway refused to send it for lack of credit" + inBrackets(t.c.Reason) + ": it waits for a top-up"); over {
		return d
	}
	h := *t.c.Need
	h.Again = earlier(t.nextCreditLook(), h.Until)
	t.c.Need = &h
	return t.withdraw(Abandoning, nil)
}

// startCreditWait begins to wait for a top-up, or goes on. The wait is over if no
// top-up came in time.
func (t *transition) startCreditWait(why string) (_ Decision, over bool) {
	if h := t.c.Need; h == nil || h.For != NeedCredit {
		within := t.c.Request.Limits.CreditWithin
		if within == 0 {
			within = t.CreditWithin
		}
		t.announceDeferral(NeedCredit, why, t.now.Add(within))
	}
	h := *t.c.Need
	h.Why = why
	t.c.Need = &h
	if t.now.Before(h.Until) {
		return Decision{}, false
	}
	return t.withdraw(Rejecting, &Reason{Code: ReasonNoCredit, Step: OpPrice, Field: fieldCredit, Message: fmt.Sprintf(
		"the campaign costs %s, the account has %s, and nobody topped up in time: top up the credit, then ask again under a new request id", t.c.Quote.Price.Total, t.c.Quote.Price.Available)}), true
}

// nextCreditLook is when the credit is looked at again.
func (t *transition) nextCreditLook() time.Time {
	return t.now.Add(t.CreditEvery + jitter(t.c.Key, 0, t.CreditEvery/8))
}

// awaitTime puts a campaign off until the whole sending to so many recipients fits into
// its time.
func (t *transition) awaitTime(recipients int64) (_ Decision, wait bool) {
	if d, shut := t.awaitWindow(recipients); shut {
		return d, true
	}
	return t.awaitOthers(recipients)
}

// window is the name of the campaign's send window; empty: it has none.
func (t *transition) window() string {
	return cmp.Or(t.c.Request.Limits.Window, t.PolicyOf(t.c.Key.Source).Window)
}

// windowNames says which send windows there are, for somebody who has misspelt one.
func (t *transition) windowNames() string {
	if len(t.Windows) == 0 {
		return "and none is loaded"
	}
	return "only " + strings.Join(slices.Sorted(maps.Keys(t.Windows)), ", ")
}

// awaitWindow puts a campaign off until the whole sending to so many recipients fits
// into its send window. It returns shut if the campaign has to wait, or can never be
// sent.
func (t *transition) awaitWindow(recipients int64) (_ Decision, shut bool) {
	name, lasts := t.window(), t.lastsAlone(recipients)
	if name == "" {
		return Decision{}, false
	}
	w, ok := t.Windows[name]
	if !ok {
		why := Reason{Code: ReasonNoWindow, Field: "send_window", Message: fmt.Sprintf(
			"no send window is called %q here, %s", name, t.windowNames())}
		return t.reject(why), true
	}
	from := later(t.now, t.c.Request.At)
	at, why, err := w.Open(from, lasts)
	if err == nil && !at.After(from) {
		return Decision{}, false
	}
	words := t.tooLong(w, from, recipients)
	if err != nil {
		return t.reject(Reason{Code: ReasonNoWindow, Field: "send_window", Message: fmt.Sprintf(
			"it never fits into the send window %s: %s%s", name, err, words)}), true
	}
	why += words
	if end := t.c.Request.ExpiresAt; !end.IsZero() && !at.Add(lasts).Before(end) {
		return t.reject(Reason{Code: ReasonExpired, Field: "expires_at", Message: fmt.Sprintf(
			"the send window %s lets it start at %s, too late to end before it expires at %s%s", name, at.Format(time.RFC3339), end.Format(time.RFC3339), words)}), true
	}
	t.c.NotBefore = at
	t.announceDeferral(NeedWindow, why, at)
	if t.c.Draft == nil {
		t.become(Requested)
		t.letGo()
		return t.wait(at.Sub(t.now), why), true
	}
	return t.waitQuoted(at), true
}

// tooLong says how a sending's duration was worked out, if the duration is the
// obstacle: if a shorter sending would fit from that instant on. Otherwise it is empty.
func (t *transition) tooLong(w Window, from time.Time, recipients int64) string {
	if at, _, err := w.Open(from, 0); recipients == 0 || err != nil || at.After(from) {
		return ""
	}
	return "; " + t.paceWords(recipients)
}

// awaitOthers puts a campaign off that fits into its time alone, but not beside the
// campaigns that are being sent. It is looked at again soon: perhaps those are sent
// faster than expected, and leave room.
func (t *transition) awaitOthers(recipients int64) (_ Decision, crowded bool) {
	lasts := t.lastsBeside(recipients)
	if t.c.Request.At.After(t.now) || lasts <= t.lastsAlone(recipients) {
		return Decision{}, false
	}
	var over string
	if w := t.Windows[t.window()]; w != nil {
		if at, _, err := w.Open(t.now, lasts); err != nil || at.After(t.now) {
			over = "the send window " + t.window() + " shuts"
		}
	}
	if end := t.c.Request.ExpiresAt; !end.IsZero() && t.now.Add(lasts).After(end) {
		over = "it expires at " + end.Format(time.RFC3339)
	}
	if over == "" {
		return Decision{}, false
	}
	others := fmt.Sprintf("%d other campaigns, which have", t.pace.Others)
	if t.pace.Others == 1 {
		others = "another campaign, which has"
	}
	until := t.now.Add(t.PollMax + jitter(t.c.Key, t.c.DeferredN, t.PollMax/8))
	t.c.NotBefore = until
	t.announceDeferral(NeedWindow, fmt.Sprintf(
		"the gateway is sending %s %d messages to go; at the same time this one would take about %s, and not end before %s: it is looked at again at %s; %s",
		others, t.pace.Ahead, roundedDuration(lasts), over, until.Format(time.RFC3339), t.paceWords(recipients)), until)
	return t.waitQuoted(until), true
}

// awaitInstant puts a campaign with personal texts off until its instant is near. Were it
// confirmed at once, nobody else could write to the same people before it is sent.
func (t *transition) awaitInstant() (_ Decision, far bool) {
	at := t.c.Request.At
	near := at.Add(-t.LookBefore - jitter(t.c.Key, 0, t.LookBefore/8))
	if t.FieldsFrozen || !t.c.Request.Personal() || !near.After(t.now) {
		return Decision{}, false
	}
	if h := t.c.Need; h == nil || h.For != NeedInstant {
		t.announceQuote()
		t.announceDeferral(NeedInstant, "each of its recipients gets a text of his own, so it is confirmed when its instant is near: it is quoted once more at "+near.Format(time.RFC3339), near)
	}
	return t.waitQuoted(near), true
}

// reject ends a campaign that has no draft, or withdraws the one it has.
func (t *transition) reject(why Reason) Decision {
	if t.c.Draft == nil {
		return t.end(Rejected, EventRejected, why)
	}
	return t.withdraw(Rejecting, &why)
}

// announceDeferral says that the campaign has to wait, why, and until when.
func (t *transition) announceDeferral(kind NeedKind, why string, until time.Time) {
	t.c.Need = &Need{For: kind, Why: why, Since: t.now, Until: until}
	t.c.DeferredN++
	hold := *t.c.Need
	t.emit(Event{Type: EventDeferred, N: t.c.DeferredN, Need: &hold})
}

// waitQuoted stores the campaign with its quote, to be looked at again.
//
// Only the run that made the draft could have meant to confirm it, and it has not. So
// from here on no run can confirm a draft that waits.
func (t *transition) waitQuoted(wake time.Time) Decision {
	t.disarmOwn()
	t.letGo()
	t.become(Quoted)
	if end := t.c.Request.ExpiresAt; !end.IsZero() {
		wake = earlier(wake, end)
	}
	return t.wait(wake.Sub(t.now), t.c.Need.Why)
}

// endWait goes on with a campaign whose wait is over.
func (t *transition) endWait() Decision {
	if end := t.c.Request.ExpiresAt; !end.IsZero() && !t.now.Before(end) {
		return t.withdraw(Rejecting, t.mustNotSend())
	}
	if h := t.c.Need; h.For == NeedApproval {
		return t.withdraw(Rejecting, &Reason{Code: ReasonUnapproved, Message: fmt.Sprintf(
			"nobody approved it between %s and %s: ask again under a new request id", h.Since.Format(time.RFC3339), h.Until.Format(time.RFC3339))})
	}
	// A draft that has waited is not used again: it is deleted, and the next one is
	// quoted anew.
	return t.withdraw(Abandoning, nil)
}

// plannedStart is when the campaign was meant to start.
func (t *transition) plannedStart() time.Time {
	due := t.c.Request.At
	if due.IsZero() {
		due = t.c.RequestedAt
	}
	return later(due, t.c.NotBefore)
}

// late says that it is too late to send the campaign without asking.
func (t *transition) late() bool {
	from := t.lateFrom()
	return !from.IsZero() && t.now.After(from)
}

// lateFrom is when the campaign becomes too late; zero: never.
func (t *transition) lateFrom() time.Time {
	lateness := t.c.Request.Limits.MaxLateness
	if lateness == 0 {
		if !t.c.Request.Scheduled() {
			return time.Time{}
		}
		lateness = t.TooLate
	}
	return t.plannedStart().Add(lateness)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
