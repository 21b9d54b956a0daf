package campaign

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// The published events outlive a record. A run that finds no record, or goes on with
// one that another run wrote, reads the events first: before it makes a draft, and
// before it publishes that nothing was sent.

// eventsRead takes the published events, and goes on.
func (t *transition) eventsRead(o Outcome) Decision {
	if o.Kind != OK {
		if t.c.State == "" {
			return Decision{} // a cancel without a record: its message is delivered again
		}
		return t.wait(t.pause(o))
	}
	wish := t.c.run.cancel
	if c := t.c.Cancel; c != nil && c.Failed == "" {
		wish = &Cancel{By: c.By, Actor: c.Actor, Why: c.Why} // the wish stands, whatever the events say
	}
	left := t.c.run.finished
	t.c.run = run{eventsRead: true}
	if d, more := t.compareEvents(o.Events); more {
		return t.resumeCancel(d, wish)
	}
	switch s := t.c.State; {
	case s == "":
		t.c.Cancel = &Cancellation{By: wish.By, Actor: wish.Actor, Why: wish.Why, At: t.now}
		return t.end(Cancelled, EventCancelled, t.cancelled())
	case s == Requested:
		return t.begin()
	case left:
		return t.draftGone()
	default: // withdrawing
		return t.nextWithdrawalCall()
	}
}

// resumeCancel goes on with a cancel, if there is one, after the events have shown more
// than the record.
func (t *transition) resumeCancel(d Decision, wish *Cancel) Decision {
	if wish == nil {
		return d
	}
	t.c = d.Next
	t.c.Cancel = nil
	if s := t.c.State; s.Final() {
		t.c.Cancel = &Cancellation{By: wish.By, Actor: wish.Actor, Why: wish.Why, At: t.now}
		if s != Cancelled {
			t.c.Cancel.Failed = fmt.Sprintf("its events say that it is %s", s)
		}
		d.Next = t.c
		return d
	}
	return t.cancel(*wish)
}

// compareEvents compares the published events with the record. If the events show more,
// the record is rebuilt from them, and nothing is published twice. If they do not show
// enough for that, a person is asked.
func (t *transition) compareEvents(events []Event) (_ Decision, more bool) {
	var confirmed, end, beyond, stats *Event
	quotes := map[int64]*Quote{}
	for i := range events {
		e := &events[i]
		t.c.EventsN = max(t.c.EventsN, e.Sequence) // the next one comes after all of them
		switch e.Type {
		case EventAudiencePrepared:
			t.c.PreparedN = max(t.c.PreparedN, e.N)
		case EventCostCalculated:
			quotes[e.CampaignID] = e.Quote
			if e.N > t.c.Quotes {
				beyond = e
			}
		case EventApprovalRequired:
			t.c.ApprovalN = max(t.c.ApprovalN, e.N)
		case EventDeferred:
			t.c.DeferredN = max(t.c.DeferredN, e.N)
		case EventConfirmed:
			confirmed, end = e, nil
		case EventStats:
			if stats = e; e.Last {
				end = e
			} else if end != nil && end.Type == EventStats {
				end = nil // a person has had it followed again
			}
		case EventUnresolved:
			t.c.UnresolvedN = max(t.c.UnresolvedN, e.N)
			end = e
		case EventRejected:
			if t.c.Confirmed == nil || e.Reason.Code == ReasonNotSent {
				end = e // a confirmed campaign was not refused, unless a person looked and said so
			}
		case EventCancelled, EventFailed:
			end = e
		}
	}
	rebuild := func(e *Event) {
		if t.c.Draft == nil || t.c.Draft.ID != e.CampaignID {
			t.c.Draft = &Bound{ID: e.CampaignID, Gateway: e.Gateway, Intended: true}
			t.c.Account = cmp.Or(e.Account, t.c.Account)
		}
		if q := quotes[e.CampaignID]; q != nil {
			t.c.Quote = q
		}
		if beyond != nil {
			t.c.Quotes = beyond.N
		}
		if confirmed != nil && t.c.Confirmed == nil {
			done := *confirmed.Confirmed
			t.c.Confirmed = &done
			t.draft(func(d *Bound) { d.Intended, d.For = true, done.For })
			t.c.Approval = confirmed.Approval
		}
		if stats != nil && stats.N > t.c.StatsN {
			t.c.Stats, t.c.StatsN = stats.Stats, stats.N
		}
		t.c.Rounds = max(t.c.Rounds, 1)
		t.c.Reason, t.c.Need = nil, nil
		t.c.Budgeted = t.inBudgets()
	}
	switch {
	case end != nil:
		if end.CampaignID != 0 {
			rebuild(end)
		}
		t.c.Reason = end.Reason
		return t.saveFinal(endStateOf(end)), true
	case confirmed != nil && t.c.Confirmed == nil:
		rebuild(confirmed)
		t.become(Confirmed)
		if stats != nil && stats.Stats.Status.running() {
			t.become(Sending)
		}
		t.c.Wake = t.nextPoll()
		return t.save(), true
	case beyond == nil:
		return Decision{}, false
	case t.c.Draft != nil && beyond.CampaignID == t.c.Draft.ID:
		// The cost of this very draft was published, and the record does not know it:
		// an intent was saved for the draft once.
		t.c.Quotes, t.c.Quote = beyond.N, beyond.Quote
		t.draft(func(d *Bound) {
			d.Intended = true
			if at := t.c.Request.At; at.After(beyond.At) {
				d.For = at
			}
		})
		return Decision{}, false
	}
	return t.costConflict(*beyond), true
}

// endStateOf is the final state that belongs to an event.
func endStateOf(e *Event) State {
	switch {
	case e.Type != EventStats:
		return State(e.Type)
	case e.Stats.Status == StatusFailed:
		return Failed
	case e.Stats.Status == StatusCompleted && e.Differs == "" && e.Stats.Reconciled():
		return Completed
	}
	return Unreconciled
}

// costConflict handles an event with the cost of a draft that the record does not know:
// another run has been further, and may have confirmed that draft.
func (t *transition) costConflict(e Event) Decision {
	told := Bound{ID: e.CampaignID, Gateway: e.Gateway, Intended: true}
	if at := t.c.Request.At; at.After(e.At) {
		told.For = at
	}
	also := "no record of it is left"
	if mine := t.c.Draft; mine != nil && mine.ID != told.ID {
		t.c.Named = append(slices.Clip(t.c.Named), *mine)
		also = fmt.Sprintf("the record only knows campaign %d", mine.ID)
	}
	t.c.Draft, t.c.Quote = &told, e.Quote
	t.c.Account = cmp.Or(e.Account, t.c.Account)
	t.c.Quotes = max(t.c.Quotes, e.N)
	return t.unresolved(Reason{Code: ReasonCostConflict, Step: OpLook, Message: fmt.Sprintf(
		"its cost was told for campaign %d at %s, and %s: that one may or may not have been sent", told.ID, e.At.Format(time.RFC3339), also)})
}

// unresolved ends a campaign as unresolved: a person is asked, and it is looked at
// regularly all the same.
func (t *transition) unresolved(why Reason) Decision {
	why.Message += fmt.Sprintf("; Staffetta does not send it again by itself, and goes on looking for %s: look for %s at the gateway and say what you see", roundedDuration(t.GiveUp), Mark(t.c.Key))
	t.c.Reason = &why
	t.c.UnresolvedN++
	t.emit(Event{Type: EventUnresolved, N: t.c.UnresolvedN, Reason: &why})
	return t.saveFinal(Unresolved)
}

// looksUntil is when the looks at an unresolved campaign end; zero if no draft is known
// to look at.
func (t *transition) looksUntil() time.Time {
	if t.c.State != Unresolved || t.c.Draft == nil {
		return time.Time{}
	}
	from := t.c.Since
	for _, d := range t.suspects() {
		from = later(from, d.For)
	}
	return from.Add(t.GiveUp)
}

// nextLook is when an unresolved campaign is looked at again; zero: never.
func (t *transition) nextLook() time.Time {
	if next := t.now.Add(t.LookAgain + jitter(t.c.Key, 0, t.LookAgain/16)); next.Before(t.looksUntil()) {
		return next
	}
	return time.Time{}
}

// suspects are the drafts of an unresolved campaign that may have been confirmed.
func (t *transition) suspects() []Bound {
	return append([]Bound{*t.c.Draft}, t.c.Named...)
}

// lookAtSuspect looks at the next draft of an unresolved campaign: if one is being
// sent, a read shows it sooner or later.
func (t *transition) lookAtSuspect() Decision {
	for all := t.suspects(); t.c.run.suspect < len(all); t.c.run.suspect++ {
		if d := all[t.c.run.suspect]; !t.atOtherGateway(d) {
			decided := t.call(OpStatus)
			decided.Call.CampaignID = d.ID
			return decided
		}
	}
	t.c.run = run{}
	t.c.Wake = t.nextDue()
	return t.save()
}

// suspectLookedAt takes a look at a draft of an unresolved campaign.
func (t *transition) suspectLookedAt(o Outcome) Decision {
	if o.Kind == OK && o.Status.running() && t.bearsOurMark(o) {
		found := t.suspects()[t.c.run.suspect]
		t.c.Draft = &found
		return t.established(o.Status, time.Time{}, true)
	}
	t.c.run.suspect++
	return t.lookAtSuspect()
}

// resolve takes the word of a person who looked at the gateway. The record keeps it,
// with the person's name.
func (t *transition) resolve(in Resolved) Decision {
	if had := t.c.Resolved; t.c.State != Unresolved {
		if had != nil && had.By == in.By && had.Sent == in.Sent {
			return Decision{Next: t.c} // the same answer again
		}
		return Decision{Next: t.c, Objection: fmt.Sprintf("campaign %s is not unresolved, it is %s: nobody's word is needed", t.c.Key, t.c.State)}
	}
	if in.Sent && t.c.Draft == nil {
		return Decision{Next: t.c, Objection: fmt.Sprintf("no campaign of the gateway's is known for %s, so none can be followed: say what was not sent, or ask under a new request id", t.c.Key)}
	}
	t.c.Resolved = &Resolution{By: in.By, Actor: in.Actor, Sent: in.Sent, Why: in.Why, At: t.now}
	if in.Sent {
		return t.established(StatusSending, time.Time{}, true)
	}
	why := Reason{Code: ReasonNotSent, By: in.By, Actor: in.Actor, Message: in.By + " looked at the gateway and says that it was not sent"}
	if in.Why != "" {
		why.Message += ": " + in.Why
	}
	return t.end(Rejected, EventRejected, why)
}
