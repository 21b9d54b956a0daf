package campaign

import "time"

// The confirm, and what is known of it.

// happened says that a confirm took effect.
func (s Status) happened() bool {
	return s == StatusConfirmed || s == StatusSending || s == StatusCompleted || s == StatusFailed
}

// running says that it took effect and can no longer be undone.
func (s Status) running() bool { return s.happened() && s != StatusConfirmed }

// clocksDiffer is by how much a worker's clock may be behind the gateway's, so that
// what it takes for the future is refused as the past.
const clocksDiffer = 5 * time.Minute

// confirmed takes the answer of the one confirm the intent permitted. A success
// counts if it says so: anything can answer 200.
func (t *turn) confirmed(o Outcome) Decision {
	switch {
	case o.Kind == OK && o.Status.happened() && o.Status != StatusFailed:
		return t.established(o.Status, o.ConfirmedAt, false)
	case o.Kind == NotAttempted:
		// The only run that might have called says that it did not. That was
		// no attempt, and no intent either: the draft is this run's own again.
		t.c.Rounds--
		t.draft(func(d *Bound) { d.Intended = false })
		return t.retreat(o)
	case o.Kind == Refused:
		// Unless the instant has passed by the gateway's clock, and that is why:
		// then a later draft is confirmed at once, or it is too late.
		if at := t.c.Draft.For; at.IsZero() || at.Sub(t.now) > clocksDiffer+t.ConfirmWithin || noCredit(o) {
			why := refusal(o)
			t.c.Reason = &why
		}
	}
	return t.call(OpStatus)
}

// readBack takes the status of a campaign whose confirm has no known outcome. That
// it happened is believed at once, so it is looked at early and again. That it did
// not is never believed from a read: after S the draft is withdrawn, which shows it.
func (t *turn) readBack(o Outcome) Decision {
	switch {
	case o.Kind == OK && !t.ours(o):
		return t.strangers()
	case o.Kind == OK && o.Status.happened():
		return t.established(o.Status, time.Time{}, true)
	case !t.aged():
		// It may still take effect. Only success could be believed now.
		t.c.Missing++
		return t.wait(min(t.backoff(t.c.Missing, t.c.Key), t.settling()), "the confirm had no clear outcome; it is not concluded that it failed before it has had time to take effect")
	case !o.answered():
		return t.wait(t.pause(o))
	}
	t.c.Missing = 0
	t.draft(func(d *Bound) { d.Settled = true })
	switch {
	case t.c.Cancel != nil:
		return t.withdraw(Cancelling, nil)
	case t.c.Reason != nil && t.c.Reason.Code == ReasonNoCredit && t.c.Request.Limits.OnNoCredit == Wait:
		return t.refusedCredit()
	case t.c.Reason != nil && t.c.Reason.HTTP != 404:
		return t.withdraw(Rejecting, t.c.Reason)
	}
	return t.withdraw(Abandoning, nil)
}

// established says that the campaign is confirmed, once, and follows it.
func (t *turn) established(s Status, at time.Time, readBack bool) Decision {
	t.c.Reason, t.c.Hold = nil, nil
	t.c.Tries, t.c.Denials, t.c.Missing = 0, 0, 0
	t.c.run = run{}
	if at.IsZero() {
		at = t.now
	}
	if t.c.Confirmed == nil {
		done := Confirmation{At: at, For: t.c.Draft.For, ReadBack: readBack}
		if !t.c.Draft.Intended {
			// The intent is not in the record (a power cut took it back), the
			// confirm is a fact all the same.
			done.For = t.c.Request.At
		}
		t.c.Confirmed = &done
		t.emit(Event{Type: EventConfirmed, N: 1, Confirmed: &done, Quote: t.c.Quote, Approval: t.c.Approval})
	}
	if cancel := t.c.Cancel; cancel != nil && cancel.Refused == "" {
		if s == StatusConfirmed && t.c.Confirmed.For.After(t.now) {
			return t.withdraw(Cancelling, nil) // it can still be taken back
		}
		kept := *cancel
		kept.Refused = "it came too late: the gateway had already confirmed the campaign and could not take it back"
		if t.c.Draft.Delete != "" {
			kept.Refused = "a delete was sent, and it was sent all the same"
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
