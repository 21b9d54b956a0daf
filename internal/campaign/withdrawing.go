package campaign

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Withdrawing a draft: to start over (abandoning), because it was refused (rejecting),
// or because a person cancelled it (cancelling).
//
// That the gateway does not show a draft proves nothing. A draft is left behind only if
// no run can have confirmed it, or if it is disarmed: the gateway has shown that it is
// not confirmed, and no old call can confirm it any more. Configure disarms a draft.
// Its answer says where the campaign stands. And a campaign that is configured again
// has to be calculated again before any confirm, and no run does that.

// withdraw saves the state of a withdrawal, then begins it. The save comes first, so
// that no run can save an intent for a draft that is being withdrawn.
func (t *transition) withdraw(s State, why *Reason) Decision {
	t.giveUp(s, why)
	t.c.Wake = t.now.Add(t.Lease)
	t.save()
	d := t.nextWithdrawalCall()
	d.Save = true
	return d
}

// giveUp enters the state of a withdrawal, and saves nothing.
func (t *transition) giveUp(s State, why *Reason) {
	t.become(s)
	t.c.Reason = why
	if s != Abandoning {
		t.c.Need = nil
	}
	t.c.Denials = 0
	t.disarmOwn()
	t.c.run = run{eventsRead: t.c.run.eventsRead, madeDraft: t.c.run.madeDraft}
}

// disarmOwn disarms a draft that its own run gives up: only that run could have meant
// to confirm it, and it has not.
func (t *transition) disarmOwn() {
	if t.c.run.madeDraft && t.c.Draft != nil && !t.c.Draft.Intended {
		t.draft(func(d *Bound) { d.Disarmed = true })
	}
}

// draft changes what the record says of the draft. It changes a copy, so the loaded
// record stays as it is.
func (t *transition) draft(change func(*Bound)) {
	d := *t.c.Draft
	change(&d)
	t.c.Draft = &d
}

// nextWithdrawalCall makes the next call of a withdrawal.
func (t *transition) nextWithdrawalCall() Decision {
	d := t.c.Draft
	switch {
	case d == nil:
		return t.draftGone() // a record of an earlier version
	case t.atOtherGateway(*d):
		return t.stranded()
	case t.c.Confirmed != nil && d.Delete == "" && !t.c.run.eventsRead:
		return t.call(OpLook) // it may have been cancelled already, under a record that is lost
	case t.c.Confirmed != nil:
		return t.call(OpStatus) // see cancelling.go
	case d.Disarmed && t.c.run.madeDraft:
		return t.call(OpDelete)
	case !d.Disarmed && !t.c.run.eventsRead:
		return t.call(OpLook) // if the record has lost an intent, an event shows it
	}
	return t.call(OpStatus) // whose is it, and how does it stand? The run that made it knows
}

// configureAnswer is what configure answered in a withdrawal.
type configureAnswer int

const (
	notConfigured    configureAnswer = iota // configure was not called yet
	withoutEcho                             // a success without the campaign's status
	configureRefused                        // no
)

// withdrawn takes the answers of a withdrawal.
func (t *transition) withdrawn(o Outcome) Decision {
	switch {
	case t.c.Confirmed != nil:
		return t.cancelAnswered(o)
	case o.Op == OpStatus:
		return t.draftShown(o)
	case o.Op == OpConfigure:
		return t.reconfigured(o)
	default:
		return t.deleted(o)
	}
}

// draftShown takes a read of a draft that is being withdrawn: before configure, after
// it, and after the delete that has to make it vanish.
func (t *transition) draftShown(o Outcome) Decision {
	r := &t.c.run
	is := o.Kind == OK && o.Status == StatusUnconfirmed && o.ByID
	r.absent = o.absent()
	switch {
	case !o.answered():
		return t.wait(t.pause(o))
	case o.Kind == OK && !t.bearsOurMark(o):
		return t.belongsToOther()
	case o.Kind == OK && o.Status.happened():
		return t.established(o.Status, time.Time{}, true)
	case t.c.Draft.Disarmed && o.absent():
		return t.draftGone()
	case t.c.Draft.Disarmed:
		return t.call(OpDelete)
	case r.configured == notConfigured && !is && !(t.ConfigureRefusedOnceSent && o.Kind == Refused && !o.ByID && t.c.Draft.Delete == ""):
		// Configure is not called: no answer of it would be evidence. And it might undo
		// a confirmed campaign, or change another customer's.
		return t.tryAgainLater("no read shows it unconfirmed")
	case r.configured == notConfigured:
		r.shown = is
		return t.call(OpConfigure)
	case t.c.Draft.Delete == deleteAccepted && o.absent():
		return t.disarmed() // it was shown, and then seen to vanish
	case r.deleteAccepted:
		return t.tryAgainLater("a delete that was accepted left it standing, or nobody can say")
	case is && r.configured == withoutEcho:
		return t.disarmed() // shown unconfirmed after the configure
	case is:
		r.deleting = true
		return t.call(OpDelete)
	}
	return t.tryAgainLater("configure did not show that it is not confirmed, and no read does")
}

// reconfigured takes the answer to configure. The status CONFIGURED is evidence, for
// one of two reasons: a read by id showed this very draft just before, or it was
// measured that this gateway refuses to configure a confirmed campaign.
func (t *transition) reconfigured(o Outcome) Decision {
	r := &t.c.run
	switch {
	case !o.answered():
		return t.wait(t.pause(o))
	case o.Kind == OK && o.Status.happened():
		return t.established(o.Status, time.Time{}, true)
	case o.Kind == OK && o.Status == StatusUnconfirmed:
		return t.disarmed()
	case o.Kind == OK:
		r.configured = withoutEcho
	default:
		r.configured = configureRefused
	}
	return t.call(OpStatus)
}

// disarmed goes on with a draft that can no longer be confirmed. If it could have been
// before, that it is disarmed is saved before the delete: after the delete, nothing
// would show it.
func (t *transition) disarmed() Decision {
	t.c.Denials = 0
	saved := t.c.Draft.Intended && !t.c.Draft.Disarmed
	t.draft(func(d *Bound) { d.Disarmed = true })
	t.c.run = run{eventsRead: t.c.run.eventsRead}
	if saved {
		t.c.Wake = t.now.Add(t.Lease)
		return t.saveAndCall(OpDelete)
	}
	return t.call(OpDelete)
}

// deleted takes the answer to a delete. For a disarmed draft the answer does not
// matter: the delete only tidies up.
func (t *transition) deleted(o Outcome) Decision {
	switch o.Kind {
	case NotAttempted, Throttled, Unauthorised:
		return t.wait(t.pause(o))
	}
	switch r := &t.c.run; {
	case !r.deleting:
		return t.draftGone()
	case o.Kind == OK:
		// It is stored at once: after the delete, no read would show the draft.
		r.deleteAccepted = true
		t.draft(func(d *Bound) { d.Delete = deleteAccepted })
		return t.saveAndCall(OpStatus)
	case !o.answered():
		return t.wait(t.pause(o))
	}
	return t.tryAgainLater("neither configure nor delete is accepted")
}

// tryAgainLater ends a try that gave no evidence. A draft with an intent is asked about
// again until patience ends. A draft without an intent needs no evidence: a power cut
// may have taken an intent out of the record, but after S a confirm of it would show,
// and then the draft is left behind.
func (t *transition) tryAgainLater(what string) Decision {
	d := *t.c.Draft
	switch {
	case !d.Intended && t.pastSettle() && t.c.run.absent:
		return t.draftGone() // it is not there, or it is another customer's: there is nothing to delete
	case !d.Intended && t.pastSettle():
		t.c.run = run{eventsRead: t.c.run.eventsRead}
		return t.call(OpDelete)
	case !d.Intended:
		return t.wait(t.untilSettle(), fmt.Sprintf(
			"campaign %d is not left behind before a confirm that the record may not know of has had time to take effect: %s", d.ID, what))
	}
	t.c.Denials++
	if end := later(t.c.Since, d.For).Add(t.Patience); !t.now.Before(end) {
		// The budgets keep the reservation: the money may have been spent.
		return t.unresolved(Reason{Code: ReasonUnverifiable, Step: OpConfigure, Message: fmt.Sprintf(
			"campaign %d may or may not have been sent: its confirm had no clear outcome, and %s", d.ID, what)})
	}
	pause := t.backoff(t.c.Denials, t.c.Key)
	if t.now.Sub(t.c.Since) > t.Patience {
		pause = t.LookAgain // it is meant for later: at its instant it shows whether it is sent
	}
	return t.wait(pause, fmt.Sprintf("whether campaign %d was confirmed cannot be seen: %s; it is asked again", d.ID, what))
}

// draftGone goes on once no run can confirm the draft any more. The events are read
// before another draft is made, and before an end is published.
func (t *transition) draftGone() Decision {
	t.c.Denials = 0
	if !t.c.run.eventsRead {
		t.c.run.finished = true
		return t.call(OpLook)
	}
	t.c.run = run{eventsRead: true}
	switch t.c.State {
	case Cancelling:
		return t.end(Cancelled, EventCancelled, t.cancelled())
	case Rejecting:
		return t.end(Rejected, EventRejected, *t.c.Reason)
	}
	t.c.Draft = nil
	t.become(Requested) // not stored: for every other run the draft is still being abandoned
	return t.begin()
}

// bearsOurMark says that nothing in a read shows that the campaign is not the record's.
// Most gateways do not show everything.
func (t *transition) bearsOurMark(o Outcome) bool {
	marked, mark := marked(t.c.Request.Description, t.c.Key), Mark(t.c.Key)
	switch {
	case strings.Contains(o.Description, mark):
		return true
	case o.Description != "" && !strings.HasPrefix(marked, strings.TrimSuffix(o.Description, "…")):
		return false
	case o.Name != "" && t.c.Request.Name != "": // a record without a name was rebuilt from its events
		return o.Name == t.c.Request.Name
	}
	return true
}

// belongsToOther handles a number that belongs to another customer's campaign: the
// gateway was reset, or is another one. The other campaign is not touched.
func (t *transition) belongsToOther() Decision {
	if d := t.c.Draft; !d.Intended || d.Disarmed {
		return t.draftGone()
	}
	return t.unresolved(Reason{Code: ReasonStranger, Step: OpStatus, Message: fmt.Sprintf(
		"campaign %d at the gateway is somebody else's: it does not bear %s; whether ours was sent cannot be established", t.c.Draft.ID, Mark(t.c.Key))})
}

// atOtherGateway says that a draft's number was given by another gateway than the one
// that is configured now. A record of an earlier version names no gateway, and counts
// as made at this one.
func (t *transition) atOtherGateway(d Bound) bool {
	if t.inOtherAccount() {
		return true
	}
	if d.Gateway == "" || d.Gateway == t.gateway {
		return false
	}
	return !slices.Contains(t.MovedFrom, d.Gateway)
}

// DefaultAccount is the account of the settings gateway.*, where there are others.
const DefaultAccount = "default"

// inOtherAccount says that the campaign's account is not configured here. No call is made
// about it with the key of another one: there its number is another campaign, and its
// list another list.
func (t *transition) inOtherAccount() bool {
	return t.c.Account != "" && t.c.Account != cmp.Or(t.account, DefaultAccount)
}

// elsewhere says where a draft is to which no call can be made from here, and what is to
// be done.
func (t *transition) elsewhere(d Bound) (where, remedy string) {
	if t.inOtherAccount() {
		return fmt.Sprintf("campaign %d was made in the account %s, which is not configured here", d.ID, t.c.Account),
			"put the account back among the accounts"
	}
	return fmt.Sprintf("campaign %d was made at %s, and %s is configured now", d.ID, d.Gateway, t.gateway),
		"put gateway.url back, or say that it only moved (gateway.moved_from)"
}

// stranded handles a draft at another gateway. No call is made about its number here. A
// draft without an intent is left behind. With an intent the campaign waits visibly for
// the gateway to come back, and in the end a person is asked.
func (t *transition) stranded() Decision {
	d := *t.c.Draft
	where, remedy := t.elsewhere(d)
	switch {
	case t.c.Confirmed == nil && (d.Disarmed || !d.Intended && t.c.run.eventsRead):
		return t.draftGone()
	case t.c.Confirmed == nil && !d.Intended:
		return t.call(OpLook)
	case d.Stranded.IsZero():
		d.Stranded = t.now
		t.draft(func(kept *Bound) { kept.Stranded = t.now })
	}
	switch sending := t.c.State == Sending; {
	case sending && !t.now.Before(t.followedUntil()):
		return t.stopFollowing() // it was seen being sent; only the end is missing
	case !sending && !t.now.Before(d.Stranded.Add(t.Patience)):
		return t.unresolved(Reason{Code: ReasonOtherGateway, Message: where + ": whether it was sent cannot be established from here"})
	}
	return t.wait(t.Patience/6, where+": no call about it is made here; "+remedy)
}

// pastSettle says that the draft's intent has certainly stood for S. The same holds for
// an intent that a power cut took out of the record.
func (t *transition) pastSettle() bool { return t.c.Draft.Settled || t.c.Draft.Aged+t.age >= t.Settle }

// untilSettle is how long it takes until pastSettle.
func (t *transition) untilSettle() time.Duration {
	left := t.Settle - t.c.Draft.Aged - t.age
	return max(left, 0) + t.Settle/20 + 50*time.Millisecond
}
