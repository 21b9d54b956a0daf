package campaign

import (
	"fmt"
	"strings"
	"time"
)

// Withdrawing a draft: to start over (abandoning), because it was refused
// (rejecting), or because somebody cancelled it (cancelling).
//
// Absence proves nothing. A draft is left only when nobody can have confirmed it,
// or when the gateway has shown that it is not confirmed and no old call can
// confirm it any more: it is disarmed. The call for that is configure. Its answer
// says where the campaign stands, and a campaign that is configured again has to
// be calculated again before any confirm, which nobody will do.

// withdraw saves what is about to be done, then begins. Saved first, so that no
// run can save an intent for a draft that is being withdrawn.
func (t *turn) withdraw(s State, why *Reason) Decision {
	t.giveUp(s, why)
	t.c.Wake = t.now.Add(t.Lease)
	t.save()
	d := t.strike()
	d.Save = true
	return d
}

// giveUp enters the state of a withdrawal.
func (t *turn) giveUp(s State, why *Reason) {
	t.become(s)
	t.c.Reason = why
	if s != Abandoning {
		t.c.Hold = nil
	}
	t.c.Denials = 0
	t.harmless()
	t.c.run = run{looked: t.c.run.looked, mine: t.c.run.mine}
}

// harmless disarms a draft whose own run gives it up: only that run could ever
// have meant to confirm it, and it has not.
func (t *turn) harmless() {
	if t.c.run.mine && t.c.Draft != nil && !t.c.Draft.Intended {
		t.draft(func(d *Bound) { d.Disarmed = true })
	}
}

// draft changes what the record says of the draft. The one that was loaded stays
// as it is.
func (t *turn) draft(change func(*Bound)) {
	d := *t.c.Draft
	change(&d)
	t.c.Draft = &d
}

// strike makes the next call of a withdrawal.
func (t *turn) strike() Decision {
	d := t.c.Draft
	switch {
	case d == nil:
		return t.gone() // a record of an earlier version
	case t.elsewhere(*d):
		return t.stranded()
	case t.c.Confirmed != nil && d.Delete == "" && !t.c.run.looked:
		return t.call(OpLook) // it may have been cancelled already, by a record that is lost
	case t.c.Confirmed != nil:
		return t.call(OpStatus) // see cancelling.go
	case d.Disarmed && t.c.run.mine:
		return t.call(OpDelete)
	case !d.Disarmed && !t.c.run.looked:
		return t.call(OpLook) // an intent that the record has lost is told by its event
	}
	return t.call(OpStatus) // whose is it, and what is it? whoever made it knows
}

// put is what configure answered in a withdrawal.
type put int

const (
	unput    put = iota // it was not asked yet
	wordless            // a success that does not say where the campaign stands
	denied              // no
)

// withdrawn takes the answers of a withdrawal.
func (t *turn) withdrawn(o Outcome) Decision {
	switch {
	case t.c.Confirmed != nil:
		return t.unsent(o)
	case o.Op == OpStatus:
		return t.shown(o)
	case o.Op == OpConfigure:
		return t.reconfigured(o)
	default:
		return t.deleted(o)
	}
}

// shown takes a read of a draft that is being withdrawn: before configure, after
// it, and after the delete that has to make it vanish.
func (t *turn) shown(o Outcome) Decision {
	r := &t.c.run
	is := o.Kind == OK && o.Status == StatusUnconfirmed && o.ByID
	r.absent = o.absent()
	switch {
	case !o.answered():
		return t.wait(t.pause(o))
	case o.Kind == OK && !t.ours(o):
		return t.strangers()
	case o.Kind == OK && o.Status.happened():
		return t.established(o.Status, time.Time{}, true)
	case t.c.Draft.Disarmed && o.absent():
		return t.gone()
	case t.c.Draft.Disarmed:
		return t.call(OpDelete)
	case r.put == unput && !is && !(t.ConfigureRefusedOnceSent && o.Kind == Refused && !o.ByID && t.c.Draft.Delete == ""):
		// Nothing that configure could answer would count, and it might take back
		// what is confirmed, or change a stranger's.
		return t.unknown("no read shows it unconfirmed")
	case r.put == unput:
		r.shown = is
		return t.call(OpConfigure)
	case t.c.Draft.Delete == deleteAccepted && o.absent():
		return t.disarmed() // it was shown, and was seen to vanish
	case r.struck:
		return t.unknown("a delete that was accepted left it standing, or nobody can say")
	case is && r.put == wordless:
		return t.disarmed() // shown unconfirmed after the configure
	case is:
		r.striking = true
		return t.call(OpDelete)
	}
	return t.unknown("configure did not show that it is not confirmed, and no read does")
}

// reconfigured takes the answer to configure. CONFIGURED counts: a read by id showed
// this very draft just before, or it was measured that this gateway refuses to
// configure what was confirmed.
func (t *turn) reconfigured(o Outcome) Decision {
	r := &t.c.run
	switch {
	case !o.answered():
		return t.wait(t.pause(o))
	case o.Kind == OK && o.Status.happened():
		return t.established(o.Status, time.Time{}, true)
	case o.Kind == OK && o.Status == StatusUnconfirmed:
		return t.disarmed()
	case o.Kind == OK:
		r.put = wordless
	default:
		r.put = denied
	}
	return t.call(OpStatus)
}

// disarmed goes on with a draft that nobody can confirm any more. If somebody
// could have, that is saved before the delete: after it, nothing would show it.
func (t *turn) disarmed() Decision {
	t.c.Denials = 0
	saved := t.c.Draft.Intended && !t.c.Draft.Disarmed
	t.draft(func(d *Bound) { d.Disarmed = true })
	t.c.run = run{looked: t.c.run.looked}
	if saved {
		t.c.Wake = t.now.Add(t.Lease)
		return t.saveAndCall(OpDelete)
	}
	return t.call(OpDelete)
}

// deleted takes the answer to a delete. Of a disarmed draft it does not matter: it
// is tidiness.
func (t *turn) deleted(o Outcome) Decision {
	switch o.Kind {
	case NotAttempted, Throttled, Unauthorised:
		return t.wait(t.pause(o))
	}
	switch r := &t.c.run; {
	case !r.striking:
		return t.gone()
	case o.Kind == OK:
		// Stored at once: after it, nothing would show the draft.
		r.struck = true
		t.draft(func(d *Bound) { d.Delete = deleteAccepted })
		return t.saveAndCall(OpStatus)
	case !o.answered():
		return t.wait(t.pause(o))
	}
	return t.unknown("neither configure nor delete is accepted")
}

// unknown ends a try that showed nothing. Whether a draft with an intent was
// confirmed is then asked again until patience ends. A draft without one needs no
// evidence: it is left behind once whatever confirm a power cut took the intent
// of would show.
func (t *turn) unknown(what string) Decision {
	d := *t.c.Draft
	switch {
	case !d.Intended && t.aged() && t.c.run.absent:
		return t.gone() // what is not there is nobody's to delete, or a stranger's
	case !d.Intended && t.aged():
		t.c.run = run{looked: t.c.run.looked}
		return t.call(OpDelete)
	case !d.Intended:
		return t.wait(t.settling(), fmt.Sprintf(
			"campaign %d is not left behind before a confirm that the record may not know of has had time to take effect: %s", d.ID, what))
	}
	t.c.Denials++
	if end := later(t.c.Since, d.For).Add(t.Patience); !t.now.Before(end) {
		// The budgets keep what they hold for it: it may have been spent.
		return t.unresolved(Reason{Code: ReasonUnverifiable, Step: OpConfigure, Message: fmt.Sprintf(
			"campaign %d may or may not have been sent: its confirm had no clear outcome, and %s", d.ID, what)})
	}
	pause := t.backoff(t.c.Denials, t.c.Key)
	if t.now.Sub(t.c.Since) > t.Patience {
		pause = t.LookAgain // it is meant for later, and shows when it is sent
	}
	return t.wait(pause, fmt.Sprintf("whether campaign %d was confirmed cannot be seen: %s; it is asked again", d.ID, what))
}

// gone goes on once the draft can no longer be confirmed by anybody. What the
// events tell is looked at before anything is made, or said to be over.
func (t *turn) gone() Decision {
	t.c.Denials = 0
	if !t.c.run.looked {
		t.c.run.left = true
		return t.call(OpLook)
	}
	t.c.run = run{looked: true}
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

// ours says that a read does not speak against its campaign being the one of the
// record. Most gateways do not show everything.
func (t *turn) ours(o Outcome) bool {
	marked, mark := marked(t.c.Request.Description, t.c.Key), Mark(t.c.Key)
	switch {
	case strings.Contains(o.Description, mark):
		return true
	case o.Description != "" && !strings.HasPrefix(marked, strings.TrimSuffix(o.Description, "…")):
		return false
	case o.Name != "" && t.c.Request.Name != "": // without, it was rebuilt from its events
		return o.Name == t.c.Request.Name
	}
	return true
}

// strangers has a number that belongs to somebody else: the gateway was reset, or
// is another one. Nothing of theirs is touched.
func (t *turn) strangers() Decision {
	if d := t.c.Draft; !d.Intended || d.Disarmed {
		return t.gone()
	}
	return t.unresolved(Reason{Code: ReasonStranger, Step: OpStatus, Message: fmt.Sprintf(
		"campaign %d at the gateway is somebody else's: it does not bear %s; whether ours was sent cannot be established", t.c.Draft.ID, Mark(t.c.Key))})
}

// elsewhere says that a draft's number was given by another gateway than the one
// that is configured now. A record of an earlier version does not say, and counts
// as this one's.
func (t *turn) elsewhere(d Bound) bool {
	if d.Gateway == "" || d.Gateway == t.gateway {
		return false
	}
	for _, moved := range t.MovedFrom {
		if d.Gateway == moved {
			return false
		}
	}
	return true
}

// stranded has a draft at another gateway. Its number is never called here. Without
// an intent it is left behind; with one the campaign waits, visibly, for the
// gateway to come back, and in the end a person is asked.
func (t *turn) stranded() Decision {
	d := *t.c.Draft
	switch {
	case t.c.Confirmed == nil && (d.Disarmed || !d.Intended && t.c.run.looked):
		return t.gone()
	case t.c.Confirmed == nil && !d.Intended:
		return t.call(OpLook)
	case d.Stranded.IsZero():
		d.Stranded = t.now
		t.draft(func(kept *Bound) { kept.Stranded = t.now })
	}
	switch sending := t.c.State == Sending; {
	case sending && !t.now.Before(t.until()):
		return t.lastCount() // that it is being sent was seen; what is missing is the end
	case !sending && !t.now.Before(d.Stranded.Add(t.Patience)):
		return t.unresolved(Reason{Code: ReasonOtherGateway, Message: fmt.Sprintf(
			"campaign %d was made at %s, and %s is configured now: whether it was sent cannot be established from here", d.ID, d.Gateway, t.gateway)})
	}
	return t.wait(t.Patience/6, fmt.Sprintf(
		"campaign %d was made at %s, and %s is configured now: no call about it is made here; put gateway.url back, or say that it only moved (gateway.moved_from)", d.ID, d.Gateway, t.gateway))
}

// aged says that the draft's intent has certainly stood for S, or that whatever
// intent a power cut took back has.
func (t *turn) aged() bool { return t.c.Draft.Settled || t.c.Draft.Aged+t.age >= t.Settle }

// settling is how long it takes until it has.
func (t *turn) settling() time.Duration {
	left := t.Settle - t.c.Draft.Aged - t.age
	return max(left, 0) + t.Settle/20 + 50*time.Millisecond
}
