package campaign

import "time"

// The end of a campaign's own recipients: some time after the campaign is over, its lists
// are removed from the gateway, and what came with the request from the streams. The
// gateway's contacts stay: they are its customer's.

// uncleared says that the campaign is over, and its own recipients are still kept.
func (c Campaign) uncleared() bool {
	return c.Request.Audience != nil && c.State.Final() && c.Cleared.IsZero() && !c.Wake.IsZero()
}

// clearAt is when the campaign's own recipients are removed; zero: never, or not yet.
func (t *transition) clearAt() time.Time {
	if t.c.Request.Audience == nil || !t.c.State.Final() || !t.c.Cleared.IsZero() {
		return time.Time{}
	}
	keep := t.RecipientsKeep
	if t.Retention > 0 {
		keep = min(keep, t.Retention) // whom it was written to is not kept longer than what
	}
	at := t.c.Since.Add(keep)
	if f := t.c.Forgotten; f != nil {
		at = earlier(at, f.At)
	}
	return later(at, t.looksUntil()) // an unresolved campaign may still be sent
}

// clearingIsDue says that they are removed now.
func (t *transition) clearingIsDue() bool {
	at := t.clearAt()
	return !at.IsZero() && !t.now.Before(at) && !t.c.unsettled()
}

// nextDue is when a campaign that is over is looked at again; zero: never.
func (t *transition) nextDue() time.Time {
	if look := t.nextLook(); !look.IsZero() {
		return look
	}
	return t.clearAt()
}

// clear removes them. Only what the gateway shows under a name of ours is removed there:
// the record may have been lost, and lists of it have been left behind.
func (t *transition) clear() Decision {
	if t.inOtherAccount() || t.c.List != nil && t.atOtherGateway(Bound{Gateway: t.c.List.Gateway}) {
		return t.call(OpDiscard) // no call is made here about what is elsewhere
	}
	return t.call(OpFind)
}

// clearAnswered takes the answers. A crash repeats it from the beginning.
func (t *transition) clearAnswered(o Outcome) Decision {
	switch {
	case o.Op == OpDiscard && o.Kind == OK:
		t.c.Cleared, t.c.run = t.now, run{}
		t.c.Wake = t.nextDue()
		return t.save()
	case o.Op == OpFind && o.Kind == OK && len(o.Lists) > 0:
		t.c.run.lists = o.Lists
		return t.call(OpUnlist)
	case o.Op == OpFind && o.Kind == Refused && t.c.List != nil && t.c.List.ID != 0:
		t.c.run.lists = []int64{t.c.List.ID} // a gateway without that search
		return t.call(OpUnlist)
	case o.Op != OpDiscard && (o.Kind == OK || o.Kind == Refused || !t.now.Before(t.clearAt().Add(t.GiveUp))):
		return t.call(OpDiscard) // of a list that the gateway does not remove, the record keeps the number
	}
	t.c.run = run{}
	pause := max(o.RetryAfter, t.BackoffMin, min(t.LookAgain, t.RecipientsKeep)) // what is kept for seconds is not left for an hour
	t.c.Wake = t.now.Add(pause + jitter(t.c.Key, 0, pause/4))
	return t.save()
}
