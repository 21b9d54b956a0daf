package campaign

import (
	"fmt"
	"time"
)

// Deleting a draft: to start over (abandoning), because it was refused
// (rejecting), or because somebody cancelled it (cancelling). The delete is
// the fence: once the draft is gone no confirm, however late, can take effect.

// withdraw saves what is about to be done, then deletes. Saved first, so that
// no run can save an intent for a draft that is being deleted.
func (t *turn) withdraw(s State, why *Reason) Decision {
	t.become(s)
	t.c.Reason = why
	if s != Abandoning {
		t.c.Hold = nil
	}
	t.c.Denials = 0
	t.c.run = run{}
	t.c.Wake = t.now.Add(t.Lease)
	if t.c.Draft == nil {
		// It was ending without one, and now for another reason: a record that an
		// earlier version stored.
		d := t.gone()
		d.Save = true
		return d
	}
	return t.saveAndCall(OpDelete)
}

// deleted takes the answer to a delete.
func (t *turn) deleted(o Outcome) Decision {
	switch o.Kind {
	case OK:
		return t.gone()
	case Refused:
		// 404 says gone or running, 405 says never: the status tells which.
		t.c.run.denied = o.HTTP
		return t.call(OpStatus)
	default:
		return t.wait(t.pause(o))
	}
}

// stillThere takes the status of a campaign that a delete did not delete.
func (t *turn) stillThere(o Outcome) Decision {
	unsupported := t.c.run.denied == 405
	switch {
	case o.Kind == Refused && o.HTTP == 404:
		return t.gone()
	case o.Kind != OK && o.Kind != Refused:
		return t.wait(t.pause(o))
	case o.Status.running():
		return t.established(o.Status, time.Time{}, true)
	case o.Status == StatusConfirmed && unsupported:
		// No delete will ever take effect here, so nothing can undo it.
		return t.established(o.Status, time.Time{}, true)
	case !t.c.Draft.Intended && o.Status == StatusUnconfirmed && t.age >= t.Settle:
		// Nobody ever meant to confirm this draft, or whatever confirm a power cut
		// took the intent of would show by now: it may be left behind.
		return t.gone()
	case !t.c.Draft.Intended && o.Status == StatusUnconfirmed:
		// Saved once, for all of S: each save makes the record young again.
		return t.wait(t.settled(t.now).Sub(t.now), fmt.Sprintf(
			"the gateway did not delete campaign %d; it is not left behind before a confirm that the record may not know of has had time to take effect", t.c.Draft.ID))
	}
	status := string(o.Status)
	if o.Kind == Refused {
		status = fmt.Sprintf("unreadable (HTTP %d)", o.HTTP)
	}
	t.c.Denials++
	if t.c.Denials > t.Denials && t.c.Confirmed != nil {
		// Known to be confirmed, and not to be taken back.
		return t.established(o.Status, time.Time{}, true)
	}
	if t.c.Denials > t.Denials {
		// The budgets keep what they hold for it: it may have been spent.
		t.c.Reason = &Reason{Code: ReasonUnverifiable, Step: OpDelete, Message: fmt.Sprintf(
			"campaign %d may or may not be sent: its confirm had no clear outcome, and %d deletes left it at the gateway with status %s; look at the gateway's own page and say what you see", t.c.Draft.ID, t.c.Denials, status)}
		t.emit(Event{Type: EventUnresolved, N: 1, Reason: t.c.Reason})
		return t.over(Unresolved)
	}
	return t.wait(t.backoff(t.c.Denials, t.c.Key), fmt.Sprintf("the gateway did not delete campaign %d, status %s; it is asked again", t.c.Draft.ID, status))
}

// gone goes on once the draft can no longer be confirmed by anybody.
func (t *turn) gone() Decision {
	t.c.Denials = 0
	t.c.run = run{}
	switch t.c.State {
	case Cancelling:
		return t.end(Cancelled, EventCancelled, t.cancelled())
	case Rejecting:
		return t.end(Rejected, EventRejected, *t.c.Reason)
	}
	t.c.Draft = nil
	t.become(Requested) // not stored: to everybody else the draft is still being abandoned
	return t.begin()
}

// cancel takes somebody's wish that the campaign be not sent. One that stands
// already, or was answered before the end, is the same wish again.
func (t *turn) cancel(in CancelAsked) Decision {
	switch c := t.c.Cancel; {
	case c != nil && c.By == in.By && c.Why == in.Why && t.c.State.Final(), t.c.State == Cancelled:
		return Decision{Next: t.c}
	case t.c.State == Unresolved:
		return Decision{Next: t.c, Refused: fmt.Sprintf(
			"campaign %s is unresolved: nobody can say whether it was sent; look at the gateway's own page, delete it there if you can, and resolve it", t.c.Key)}
	case t.c.State.Final():
		return Decision{Next: t.c, Refused: fmt.Sprintf("campaign %s has ended, it is %s: there is nothing left to cancel", t.c.Key, t.c.State)}
	case c != nil && c.Refused == "":
		return Decision{Next: t.c}
	}
	wish := Cancel{By: in.By, Why: in.Why, At: t.now}
	t.c.Cancel = &wish
	switch s := t.c.State; {
	case s == Requested:
		return t.end(Cancelled, EventCancelled, t.cancelled())
	case s == Confirming:
		// Kept, and honoured if the confirm turns out not to have happened.
		return t.save()
	case s == Drafted, s == Quoted, s.withdrawing():
		return t.withdraw(Cancelling, nil)
	case s == Confirmed && t.c.Confirmed.For.After(t.now):
		return t.withdraw(Cancelling, nil)
	}
	wish.Refused = "it is being sent: the gateway cannot stop what has started"
	return t.save()
}

func (t *turn) cancelled() Reason {
	c := t.c.Cancel
	why := Reason{Code: ReasonCancelled, By: c.By, Message: "cancelled by " + c.By}
	if c.Why != "" {
		why.Message += ": " + c.Why
	}
	return why
}

// resolve takes the word of somebody who looked. It is the only way out of
// unresolved, and it goes into the record with a name.
func (t *turn) resolve(in Resolved) Decision {
	if had := t.c.Resolved; t.c.State != Unresolved {
		if had != nil && had.By == in.By && had.Sent == in.Sent {
			return Decision{Next: t.c} // the same word again
		}
		return Decision{Next: t.c, Refused: fmt.Sprintf("campaign %s is not unresolved, it is %s: nobody's word is needed", t.c.Key, t.c.State)}
	}
	t.c.Resolved = &Resolution{By: in.By, Sent: in.Sent, Why: in.Why, At: t.now}
	if in.Sent {
		return t.established(StatusSending, time.Time{}, true)
	}
	why := Reason{Code: ReasonNotSent, By: in.By, Message: in.By + " looked at the gateway and says that it was not sent"}
	if in.Why != "" {
		why.Message += ": " + in.Why
	}
	return t.end(Rejected, EventRejected, why)
}

// cancelUnasked takes a cancel that came before its request, and leaves a
// record: the request, when it comes, is refused.
func (t *turn) cancelUnasked(in CancelAsked) Decision {
	t.c = Campaign{Schema: Schema, Key: in.Key, Cancel: &Cancel{By: in.By, Why: in.Why, At: t.now}}
	return t.end(Cancelled, EventCancelled, t.cancelled())
}
