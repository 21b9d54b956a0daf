package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// What lies still is looked at too, a part of it with each sweep. So whatever a list, a
// clock or a disk has missed is found in the end, and no moment has to bear a look at a
// million records.

// A look at all records takes a day, and one at all requests, each of which asks for a
// record, a week.
const recordsRound, requestsRound = streams.Day, 7 * streams.Day

// partOfRound is how many of so many messages a sweep looks at, and how many at least.
func (s *sweep) partOfRound(of uint64, takes time.Duration, least int) int {
	return max(least, int(float64(of)*float64(s.options.SweepEvery)/float64(takes)))
}

// goRound looks at the next part of the records. It finds open campaigns that are not
// listed, listed ones that are over or whose record is gone, and what has been kept for
// too long.
func (s *sweep) goRound(ctx context.Context) error {
	if s.all {
		return nil
	}
	r := &s.checkpoint.Round
	if r.Ended == nil {
		r.Ended = map[campaign.State]int{}
	}
	cfg := streams.Behind(r.Records)
	cfg.HeadersOnly = true
	from, to, left := r.Records, s.roster.until, s.partOfRound(s.info.State.Msgs, recordsRound, streams.WalkBatch-1)
	met := map[campaign.Key]bool{}
	for k, err := range s.records.Walk(ctx, cfg) {
		if err != nil {
			return err
		}
		if k.Sequence > s.roster.until {
			break // it has moved since
		}
		if left--; left < 0 {
			to = k.Sequence - 1
			break
		}
		e, _ := EntryOf(k)
		known := s.roster.see(e)
		met[e.Key] = true
		if e.Open() && !known {
			s.found.Strays++
		}
		if e.over() {
			r.Ended[e.State]++
		}
		if s.old(e) {
			if err := s.wakeOld(ctx, e); err != nil {
				return err
			}
		}
		if err := s.pause(ctx, streams.WalkBatch); err != nil {
			return err
		}
	}
	for _, e := range s.roster.entries() {
		if e.Sequence > from && e.Sequence <= to && !met[e.Key] {
			if err := s.lookFor(ctx, e); err != nil {
				return err
			}
		}
	}
	if r.Records = to; to == s.roster.until {
		s.checkpoint.Found.Ended = r.Ended
		*r = round{Requests: r.Requests}
	}
	return nil
}

// old says that a campaign ended so long ago that its text is to be forgotten, or its
// record to be made small.
func (s *sweep) old(e Entry) bool { return s.oldText(e) || s.oldWhole(e) }

func (s *sweep) oldText(e Entry) bool {
	keep := s.options.Retention
	return keep > 0 && e.over() && e.State.Forgettable() && !e.Forgotten && s.began.Sub(e.Since) >= keep
}

func (s *sweep) oldWhole(e Entry) bool {
	keep := s.options.KeepWhole
	return keep > 0 && e.over() && e.State != campaign.Unresolved && !e.Short && s.began.Sub(e.Since) >= keep
}

// oldAtOnce bounds how many of what is old a sweep wakes: when a setting is switched on
// these are all that ever ended, and timers wait behind them.
const oldAtOnce = 5000

// wakeOld wakes a campaign that is old. The rules look again; once they have done what
// is due its record says so, to every replica.
func (s *sweep) wakeOld(ctx context.Context, e Entry) error {
	if s.olds >= oldAtOnce || !s.losses.Pulling() {
		return nil
	}
	s.olds++
	id := "whole-"
	if s.oldText(e) {
		s.found.Outlived++
		id = "outlived-"
	}
	// Once a minute for all replicas: whoever is woken while a request of the campaign waits
	// for its turn does nothing, and would not be heard again for as long as the stream
	// remembers ids.
	if err := s.wake(ctx, e.Key, fmt.Sprint(id, e.Key, "@", s.began.Unix()/60), nil); err != nil {
		return err
	}
	return s.pause(ctx, sweepChunk)
}

// age looks for what has become too old since the last sweep. Records lie in the order in
// which they were saved, and one that is over is saved no more: so those that are too old
// come first, and the first that is young ends the look. One that was saved again when it
// was over comes too late here; the round finds it.
func (s *sweep) age(ctx context.Context) error {
	if s.all {
		return nil
	}
	a := &s.checkpoint.Aged
	if err := s.ageOne(ctx, &a.Text, s.options.Retention, s.oldText); err != nil {
		return err
	}
	return s.ageOne(ctx, &a.Whole, s.options.KeepWhole, s.oldWhole)
}

func (s *sweep) ageOne(ctx context.Context, upTo *uint64, keep time.Duration, old func(Entry) bool) error {
	if keep == 0 {
		return nil
	}
	young := s.began.Add(-keep)
	m, err := s.records.Stream().GetMsg(ctx, *upTo+1, jetstream.WithGetMsgSubject(streams.RecordPrefix+">"))
	if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && m.Time.After(young) {
		return nil
	}
	if err != nil {
		return err
	}
	cfg := streams.Behind(*upTo)
	cfg.HeadersOnly = true
	stays := false // one that is old is still there: it is found again until it is not
	for k, err := range s.records.Walk(ctx, cfg) {
		if err != nil {
			return err
		}
		if k.Stored.After(young) || s.olds >= oldAtOnce {
			return nil
		}
		e, err := EntryOf(k)
		if err == nil && old(e) {
			stays = true
			if err := s.wakeOld(ctx, e); err != nil {
				return err
			}
		}
		if !stays {
			*upTo = k.Sequence
		}
		if err := s.pause(ctx, streams.WalkBatch); err != nil {
			return err
		}
	}
	return nil
}
