package campaign

import (
	"fmt"
	"time"
)

// Campaigns with personal texts hold their people, from just before the upload until the
// end of the sending. The gateway has one contact for each number, whose fields each upload
// overwrites, and it may read them as late as when a message leaves. So of two campaigns
// that give somebody different values, the later one waits before it uploads anything.
//
// The record says that a campaign holds before it asks for its people (Held), and that it
// does not any more before it gives them up. So whoever waits behind it can see in its
// record whether that is still for something: a hold that a crash left behind counts for
// nothing.
//
// Nobody waits while he holds, and who waits does so only for holds and for those who came
// before. So there is no deadlock.

// uploadLands is how long after its save an upload may still take effect: two steps of ten
// minutes at the gateway, the wait for their permits, and a gateway that is slow to obey.
// uploadLeaves is until when it may leave.
const uploadLands, uploadLeaves = 30 * time.Minute, 5 * time.Minute

// Behind says which campaign another one waits behind.
type Behind struct {
	Key   Key
	State State // of its record; empty: there is none any more
	Waits bool  // it waits itself, and came first
	// From is when it is sent, or will be; zero: nobody knows yet. Recipients are those of
	// its quote; zero: it has none.
	From       time.Time
	Recipients int64
	Lapses     time.Time // without a word of it, it is waited for no longer
}

// MayUpload says that an upload may still leave that was saved with this record. A run that
// was held up longer must not: others may be told by then that nothing can arrive any more.
func (c Campaign) MayUpload(now time.Time) bool {
	l := c.List
	return l != nil && (l.Landing.IsZero() || now.Before(l.Landing.Add(uploadLeaves-uploadLands)))
}

// Holds says whether a campaign with personal texts may hold its people at a moment.
func (c Campaign) Holds(now time.Time) bool {
	switch l := c.List; {
	case l == nil: // rebuilt from its events
		return c.State == Confirming || c.State == Confirmed || c.State == Sending || c.looking()
	case now.Before(l.Landing):
		return true
	case c.State.Final() && !c.looking():
		return false
	default:
		return !l.Held.IsZero()
	}
}

// AsAhead is what those hear of the campaign who wait behind it.
func (c Campaign) AsAhead() Behind {
	b := Behind{Key: c.Key, State: c.State}
	if c.Quote != nil {
		b.Recipients = c.Quote.Goal.Valid
	}
	if c.Confirmed != nil {
		b.From = later(c.Confirmed.At, c.Confirmed.For)
	} else {
		b.From = c.Request.At
	}
	return b
}

// claims says that the campaign asks for its people before it uploads them.
func (t *transition) claims() bool { return t.c.Request.Personal() }

// uploadOrClaim puts the people into the list. With personal texts it saves before that
// that it holds them, and asks for them.
func (t *transition) uploadOrClaim(save bool) Decision {
	if t.claims() {
		t.c.run.onlyUpload = t.c.List.Landing.IsZero()
		t.list(func(l *List) {
			l.Held, l.Landing, l.Claim, l.Behind = t.now, t.now.Add(uploadLands), 0, ""
			l.Uploaded = time.Time{}
		})
		t.busyFor(uploadLeases*t.Lease, "its recipients are put into the contact list")
		return t.saveAndCall(OpClaim)
	}
	if save {
		t.busyFor(uploadLeases*t.Lease, "its recipients are put into the contact list")
		return t.saveAndCall(OpUpload)
	}
	return t.call(OpUpload)
}

// landed says that the upload under way can take effect no more, or never left. One before
// it that was not answered still can.
func (t *transition) landed() {
	if t.c.run.onlyUpload {
		t.list(func(l *List) { l.Landing = time.Time{} })
	}
}

// claimed takes the answer of whoever keeps the claims, before an upload.
func (t *transition) claimed(o Outcome) Decision {
	if o.Kind == OK {
		t.list(func(l *List) { l.Claim = o.Claim })
		return t.call(OpUpload)
	}
	t.list(func(l *List) { l.Held = time.Time{} })
	t.landed() // nothing of it has left
	if o.Kind != Refused {
		return t.wait(t.pause(o))
	}
	t.list(func(l *List) { l.Behind = o.Behind.Key.String() })
	pause := min(t.pollPause(t.now.Sub(t.c.Since)), time.Minute)
	return t.wait(pause+jitter(t.c.Key, 0, pause/4), t.behindWords(*o.Behind))
}

// stillHeld looks, as the last thing before money is reserved, whether the people are still
// held. A power cut may have taken that back, or a person, and somebody else may have
// uploaded meanwhile.
func (t *transition) stillHeld() Decision {
	if t.claims() && !t.FieldsFrozen {
		return t.call(OpClaim)
	}
	return t.reserve()
}

// heldStill takes the answer.
func (t *transition) heldStill(o Outcome) Decision {
	switch {
	case o.Kind == OK && o.Claim == t.c.List.Claim:
		return t.reserve()
	case o.Kind == OK, o.Kind == Refused:
		return t.uploadAnew("its people were held no longer, and others may have given them other values")
	}
	return t.retreat(o)
}

// behindWords says behind whom it waits, and until when. What another source calls its
// campaigns is none of this one's business.
func (t *transition) behindWords(b Behind) string {
	who := "campaign " + b.Key.String()
	if b.Key.Source != t.c.Key.Source {
		who = "a campaign of " + b.Key.Source
	}
	const same = " gives some of the same people other values"
	at := func(when time.Time) string { return when.UTC().Format(time.RFC3339) }
	ends := later(t.now, b.From.Add(t.lastsAlone(b.Recipients)))
	switch {
	case b.State == "":
		return fmt.Sprintf("%s%s, and its record is lost: it is waited for until %s", who, same, at(b.Lapses))
	case b.Waits:
		return fmt.Sprintf("%s%s, came first, and waits itself: this one comes after it", who, same)
	case b.State == Unresolved:
		return fmt.Sprintf("%s%s, and nobody can say whether it is being sent: staffetta resolve, or it is looked at for %s", who, same, roundedDuration(t.GiveUp))
	case b.From.After(t.now) && b.Recipients > 0:
		return fmt.Sprintf("%s%s, and is to be sent at %s: this one comes after it, at about %s", who, same, at(b.From), at(ends))
	case b.State == Confirmed, b.State == Sending:
		return fmt.Sprintf("%s%s, and is being sent: this one comes after it, at about %s", who, same, at(ends))
	}
	return fmt.Sprintf("%s%s, and is about to be sent: this one comes after it", who, same)
}
