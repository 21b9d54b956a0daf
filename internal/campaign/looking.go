package campaign

import (
	"fmt"
	"time"
)

// What the events tell. They outlive a record: whoever finds none, or goes on with
// one that another run wrote, looks there before anything is made, and before
// anybody is told that nothing was sent.

// recalled takes what the events tell, and goes on.
func (t *turn) recalled(o Outcome) Decision {
	if o.Kind != OK {
		if t.c.State == "" {
			return Decision{} // a cancel without a record: it comes again
		}
		return t.wait(t.pause(o))
	}
	wish := t.c.run.wish
	if c := t.c.Cancel; c != nil && c.Refused == "" {
		wish = &CancelAsked{By: c.By, Actor: c.Actor, Why: c.Why} // it stands whatever is told
	}
	left := t.c.run.left
	t.c.run = run{looked: true}
	if d, more := t.recall(o.Told); more {
		return t.wished(d, wish)
	}
	switch s := t.c.State; {
	case s == "":
		t.c.Cancel = &Cancel{By: wish.By, Actor: wish.Actor, Why: wish.Why, At: t.now}
		return t.end(Cancelled, EventCancelled, t.cancelled())
	case s == Requested:
		return t.begin()
	case left:
		return t.gone()
	default: // withdrawing
		return t.strike()
	}
}

// wished goes on with a cancel once the events have told more than the record, if
// there is one.
func (t *turn) wished(d Decision, wish *CancelAsked) Decision {
	if wish == nil {
		return d
	}
	t.c = d.Next
	t.c.Cancel = nil
	if s := t.c.State; s.Final() {
		t.c.Cancel = &Cancel{By: wish.By, Actor: wish.Actor, Why: wish.Why, At: t.now}
		if s != Cancelled {
			t.c.Cancel.Refused = fmt.Sprintf("its events say that it is %s", s)
		}
		d.Next = t.c
		return d
	}
	return t.cancel(*wish)
}

// recall holds what the events tell against the record. If they know more, the
// record is rebuilt from them, and nothing is told again; or what they tell is not
// enough, and a person is asked.
func (t *turn) recall(events []Event) (_ Decision, more bool) {
	var confirmed, end, beyond, stats *Event
	quotes := map[int64]*Quote{}
	for i := range events {
		e := &events[i]
		switch e.Type {
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
				end = nil // somebody has had it followed again
			}
		case EventUnresolved:
			t.c.UnresolvedN = max(t.c.UnresolvedN, e.N)
			end = e
		case EventRejected:
			if t.c.Confirmed == nil || e.Reason.Code == ReasonNotSent {
				end = e // what is known to be confirmed was not refused, unless somebody looked
			}
		case EventCancelled, EventFailed:
			end = e
		}
	}
	rebuild := func(e *Event) {
		if t.c.Draft == nil || t.c.Draft.ID != e.CampaignID {
			t.c.Draft = &Bound{ID: e.CampaignID, Gateway: e.Gateway, Intended: true}
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
		t.c.Reason, t.c.Hold = nil, nil
		t.c.Budgeted = t.budgeted()
	}
	switch {
	case end != nil:
		if end.CampaignID != 0 {
			rebuild(end)
		}
		t.c.Reason = end.Reason
		return t.over(ended(end)), true
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
		// The quote of this very draft was told, and the record does not know it: an
		// intent was saved for it once.
		t.c.Quotes, t.c.Quote = beyond.N, beyond.Quote
		t.draft(func(d *Bound) {
			d.Intended = true
			if at := t.c.Request.At; at.After(beyond.At) {
				d.For = at
			}
		})
		return Decision{}, false
	}
	return t.toldOtherwise(*beyond), true
}

// ended is the state that an event ends a campaign in.
func ended(e *Event) State {
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

// toldOtherwise has an event that tells a cost of a draft which the record does not
// know: somebody has been further, and may have confirmed it.
func (t *turn) toldOtherwise(e Event) Decision {
	told := Bound{ID: e.CampaignID, Gateway: e.Gateway, Intended: true}
	if at := t.c.Request.At; at.After(e.At) {
		told.For = at
	}
	also := "no record of it is left"
	if mine := t.c.Draft; mine != nil && mine.ID != told.ID {
		t.c.Named = append(t.c.Named[:len(t.c.Named):len(t.c.Named)], *mine)
		also = fmt.Sprintf("the record only knows campaign %d", mine.ID)
	}
	t.c.Draft, t.c.Quote = &told, e.Quote
	t.c.Quotes = max(t.c.Quotes, e.N)
	return t.unresolved(Reason{Code: ReasonToldOtherwise, Step: OpLook, Message: fmt.Sprintf(
		"its cost was told for campaign %d at %s, and %s: that one may or may not have been sent", told.ID, e.At.Format(time.RFC3339), also)})
}

// unresolved asks a person, and goes on looking.
func (t *turn) unresolved(why Reason) Decision {
	why.Message += fmt.Sprintf("; Staffetta does not send it again by itself, and goes on looking for %s: look for %s at the gateway and say what you see", about(t.GiveUp), Mark(t.c.Key))
	t.c.Reason = &why
	t.c.UnresolvedN++
	t.emit(Event{Type: EventUnresolved, N: t.c.UnresolvedN, Reason: &why})
	return t.over(Unresolved)
}

// looksUntil is when an unresolved campaign is looked at no more; zero if nothing
// is known to look at.
func (t *turn) looksUntil() time.Time {
	if t.c.State != Unresolved || t.c.Draft == nil {
		return time.Time{}
	}
	from := t.c.Since
	for _, d := range t.suspects() {
		from = later(from, d.For)
	}
	return from.Add(t.GiveUp)
}

// nextLook is when an unresolved campaign is looked at again; zero: no more.
func (t *turn) nextLook() time.Time {
	if next := t.now.Add(t.LookAgain + spread(t.c.Key, 0, t.LookAgain/16)); next.Before(t.looksUntil()) {
		return next
	}
	return time.Time{}
}

// suspects are the drafts of an unresolved campaign that may have been confirmed.
func (t *turn) suspects() []Bound {
	return append([]Bound{*t.c.Draft}, t.c.Named...)
}

// lookOn looks at the next draft of an unresolved campaign: what is being sent
// shows in the end.
func (t *turn) lookOn() Decision {
	for all := t.suspects(); t.c.run.suspect < len(all); t.c.run.suspect++ {
		if d := all[t.c.run.suspect]; !t.elsewhere(d) {
			decided := t.call(OpStatus)
			decided.Call.CampaignID = d.ID
			return decided
		}
	}
	t.c.run = run{}
	t.c.Wake = t.nextLook()
	return t.save()
}

// lookedOn takes a look at a draft of an unresolved campaign.
func (t *turn) lookedOn(o Outcome) Decision {
	if o.Kind == OK && o.Status.running() && t.ours(o) {
		found := t.suspects()[t.c.run.suspect]
		t.c.Draft = &found
		return t.established(o.Status, time.Time{}, true)
	}
	t.c.run.suspect++
	return t.lookOn()
}

// resolve takes the word of somebody who looked. It goes into the record with a
// name.
func (t *turn) resolve(in Resolved) Decision {
	if had := t.c.Resolved; t.c.State != Unresolved {
		if had != nil && had.By == in.By && had.Sent == in.Sent {
			return Decision{Next: t.c} // the same word again
		}
		return Decision{Next: t.c, Refused: fmt.Sprintf("campaign %s is not unresolved, it is %s: nobody's word is needed", t.c.Key, t.c.State)}
	}
	if in.Sent && t.c.Draft == nil {
		return Decision{Next: t.c, Refused: fmt.Sprintf("no campaign of the gateway's is known for %s, so none can be followed: say what was not sent, or ask under a new request id", t.c.Key)}
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
