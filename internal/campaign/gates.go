package campaign

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Between the quote and the intent: may it cost that much, does somebody have
// to agree, is it the time? Each gate lets the campaign through, makes it
// wait, or says no, and says why.

// pass goes through the gates with a fresh quote.
func (t *turn) pass() Decision {
	q, limits := *t.c.Quote, t.c.Request.Limits
	if why := t.forbidden(); why != nil {
		return t.quotedButNo(*why)
	}
	switch over := !limits.MaxTotal.none() && !q.Price.Total.within(limits.MaxTotal); {
	case q.Goal.Valid == 0:
		return t.quotedButNo(Reason{Code: ReasonNobody, Step: OpCalculate, Field: "contact_list_id", Message: fmt.Sprintf(
			"contact list %d has no valid recipient (%d entries): fill the list, then ask again under a new request id", t.c.Request.ListID, q.Goal.Total)})
	case over && limits.OnOverMax != Ask:
		return t.quotedButNo(Reason{Code: ReasonOverMax, Step: OpPrice, Field: "max_total", Message: fmt.Sprintf(
			"the campaign costs %s, the request allows %s: raise max_total or shorten the list or the text, then ask again under a new request id", q.Price.Total, limits.MaxTotal)})
	case q.Price.Sufficient, t.c.Request.Simulation: // which spends nothing
	case limits.OnNoCredit == Wait:
		return t.awaitCredit()
	default:
		return t.quotedButNo(Reason{Code: ReasonNoCredit, Step: OpPrice, Field: fieldCredit, Message: fmt.Sprintf(
			"the campaign costs %s, the account has %s: top up the credit, then ask again under a new request id", q.Price.Total, q.Price.Available)})
	}
	if why := t.mustAsk(q); why != "" {
		return t.askApproval(why)
	}
	if d, wait := t.awaitTime(q.Goal.Valid); wait {
		return d
	}
	if h := t.c.Hold; h == nil || h.Again.IsZero() {
		t.c.Hold = nil // else the gateway has seen enough credit before, and refused to send it
	}
	return t.reserve()
}

// mustAsk says why somebody has to agree to a quote, unless nobody has to or
// somebody has. A yes that was said in time is none to being late.
func (t *turn) mustAsk(q Quote) string {
	limits, above, late := t.c.Request.Limits, t.policy(t.c.Key.Source).ApproveAbove, t.late()
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
		ask("it is late: it was due at %s", t.due().Format(time.RFC3339))
	}
	if a := t.c.Approval; len(why) == 0 || a.covers(t.c.Request, q, int64(t.DriftTolerance)) && (!late || a.At.After(t.lateFrom())) {
		return ""
	}
	return strings.Join(why, "; ")
}

// quotedButNo tells the quote, and then that it comes to nothing.
func (t *turn) quotedButNo(why Reason) Decision {
	t.announceQuote()
	return t.withdraw(Rejecting, &why)
}

// awaitApproval keeps the quote and asks.
func (t *turn) awaitApproval(why string) Decision {
	within := t.c.Request.Limits.ApprovalWithin
	if within == 0 {
		within = t.ApprovalWithin
	}
	if a := t.c.Approval; a != nil {
		// Whatever was approved, it was not this.
		if moved := a.moved(*t.c.Quote); moved != "" {
			why = fmt.Sprintf("%s; what %s approved (%s) is void: %s", why, a.By, a.QuoteID, moved)
		}
		t.c.Approval = nil
	}
	t.c.Hold = &Hold{For: HoldApproval, Why: why, Since: t.now, Until: t.now.Add(within)}
	t.announceQuote()
	t.c.ApprovalN++
	hold := *t.c.Hold
	t.emit(Event{Type: EventApprovalRequired, N: t.c.ApprovalN, Quote: t.c.Quote, QuoteID: QuoteID(t.c.Request, *t.c.Quote), Hold: &hold})
	return t.hold(t.c.Hold.Until)
}

// awaitCredit looks again now and then, without telling the same each time.
func (t *turn) awaitCredit() Decision {
	h := t.c.Hold
	if h == nil || h.For != HoldCredit {
		t.announceQuote()
	}
	if d, over := t.holdForCredit(fmt.Sprintf("the campaign costs %s, the account has %s: it waits for a top-up", t.c.Quote.Price.Total, t.c.Quote.Price.Available)); over {
		return d
	}
	return t.hold(earlier(t.nextCredit(), t.c.Hold.Until))
}

// refusedCredit has a confirm that the gateway refused for lack of credit, though
// its price had seen enough: the same case, for which the draft has to go first.
// It was no try: nothing was spent.
func (t *turn) refusedCredit() Decision {
	t.c.Rounds--
	if d, over := t.holdForCredit("the gateway refused to send it for lack of credit" + said(t.c.Reason) + ": it waits for a top-up"); over {
		return d
	}
	h := *t.c.Hold
	h.Again = earlier(t.nextCredit(), h.Until)
	t.c.Hold = &h
	return t.withdraw(Abandoning, nil)
}

// holdForCredit begins to wait for a top-up, or goes on. It is over if nobody
// topped up in time.
func (t *turn) holdForCredit(why string) (_ Decision, over bool) {
	if h := t.c.Hold; h == nil || h.For != HoldCredit {
		within := t.c.Request.Limits.CreditWithin
		if within == 0 {
			within = t.CreditWithin
		}
		t.deferred(HoldCredit, why, t.now.Add(within))
	}
	h := *t.c.Hold
	h.Why = why
	t.c.Hold = &h
	if t.now.Before(h.Until) {
		return Decision{}, false
	}
	return t.withdraw(Rejecting, &Reason{Code: ReasonNoCredit, Step: OpPrice, Field: fieldCredit, Message: fmt.Sprintf(
		"the campaign costs %s, the account has %s, and nobody topped up in time: top up the credit, then ask again under a new request id", t.c.Quote.Price.Total, t.c.Quote.Price.Available)}), true
}

// nextCredit is when the credit is looked at again.
func (t *turn) nextCredit() time.Time {
	return t.now.Add(t.CreditEvery + spread(t.c.Key, 0, t.CreditEvery/8))
}

// awaitTime puts a campaign off until the whole of its sending to so many fits.
func (t *turn) awaitTime(recipients int64) (_ Decision, wait bool) {
	if d, shut := t.awaitWindow(recipients); shut {
		return d, true
	}
	return t.awaitOthers(recipients)
}

// window is the name of the campaign's send window; empty: it has none.
func (t *turn) window() string {
	return cmp.Or(t.c.Request.Limits.Window, t.policy(t.c.Key.Source).Window)
}

// awaitWindow puts a campaign off until its sending to so many fits whole into
// its send window. It is shut if the campaign has to wait or can never be sent.
func (t *turn) awaitWindow(recipients int64) (_ Decision, shut bool) {
	name, lasts := t.window(), t.lasts(recipients)
	if name == "" {
		return Decision{}, false
	}
	w, ok := t.Windows[name]
	if !ok {
		why := Reason{Code: ReasonNoWindow, Field: "send_window", Message: fmt.Sprintf(
			"no send window is called %q here: name one that the operator has loaded", name)}
		return t.refuse(why), true
	}
	from := later(t.now, t.c.Request.At)
	at, why, err := w.Open(from, lasts)
	if err == nil && !at.After(from) {
		return Decision{}, false
	}
	words := t.tooLong(w, from, recipients)
	if err != nil {
		return t.refuse(Reason{Code: ReasonNoWindow, Field: "send_window", Message: fmt.Sprintf(
			"it never fits into the send window %s: %s%s", name, err, words)}), true
	}
	why += words
	if end := t.c.Request.ExpiresAt; !end.IsZero() && !at.Add(lasts).Before(end) {
		return t.refuse(Reason{Code: ReasonExpired, Field: "expires_at", Message: fmt.Sprintf(
			"the send window %s lets it start at %s, too late to end before it expires at %s%s", name, at.Format(time.RFC3339), end.Format(time.RFC3339), words)}), true
	}
	t.c.NotBefore = at
	t.deferred(HoldWindow, why, at)
	if t.c.Draft == nil {
		t.become(Requested)
		return t.wait(at.Sub(t.now), why), true
	}
	return t.hold(at), true
}

// tooLong says what a sending's duration was worked out from, where it is the
// duration that is in the way: from that instant on something shorter would fit.
func (t *turn) tooLong(w Window, from time.Time, recipients int64) string {
	if at, _, err := w.Open(from, 0); recipients == 0 || err != nil || at.After(from) {
		return ""
	}
	return "; " + t.paceWords(recipients)
}

// awaitOthers puts a campaign off that would fit into its time if it had the
// gateway to itself, and not beside those that are being sent. It is looked at
// again soon: what they are seen to send at once may show that there is room.
func (t *turn) awaitOthers(recipients int64) (_ Decision, crowded bool) {
	lasts := t.beside(recipients)
	if t.c.Request.At.After(t.now) || lasts <= t.lasts(recipients) {
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
	until := t.now.Add(t.PollMax + spread(t.c.Key, t.c.DeferredN, t.PollMax/8))
	t.c.NotBefore = until
	t.deferred(HoldWindow, fmt.Sprintf(
		"the gateway is sending %s %d messages to go; at the same time this one would take about %s, and not end before %s: it is looked at again at %s; %s",
		others, t.pace.Ahead, about(lasts), over, until.Format(time.RFC3339), t.paceWords(recipients)), until)
	return t.hold(until), true
}

// refuse ends a campaign that has no draft, or withdraws the one it has.
func (t *turn) refuse(why Reason) Decision {
	if t.c.Draft == nil {
		return t.end(Rejected, EventRejected, why)
	}
	return t.withdraw(Rejecting, &why)
}

// deferred says that the campaign has to wait, why, and until when.
func (t *turn) deferred(kind HoldKind, why string, until time.Time) {
	t.c.Hold = &Hold{For: kind, Why: why, Since: t.now, Until: until}
	t.c.DeferredN++
	hold := *t.c.Hold
	t.emit(Event{Type: EventDeferred, N: t.c.DeferredN, Hold: &hold})
}

// hold stores the campaign with its quote, to be looked at again.
//
// Only the run that made the draft could have meant to confirm it, and it has not:
// a draft that waits is nobody's to confirm any more.
func (t *turn) hold(wake time.Time) Decision {
	t.harmless()
	t.become(Quoted)
	if end := t.c.Request.ExpiresAt; !end.IsZero() {
		wake = earlier(wake, end)
	}
	return t.wait(wake.Sub(t.now), t.c.Hold.Why)
}

// held looks at a campaign whose waiting is over, one way or the other.
func (t *turn) held() Decision {
	if end := t.c.Request.ExpiresAt; !end.IsZero() && !t.now.Before(end) {
		return t.withdraw(Rejecting, t.forbidden())
	}
	if h := t.c.Hold; h.For == HoldApproval {
		return t.withdraw(Rejecting, &Reason{Code: ReasonUnapproved, Message: fmt.Sprintf(
			"nobody approved it between %s and %s: ask again under a new request id", h.Since.Format(time.RFC3339), h.Until.Format(time.RFC3339))})
	}
	// A draft that has waited is not picked up: it goes, and the next one is
	// quoted anew.
	return t.withdraw(Abandoning, nil)
}

// due is when the campaign was meant to start.
func (t *turn) due() time.Time {
	due := t.c.Request.At
	if due.IsZero() {
		due = t.c.Asked
	}
	return later(due, t.c.NotBefore)
}

// late says that it is too late to be sent without asking.
func (t *turn) late() bool {
	from := t.lateFrom()
	return !from.IsZero() && t.now.After(from)
}

// lateFrom is when it becomes too late; zero: never.
func (t *turn) lateFrom() time.Time {
	lateness := t.c.Request.Limits.MaxLateness
	if lateness == 0 {
		if !t.c.Request.Scheduled() {
			return time.Time{}
		}
		lateness = t.TooLate
	}
	return t.due().Add(lateness)
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
