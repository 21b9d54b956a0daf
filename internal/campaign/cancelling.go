package campaign

import (
	"fmt"
	"time"
)

// Cancelling: a person's wish that the campaign is not sent, and what becomes of it.
//
// A draft is withdrawn. A campaign that is confirmed for a later instant must be seen
// to vanish from the gateway. First, a read by id shows it, and it is ours. Then its
// delete is accepted. Then the gateway says in its own shape that there is no such
// campaign, over the time S, and at least once while it shows another campaign. Before
// all that, its cancelled event is not published.

// cancel takes a person's wish that the campaign is not sent. If such a wish is kept
// already, or was answered before the end, it is the same wish again.
func (t *transition) cancel(in Cancel) Decision {
	switch c := t.c.Cancel; {
	case c != nil && c.By == in.By && c.Why == in.Why && t.c.State.Final(), t.c.State == Cancelled:
		return Decision{Next: t.c}
	case t.c.State == Unresolved:
		return Decision{Next: t.c, Objection: fmt.Sprintf(
			"campaign %s is unresolved: nobody can say whether it was sent; look at the gateway's own page, delete it there if you can, and resolve it", t.c.Key)}
	case t.c.State.Final():
		return Decision{Next: t.c, Objection: fmt.Sprintf("campaign %s has ended, it is %s: there is nothing left to cancel", t.c.Key, t.c.State)}
	case c != nil && c.Failed == "":
		return Decision{Next: t.c}
	}
	wish := Cancellation{By: in.By, Actor: in.Actor, Why: in.Why, At: t.now}
	t.c.Cancel = &wish
	switch s := t.c.State; {
	case s == Requested && !t.c.run.eventsRead:
		return t.call(OpLook)
	case s == Requested:
		return t.end(Cancelled, EventCancelled, t.cancelled())
	case s == Confirming:
		// The wish is kept, and followed if the confirm is shown not to have happened.
		return t.save()
	case s == Drafted, s == Quoted, s.withdrawing():
		return t.withdraw(Cancelling, nil)
	case s == Confirmed && t.atOtherGateway(*t.c.Draft):
		wish.Failed = fmt.Sprintf("campaign %d is at %s, and another gateway is configured: delete it on that gateway's own page", t.c.Draft.ID, t.c.Draft.Gateway)
		if t.inOtherAccount() {
			wish.Failed = fmt.Sprintf("campaign %d is in the account %s, which is not configured here: delete it on the gateway's own page", t.c.Draft.ID, t.c.Account)
		}
		return t.save()
	case s == Confirmed && t.c.Confirmed.For.After(t.now):
		return t.withdraw(Cancelling, nil)
	}
	wish.Failed = "it is being sent: the gateway cannot stop what has started"
	return t.save()
}

func (t *transition) cancelled() Reason {
	c := t.c.Cancel
	why := Reason{Code: ReasonCancelled, By: c.By, Actor: c.Actor, Message: "cancelled by " + c.By}
	if c.Why != "" {
		why.Message += ": " + c.Why
	}
	return why
}

// cancelBeforeRequest takes a cancel that came before its request. It leaves a record,
// so that the request is refused when it comes. But a record may have been lost, so the
// events are read first.
func (t *transition) cancelBeforeRequest(in Cancel) Decision {
	t.c = Campaign{Schema: Schema, Key: in.Key, run: run{cancel: &in}}
	return t.call(OpLook)
}

// How far the delete of a confirmed campaign has come.
const (
	deleteSent     = "sent"     // a delete may have left, and may have taken effect
	deleteAccepted = "accepted" // the gateway said that it deleted the campaign
)

// cancelAnswered takes the answers while a confirmed campaign is being cancelled.
func (t *transition) cancelAnswered(o Outcome) Decision {
	switch o.Op {
	case OpDelete:
		return t.deleteAnswered(o)
	case OpWitness:
		if o.Kind != OK || !o.ByID {
			return t.awaitEvidence("whether the gateway still shows other campaigns could not be seen" + waitingFor(o))
		}
		t.c.run.witnessed = true
		return t.call(OpStatus)
	}
	d := t.c.Draft
	switch {
	case !o.answered():
		return t.awaitEvidence("the gateway did not answer " + string(o.Op) + waitingFor(o))
	case o.Kind == OK && t.bearsOurMark(o) && o.Status.running():
		return t.established(o.Status, time.Time{}, true)
	case o.Kind == OK && t.bearsOurMark(o) && o.ByID:
		if !t.c.Confirmed.For.After(t.now) {
			return t.awaitEvidence("it stands at the gateway, and its instant has passed")
		}
		t.draft(func(d *Bound) {
			d.Absent, d.Vanishing, d.Witnessed = false, 0, false
			if d.Delete == deleteSent && d.Aged+t.age >= t.Settle {
				d.Delete = "" // the delete had time to take effect, and did not
			}
		})
		if d = t.c.Draft; d.Delete == "" && t.c.Denials >= t.Denials {
			return t.giveUpCancel("the gateway does not delete it")
		}
		if d.Delete != "" && t.c.Denials >= t.Denials {
			return t.awaitEvidence("the gateway said that it deleted it, and still shows it")
		}
		t.c.run.firstDelete = d.Delete == ""
		if t.c.run.firstDelete {
			t.draft(func(d *Bound) { d.Delete, d.Aged = deleteSent, 0 })
			t.age = 0
		}
		return t.saveAndCall(OpDelete)
	case d.Delete == "":
		return t.giveUpCancel("the gateway shows no campaign of this number as ours, so nobody could see whether a delete took effect: delete it on the gateway's own page")
	case d.Delete == deleteAccepted && o.absent():
		return t.countVanishing()
	}
	return t.awaitEvidence("a delete was sent, and whether it took effect is not seen")
}

// deleteAnswered takes the answer to a delete of a confirmed campaign. An accepted
// delete is stored at once: after it, no read would show that the campaign was there.
func (t *transition) deleteAnswered(o Outcome) Decision {
	switch {
	case o.Kind == OK:
		t.draft(func(d *Bound) { d.Delete = deleteAccepted })
		return t.saveAndCall(OpStatus)
	case (o.Kind == Refused && o.Cause != NotFound || o.neverLeft()) && t.c.run.firstDelete:
		// It was the first delete, and it did nothing. But "not found" may also be the
		// answer to the second of two copies of it, after the first copy took effect.
		t.draft(func(d *Bound) { d.Delete = "" })
	}
	if t.c.Draft.Delete == "" && o.Kind == Refused && o.Cause == Unsupported {
		return t.giveUpCancel("the gateway does not delete it" + waitingFor(o))
	}
	return t.awaitEvidence("the gateway did not delete it" + waitingFor(o))
}

// countVanishing counts how long the gateway has said that the campaign is not there.
func (t *transition) countVanishing() Decision {
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
	t.c.run = run{eventsRead: true}
	return t.end(Cancelled, EventCancelled, t.cancelled())
}

// awaitEvidence waits for evidence until some time after the campaign's instant. By
// then a campaign that is sent would show it; if nothing does, it is unresolved.
func (t *transition) awaitEvidence(what string) Decision {
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
		pause = left // at its instant it shows whether it is sent
	}
	return t.wait(pause, fmt.Sprintf("campaign %d is being cancelled, and is not yet seen to be gone: %s; it is looked at again", t.c.Draft.ID, what))
}

// giveUpCancel gives up a cancel if no delete was sent, or no delete had an effect.
func (t *transition) giveUpCancel(why string) Decision {
	wish := *t.c.Cancel
	wish.Failed = why
	t.c.Cancel = &wish
	return t.established(StatusConfirmed, time.Time{}, true)
}
