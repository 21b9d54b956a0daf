package rate

import (
	"errors"
	"time"
)

// plan is one write, and what changes here when it is stored.
type plan struct {
	record   Record
	part     Part
	spent    map[int64]int
	gain     int // tokens of the minute that come
	limit    int
	closes   bool
	at       instant
	revision uint64
}

// plan is the next write; nil: there is nothing to write. The lock is held.
func (s *Share) plan() *plan {
	s.lapse()
	s.secondsFree()
	now := s.clock.instant()
	waits := sum(s.waiting)
	if waits+s.out+s.flying+len(s.spent)+s.used == 0 && s.until == 0 && s.limit == 0 && !s.close {
		return nil
	}
	p := &plan{record: s.record.clone(), at: now, revision: s.revision}
	s.version++
	if !s.clock.known {
		// The server's time is learnt from what it dates.
		p.part = p.record.Parts[s.o.Name]
		p.part.Version, p.part.Timeout = s.version, ms(s.o.Timeout)
		p.record.Parts[s.o.Name] = p.part
		return p
	}
	low, high := s.clock.now()
	r := &p.record
	if r.farAhead(high) {
		s.drop()
		*r = Record{Schema: schema, Parts: map[string]Part{}, Limit: r.Limit, Lost: true}
	}
	if r.Lost || s.close {
		r.close(high, s.o.Timeout)
		p.closes = true
	}
	p.spent = s.spent
	for slot, n := range s.spent {
		r.spend(slot, n)
	}
	s.spent = map[int64]int{}
	// Tokens whose calls are under way are kept though they have lapsed.
	second := s.seconds
	if had := r.Parts[s.o.Name]; had.againSecond() > ms(low) {
		second = max(second, had.Second)
	}
	delete(r.Parts, s.o.Name)
	r.trim(low)
	if p.limit = s.limit; p.limit != 0 {
		r.Limit = p.limit
	}
	s.hearOthers(r, now)

	p.part = r.share(wish{
		busy: s.out + s.flying, cooling: len(s.cooling), has: s.in, second: second, waiting: s.waiting, used: s.used,
		nothing: s.troubled != nil && now.fast-s.troubled.fast < settle,
	}, s.o.Limits, low)
	s.used /= 2
	if sum(s.waiting)+p.part.Minute+p.part.Second == 0 {
		p.part.Until = up(high)
	} else {
		p.part.Until = ms(low + heldFor)
	}
	p.part.Version, p.part.Timeout = s.version, ms(s.o.Timeout)
	r.Parts[s.o.Name] = p.part

	// What is given back is not used while it is written, nor if that fails: the record
	// may say already that it is free.
	keep := p.part.Minute - s.out - s.flying
	p.gain = max(keep-s.in, 0)
	s.in = min(s.in, keep)
	s.seconds = min(s.seconds, p.part.Second)
	return p
}

// writeEnded takes what became of a write. It says whether there is more to do at once.
// The lock is held.
func (s *Share) writeEnded(p *plan, revision uint64, err error) (again bool) {
	if err != nil {
		s.fresh = false
		if errors.Is(err, ErrConflict) {
			s.unwritten(p)
		} else {
			s.doubt = p
		}
		return false
	}
	s.revision, s.record, s.fresh = revision, p.record, true
	s.wrote, s.wroteAt, s.standing = revision, p.at, true
	s.verify = p.part.Minute+p.part.Second == 0
	s.stored(p)
	return s.clock.stale()
}

// unwritten takes back what a write that is not stored was to say. The tokens that it
// gave back are free, or ours with the next one. The lock is held.
func (s *Share) unwritten(p *plan) {
	for slot, n := range p.spent {
		s.spent[slot] += n
	}
}

// stored makes a write true here. The lock is held.
func (s *Share) stored(p *plan) {
	s.lapse()
	s.acked = p.part.Version
	if p.closes {
		s.close = false
	}
	if s.limit == p.limit {
		s.limit = 0
	}
	s.in += p.gain
	s.seconds, s.until = p.part.Second, p.part.Until
	if p.part.Minute+p.part.Second+s.in == 0 {
		s.until = 0
	}
	was := s.others
	s.others = p.record.Others
	switch {
	case was == 0 && s.others > 0:
		s.o.Log.Warn("somebody else calls the gateway with the same key: as many calls fewer are made here; a page of the vendor, a script, another installation?",
			"calls_in_a_minute", s.others, "limit", p.record.Limit)
	case was > 0 && s.others == 0:
		s.o.Log.Info("nobody else calls the gateway with the same key any more")
	}
}

// hearOthers finds out from what answers have said how many calls of others the gateway
// has counted: those that cannot be ours. The lock is held.
func (s *Share) hearOthers(r *Record, now instant) {
	for _, h := range s.heard {
		if r.Lost || r.Closed != 0 || now.fast-h.told.fast+h.ago > remembered*time.Millisecond {
			continue
		}
		ours := r.since(h.at-ms(minute)) + s.flying
		if n := h.limit - h.left - ours; n > 0 && n >= r.Others {
			low, _ := s.clock.now()
			r.Others, r.OthersAt = n, ms(low)
		}
	}
	s.heard = nil
}
