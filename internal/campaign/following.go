package campaign

import (
	"fmt"
	"time"
)

// After the confirm: the statistics are followed until the end, or until they are given
// up.

// sendingStart is when sending begins.
func (t *transition) sendingStart() time.Time {
	if at := t.c.Confirmed.For; !at.IsZero() {
		return at
	}
	return t.c.Confirmed.At
}

// followedUntil is when the following of the statistics ends.
func (t *transition) followedUntil() time.Time {
	from := t.sendingStart()
	if t.c.Followed != nil {
		from = later(from, t.c.Followed.At)
	}
	return from.Add(t.GiveUp)
}

// follow goes on with a campaign whose figures never added up. It is followed for as
// long as the first time.
func (t *transition) follow(in Follow) Decision {
	switch had := t.c.Followed; {
	case t.c.State == Unreconciled:
	case had != nil && had.By == in.By:
		return Decision{Next: t.c} // the same wish again
	default:
		return Decision{Next: t.c, Objection: fmt.Sprintf("campaign %s is %s: only one that is unreconciled can be followed again", t.c.Key, t.c.State)}
	}
	t.c.Followed = &Followed{By: in.By, Actor: in.Actor, At: t.now}
	t.c.Tries, t.c.Missing = 0, 0
	t.become(Sending)
	if t.atOtherGateway(*t.c.Draft) {
		return t.stranded()
	}
	t.c.Wake = t.now.Add(t.Lease)
	return t.saveAndCall(OpStats)
}

// nextPoll is when the statistics are read again.
func (t *transition) nextPoll() time.Time {
	since := max(t.now.Sub(t.sendingStart()), 0)
	from := t.now
	if start := t.sendingStart(); t.c.State == Confirmed && start.After(from) {
		// There is nothing to count before the start. But it is checked once more that
		// the campaign still stands at the gateway, while there is time to do something
		// about it.
		if look := start.Add(-t.LookBefore); look.Sub(t.now) > t.LookBefore {
			return look
		}
		from = start
	}
	pause := t.pollPause(since)
	return from.Add(pause + jitter(t.c.Key, t.c.StatsN, pause/8))
}

// followed takes a statistic, or the answer that came instead of one.
func (t *transition) followed(o Outcome) Decision {
	late := !t.now.Before(t.followedUntil())
	switch {
	case o.Kind == OK && !t.bearsOurMark(o):
		if late {
			return t.stopFollowing()
		}
		return t.lookAgain("the gateway shows somebody else's campaign under this number")
	case o.Kind == OK && o.Op == OpStats:
		return t.counted(o.Stats, late)
	case late:
		return t.stopFollowing()
	case o.answered() && o.Kind != OK && o.Op == OpStats:
		return t.call(OpStatus)
	case o.Kind == OK && o.Status == StatusUnconfirmed:
		return t.countUnconfirmed(unconfirmed, o)
	case o.Kind == OK:
		return t.followStatus(o.Status)
	case o.answered():
		// No read shows the campaign. That proves nothing, however often it is said:
		// some gateways show a campaign only once it is being sent.
		return t.lookAgain("the gateway does not show it" + waitingFor(o))
	default:
		_, why := t.pause(o)
		return t.lookAgain(why)
	}
}

// lookAgain looks again later.
func (t *transition) lookAgain(why string) Decision {
	pause := t.pollPause(max(t.now.Sub(t.sendingStart()), 0))
	if t.c.Tries > 0 {
		pause = max(pause, t.backoff(t.c.Tries, t.c.Key))
	}
	return t.wait(pause, why)
}

// counted takes a statistic.
func (t *transition) counted(s Stats, late bool) Decision {
	t.c.Tries = 0
	done := s.Status == StatusCompleted && s.Reconciled() && s.Differs(t.c.Quote) == ""
	said := s.Status
	if t.c.Stats != nil && (s.before(*t.c.Stats) || s.Uncounted && !t.c.Stats.Uncounted) {
		s = *t.c.Stats // the read is from a replica that lags, or without counts: the figures never go back
		if said == StatusFailed {
			s.Status = said // but a failure counts, from whatever replica
		}
	} else {
		t.measure(s)
	}
	changed := t.c.Stats == nil && (s.Sent > 0 || s.Status != StatusConfirmed) || t.c.Stats != nil && !t.c.Stats.Same(s)
	switch {
	case s.Status == StatusFailed:
		t.announceStats(s, true)
		return t.failed()
	case done:
		t.announceStats(s, true)
		return t.saveFinal(Completed)
	case late:
		t.c.Stats = &s
		return t.stopFollowing()
	case said == StatusUnconfirmed:
		return t.countUnconfirmed(unconfirmed, Outcome{Op: OpStats})
	case changed:
		t.announceStats(s, false)
	}
	return t.followStatus(said)
}

// followStatus goes on following a campaign that stands at the gateway with a status.
func (t *transition) followStatus(s Status) Decision {
	t.c.Missing = 0
	switch s {
	case StatusFailed:
		return t.failed()
	case StatusSending, StatusCompleted:
		t.become(Sending)
	}
	t.c.Waiting = ""
	t.c.Wake = t.nextPoll()
	return t.save()
}

const unconfirmed = "the gateway says that the campaign is not confirmed"

// countUnconfirmed counts a read that shows the confirmed campaign as unconfirmed. One
// such read may come from a replica that lags; several in a row are believed. If the
// campaign was seen being sent, such a read counts for nothing.
func (t *transition) countUnconfirmed(what string, o Outcome) Decision {
	if t.c.State == Sending {
		return t.lookAgain(what + ", and it was seen being sent")
	}
	t.c.Missing++
	if t.c.Missing >= t.Vanished {
		return t.end(Failed, EventFailed, Reason{Code: ReasonVanished, Step: o.Op, Cause: o.Cause, HTTP: o.HTTP, Gateway: o.Words, Message: fmt.Sprintf(
			"campaign %d was confirmed at %s by the gateway's word, and now %s: ask the gateway whether it was sent", t.c.Draft.ID, t.c.Confirmed.At.Format(time.RFC3339), what)})
	}
	return t.wait(t.backoff(t.c.Missing+4, t.c.Key), what+"; it is looked at again")
}

// stopFollowing ends the following of a campaign whose figures did not add up. The last
// known statistic is published as the last one, and the campaign is not called
// completed. If nothing ever showed that it was sent, it is unresolved.
func (t *transition) stopFollowing() Decision {
	if s := t.c.Stats; t.c.State != Sending && (s == nil || s.Sent == 0 && !s.Status.running()) {
		return t.unresolved(Reason{Code: ReasonNeverSeen, Step: OpStats, Message: fmt.Sprintf(
			"campaign %d was confirmed at %s by the gateway's word, and for %s nothing has shown that it was sent", t.c.Draft.ID, t.c.Confirmed.At.Format(time.RFC3339), t.GiveUp)})
	}
	s := Stats{Status: StatusUnknown, Uncounted: true}
	if t.c.Stats != nil {
		s = *t.c.Stats
	}
	t.announceStats(s, true)
	d := t.saveFinal(Unreconciled)
	d.Next.Waiting = fmt.Sprintf("the statistics did not add up within %s of the start; they are followed no further", t.GiveUp)
	return d
}

func (t *transition) announceStats(s Stats, last bool) {
	t.c.Stats = &s
	t.c.StatsN++
	t.emit(Event{Type: EventStats, N: t.c.StatsN, Stats: &s, Last: last, Differs: s.Differs(t.c.Quote)})
}

func (t *transition) failed() Decision {
	return t.end(Failed, EventFailed, Reason{Code: ReasonGateway, Step: OpStatus, Message: fmt.Sprintf(
		"the gateway says that campaign %d failed (status 4): ask the gateway what was sent", t.c.Draft.ID)})
}
