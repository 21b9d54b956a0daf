package campaign

import "time"

// The confirm, and what is known of its outcome.

// happened says that a confirm took effect.
func (s Status) happened() bool {
	return s == StatusConfirmed || s == StatusSending || s == StatusCompleted || s == StatusFailed
}

// running says that it took effect and can no longer be undone.
func (s Status) running() bool { return s.happened() && s != StatusConfirmed }

// clocksDiffer is by how much a worker's clock may be behind the gateway's. With such a
// clock, an instant that the worker takes for the future is refused as past.
const clocksDiffer = 5 * time.Minute

// confirmed takes the answer to the one confirm that the intent permitted. A success
// counts only if it gives the status: a proxy can answer 200 too.
func (t *transition) confirmed(o Outcome) Decision {
	switch {
	case o.Kind == OK && o.Status.happened() && o.Status != StatusFailed:
		return t.established(o.Status, o.ConfirmedAt, false)
	case o.Kind == NotAttempted:
		// The only run that could have made the call says that it did not. So there was
		// no attempt, and the intent is void: the draft is this run's own again.
		t.c.Rounds--
		t.draft(func(d *Bound) { d.Intended = false })
		return t.retreat(o)
	case o.Kind == Refused:
		// The refusal is the reason, unless the instant may have passed by the
		// gateway's clock. Then a later draft is confirmed at once, or found to be too
		// late.
		if at := t.c.Draft.For; at.IsZero() || at.Sub(t.now) > clocksDiffer+t.ConfirmWithin || o.Cause == NoCredit {
			why := reasonOf(o)
			t.c.Reason = &why
		}
	}
	return t.call(OpStatus)
}

// readBack takes the status of a campaign whose confirm has no known outcome. A status
// that shows the confirm is believed at once, so it is looked at early and often. A
// status that does not show it is never believed: after S the draft is withdrawn, and
// the withdrawal gives the evidence.
func (t *transition) readBack(o Outcome) Decision {
	switch {
	case o.Kind == OK && !t.bearsOurMark(o):
		return t.belongsToOther()
	case o.Kind == OK && o.Status.happened():
		return t.established(o.Status, time.Time{}, true)
	case !t.pastSettle():
		// The confirm may still take effect, so only a success is believed now.
		t.c.Missing++
		return t.wait(min(t.backoff(t.c.Missing, t.c.Key), t.untilSettle()), "the confirm had no clear outcome; it is not concluded that it failed before it has had time to take effect")
	case !o.answered():
		return t.wait(t.pause(o))
	}
	t.c.Missing = 0
	t.draft(func(d *Bound) { d.Settled = true })
	switch {
	case t.c.Cancel != nil:
		return t.withdraw(Cancelling, nil)
	case t.c.Reason != nil && t.c.Reason.Code == ReasonNoCredit && t.c.Request.Limits.OnNoCredit == Wait:
		return t.creditRefused()
	case t.c.Reason != nil && t.c.Reason.Cause != NotFound:
		return t.withdraw(Rejecting, t.c.Reason)
	}
	return t.withdraw(Abandoning, nil)
}

// established publishes that the campaign is confirmed, once, and begins to follow it.
func (t *transition) established(s Status, at time.Time, readBack bool) Decision {
	t.c.Reason, t.c.Need = nil, nil
	t.c.Tries, t.c.Denials, t.c.Missing = 0, 0, 0
	t.c.run = run{}
	if at.IsZero() {
		at = t.now
	}
	if t.c.Confirmed == nil {
		done := Confirmation{At: at, For: t.c.Draft.For, ReadBack: readBack}
		if !t.c.Draft.Intended {
			// The intent is not in the record (a power cut took it back), but the
			// confirm is a fact.
			done.For = t.c.Request.At
		}
		t.c.Confirmed = &done
		t.emit(Event{Type: EventConfirmed, N: 1, Confirmed: &done, Quote: t.c.Quote, Approval: t.c.Approval})
	}
	if cancel := t.c.Cancel; cancel != nil && cancel.Failed == "" {
		if s == StatusConfirmed && t.c.Confirmed.For.After(t.now) {
			return t.withdraw(Cancelling, nil) // it can still be deleted before its instant
		}
		kept := *cancel
		kept.Failed = "it came too late: the gateway had already confirmed the campaign and could not take it back"
		if t.c.Draft.Delete != "" {
			kept.Failed = "a delete was sent, and it was sent all the same"
		}
		t.c.Cancel = &kept
	}
	t.become(Confirmed)
	if s.running() {
		t.become(Sending)
	}
	t.c.Wake = t.nextPoll()
	return t.save()
}
