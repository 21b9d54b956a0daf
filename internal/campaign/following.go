package campaign

import (
	"fmt"
	"time"
)

// After the confirm: statistics until the end, or until it is given up.

// start is when sending begins.
func (t *turn) start() time.Time {
	if at := t.c.Confirmed.For; !at.IsZero() {
		return at
	}
	return t.c.Confirmed.At
}

// until is when the statistics are followed no further.
func (t *turn) until() time.Time {
	from := t.start()
	if t.c.Followed != nil {
		from = later(from, t.c.Followed.At)
	}
	return from.Add(t.GiveUp)
}

// follow goes on with a campaign whose figures never added up, as long again as at
// first.
func (t *turn) follow(in Follow) Decision {
	switch had := t.c.Followed; {
	case t.c.State == Unreconciled:
	case had != nil && had.By == in.By:
		return Decision{Next: t.c} // the same wish again
	default:
		return Decision{Next: t.c, Refused: fmt.Sprintf("campaign %s is %s: only one that is unreconciled can be followed again", t.c.Key, t.c.State)}
	}
	t.c.Followed = &Followed{By: in.By, Actor: in.Actor, At: t.now}
	t.c.Tries, t.c.Missing = 0, 0
	t.become(Sending)
	if t.elsewhere(*t.c.Draft) {
		return t.stranded()
	}
	t.c.Wake = t.now.Add(t.Lease)
	return t.saveAndCall(OpStats)
}

// nextPoll is when the statistics are read again.
func (t *turn) nextPoll() time.Time {
	since := max(t.now.Sub(t.start()), 0)
	from := t.now
	if start := t.start(); t.c.State == Confirmed && start.After(from) {
		// Nothing to count before; but whether it still stands at the gateway
		// is looked at once more while something can be done about it.
		if look := start.Add(-t.LookBefore); look.Sub(t.now) > t.LookBefore {
			return look
		}
		from = start
	}
	pause := t.pollPause(since)
	return from.Add(pause + spread(t.c.Key, t.c.StatsN, pause/8))
}

// followed takes a statistic, or what came in its place.
func (t *turn) followed(o Outcome) Decision {
	late := !t.now.Before(t.until())
	switch {
	case o.Kind == OK && !t.ours(o):
		if late {
			return t.lastCount()
		}
		return t.noNews("the gateway shows somebody else's campaign under this number")
	case o.Kind == OK && o.Op == OpStats:
		return t.counted(o.Stats, late)
	case late:
		return t.lastCount()
	case o.answered() && o.Kind != OK && o.Op == OpStats:
		return t.call(OpStatus)
	case o.Kind == OK && o.Status == StatusUnconfirmed:
		return t.lost(unconfirmed, o)
	case o.Kind == OK:
		return t.seen(o.Status)
	case o.answered():
		// Nothing shows it: that proves nothing, nor would it if it were said more
		// often. Some gateways show a campaign only once it is being sent.
		return t.noNews("the gateway does not show it" + because(o))
	default:
		_, why := t.pause(o)
		return t.noNews(why)
	}
}

// noNews looks again later.
func (t *turn) noNews(why string) Decision {
	pause := t.pollPause(max(t.now.Sub(t.start()), 0))
	if t.c.Tries > 0 {
		pause = max(pause, t.backoff(t.c.Tries, t.c.Key))
	}
	return t.wait(pause, why)
}

// counted takes a statistic.
func (t *turn) counted(s Stats, late bool) Decision {
	t.c.Tries = 0
	done := s.Status == StatusCompleted && s.Reconciled() && s.Differs(t.c.Quote) == ""
	said := s.Status
	if t.c.Stats != nil && (s.before(*t.c.Stats) || s.Uncounted && !t.c.Stats.Uncounted) {
		s = *t.c.Stats // read from a replica that lags, or does not count: nothing goes back
		if said == StatusFailed {
			s.Status = said // but no replica knows of a failure too early
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
		return t.over(Completed)
	case late:
		t.c.Stats = &s
		return t.lastCount()
	case said == StatusUnconfirmed:
		return t.lost(unconfirmed, Outcome{Op: OpStats})
	case changed:
		t.announceStats(s, false)
	}
	return t.seen(said)
}

// seen goes on following a campaign that stands at the gateway with a status.
func (t *turn) seen(s Status) Decision {
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

// lost counts a read that shows the confirmed campaign unconfirmed. One such read
// may be a replica that lags; several in a row are the truth.
// Of one that was seen being sent it is no news: nothing goes back.
func (t *turn) lost(what string, o Outcome) Decision {
	if t.c.State == Sending {
		return t.noNews(what + ", and it was seen being sent")
	}
	t.c.Missing++
	if t.c.Missing >= t.Vanished {
		return t.end(Failed, EventFailed, Reason{Code: ReasonVanished, Step: o.Op, HTTP: o.HTTP, Gateway: o.Words, Message: fmt.Sprintf(
			"campaign %d was confirmed at %s by the gateway's word, and now %s: ask the gateway whether it was sent", t.c.Draft.ID, t.c.Confirmed.At.Format(time.RFC3339), what)})
	}
	return t.wait(t.backoff(t.c.Missing+4, t.c.Key), what+"; it is looked at again")
}

// lastCount gives up following: the last statistic known is the last one told, and
// nobody calls the campaign completed over it. One that never showed that it was
// sent is not said to be.
func (t *turn) lastCount() Decision {
	if s := t.c.Stats; t.c.State != Sending && (s == nil || s.Sent == 0 && !s.Status.running()) {
		return t.unresolved(Reason{Code: ReasonNeverSeen, Step: OpStats, Message: fmt.Sprintf(
			"campaign %d was confirmed at %s by the gateway's word, and for %s nothing has shown that it was sent", t.c.Draft.ID, t.c.Confirmed.At.Format(time.RFC3339), t.GiveUp)})
	}
	s := Stats{Status: StatusUnknown, Uncounted: true}
	if t.c.Stats != nil {
		s = *t.c.Stats
	}
	t.announceStats(s, true)
	d := t.over(Unreconciled)
	d.Next.Waiting = fmt.Sprintf("the statistics did not add up within %s of the start; they are followed no further", t.GiveUp)
	return d
}

func (t *turn) announceStats(s Stats, last bool) {
	t.c.Stats = &s
	t.c.StatsN++
	t.emit(Event{Type: EventStats, N: t.c.StatsN, Stats: &s, Last: last, Differs: s.Differs(t.c.Quote)})
}

func (t *turn) failed() Decision {
	return t.end(Failed, EventFailed, Reason{Code: ReasonGateway, Step: OpStatus, Message: fmt.Sprintf(
		"the gateway says that campaign %d failed (status 4): ask the gateway what was sent", t.c.Draft.ID)})
}
