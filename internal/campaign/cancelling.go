package campaign

import (
	"fmt"
	"time"
)

// Cancelling: somebody's wish that a campaign be not sent, and what becomes of it.
//
// A draft is withdrawn. A campaign that stands at the gateway, confirmed for later,
// must be seen to vanish: it is shown, by id, and is ours; its delete is accepted;
// then the gateway says in its own words that it is not there, over S, and at least
// once while it shows another one. Until then nobody is told that it is cancelled.

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
	wish := Cancel{By: in.By, Actor: in.Actor, Why: in.Why, At: t.now}
	t.c.Cancel = &wish
	switch s := t.c.State; {
	case s == Requested && !t.c.run.looked:
		return t.call(OpLook)
	case s == Requested:
		return t.end(Cancelled, EventCancelled, t.cancelled())
	case s == Confirming:
		// Kept, and honoured if the confirm is shown not to have happened.
		return t.save()
	case s == Drafted, s == Quoted, s.withdrawing():
		return t.withdraw(Cancelling, nil)
	case s == Confirmed && t.elsewhere(*t.c.Draft):
		wish.Refused = fmt.Sprintf("campaign %d is at %s, and another gateway is configured: delete it on that gateway's own page", t.c.Draft.ID, t.c.Draft.Gateway)
		return t.save()
	case s == Confirmed && t.c.Confirmed.For.After(t.now):
		return t.withdraw(Cancelling, nil)
	}
	wish.Refused = "it is being sent: the gateway cannot stop what has started"
	return t.save()
}

func (t *turn) cancelled() Reason {
	c := t.c.Cancel
	why := Reason{Code: ReasonCancelled, By: c.By, Actor: c.Actor, Message: "cancelled by " + c.By}
	if c.Why != "" {
		why.Message += ": " + c.Why
	}
	return why
}

// cancelUnasked takes a cancel that came before its request, and leaves a record:
// the request, when it comes, is refused. A record may have been lost, though, so
// the events are looked at first.
func (t *turn) cancelUnasked(in CancelAsked) Decision {
	t.c = Campaign{Schema: Schema, Key: in.Key, run: run{wish: &in}}
	return t.call(OpLook)
}

// How a delete of what is confirmed stands.
const (
	deleteSent     = "sent"     // a delete may have left: it may have taken effect
	deleteAccepted = "accepted" // the gateway said that it deleted it
)

// unsent takes the answers while a confirmed campaign is being cancelled.
func (t *turn) unsent(o Outcome) Decision {
	switch o.Op {
	case OpDelete:
		return t.struckOff(o)
	case OpWitness:
		if o.Kind != OK || !o.ByID {
			return t.unseen("whether the gateway still shows other campaigns could not be seen" + because(o))
		}
		t.c.run.witnessed = true
		return t.call(OpStatus)
	}
	d := t.c.Draft
	switch {
	case !o.answered():
		return t.unseen("the gateway did not answer " + string(o.Op) + because(o))
	case o.Kind == OK && t.ours(o) && o.Status.running():
		return t.established(o.Status, time.Time{}, true)
	case o.Kind == OK && t.ours(o) && o.ByID:
		if !t.c.Confirmed.For.After(t.now) {
			return t.unseen("it stands at the gateway, and its instant has passed")
		}
		t.draft(func(d *Bound) {
			d.Absent, d.Vanishing, d.Witnessed = false, 0, false
			if d.Delete == deleteSent && d.Aged+t.age >= t.Settle {
				d.Delete = "" // it had time to take effect, and has not
			}
		})
		if d = t.c.Draft; d.Delete == "" && t.c.Denials >= t.Denials {
			return t.standsBy("the gateway does not delete it")
		}
		if d.Delete != "" && t.c.Denials >= t.Denials {
			return t.unseen("the gateway said that it deleted it, and still shows it")
		}
		t.c.run.first = d.Delete == ""
		if t.c.run.first {
			t.draft(func(d *Bound) { d.Delete, d.Aged = deleteSent, 0 })
			t.age = 0
		}
		return t.saveAndCall(OpDelete)
	case d.Delete == "":
		return t.standsBy("the gateway shows no campaign of this number as ours, so nobody could see whether a delete took effect: delete it on the gateway's own page")
	case d.Delete == deleteAccepted && o.absent():
		return t.vanishing()
	}
	return t.unseen("a delete was sent, and whether it took effect is not seen")
}

// struckOff takes the answer to a delete of what is confirmed. An accepted one is
// stored at once: after it, nothing would show it.
func (t *turn) struckOff(o Outcome) Decision {
	switch {
	case o.Kind == OK:
		t.draft(func(d *Bound) { d.Delete = deleteAccepted })
		return t.saveAndCall(OpStatus)
	case (o.Kind == Refused && o.HTTP != 404 || o.neverLeft()) && t.c.run.first:
		// The first one, and it did nothing. A 404 may be the answer to one that was
		// sent twice on its way.
		t.draft(func(d *Bound) { d.Delete = "" })
	}
	if t.c.Draft.Delete == "" && o.Kind == Refused && o.HTTP == 405 {
		return t.standsBy("the gateway does not delete it" + because(o))
	}
	return t.unseen("the gateway did not delete it" + because(o))
}

// vanishing counts how long the gateway has said that the campaign is not there.
func (t *turn) vanishing() Decision {
	t.draft(func(d *Bound) {
		if d.Absent {
			d.Vanishing += t.age
		}
		d.Absent = true
		d.Witnessed = d.Witnessed || t.c.run.witnessed
	})
	switch d := t.c.Draft; {
	case d.Vanishing < t.Settle:
		return t.wait(t.Settle-d.Vanishing+t.Settle/20+50*time.Millisecond, fmt.Sprintf(
			"the gateway has deleted campaign %d; it is called cancelled when it has been gone for %s", d.ID, t.Settle))
	case !d.Witnessed:
		return t.call(OpWitness)
	}
	t.c.run = run{looked: true}
	return t.end(Cancelled, EventCancelled, t.cancelled())
}

// unseen waits for evidence, until some time after the campaign's instant: then it
// would show that it is sent, or nobody can say.
func (t *turn) unseen(what string) Decision {
	at := t.c.Confirmed.For
	if !t.now.Before(at.Add(t.Patience)) {
		return t.unresolved(Reason{Code: ReasonUnverifiable, Step: OpDelete, Message: fmt.Sprintf(
			"campaign %d was to be cancelled and may or may not have been sent at %s: %s", t.c.Draft.ID, at.Format(time.RFC3339), what)})
	}
	t.c.Denials++
	pause := t.backoff(t.c.Denials, t.c.Key)
	if t.now.Sub(t.c.Since) > t.Patience {
		pause = t.LookAgain
	}
	if left := at.Sub(t.now); left > 0 && left < pause {
		pause = left // its instant is a moment that shows
	}
	return t.wait(pause, fmt.Sprintf("campaign %d is being cancelled, and is not yet seen to be gone: %s; it is looked at again", t.c.Draft.ID, what))
}

// standsBy gives up a cancel of which nothing was sent, or nothing had an effect.
func (t *turn) standsBy(why string) Decision {
	wish := *t.c.Cancel
	wish.Refused = why
	t.c.Cancel = &wish
	return t.established(StatusConfirmed, time.Time{}, true)
}
