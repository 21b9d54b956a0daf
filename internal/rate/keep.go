package rate

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Run keeps the share until ctx ends, and then gives back what it has.
func (s *Share) Run(ctx context.Context) {
	for {
		timer := time.NewTimer(s.pause())
		select {
		case <-ctx.Done():
			timer.Stop()
			s.end()
			return
		case <-timer.C:
		case <-s.wake:
			timer.Stop()
			if s.pause() > 0 {
				continue
			}
		}
		s.look(ctx)
	}
}

// end gives back what is left, so that the others have it at once.
func (s *Share) end() {
	s.mu.Lock()
	s.waiting = [Classes]int{}
	s.used = 0
	nothing := s.until == 0 && len(s.spent) == 0
	s.mu.Unlock()
	if nothing {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	s.look(ctx)
}

// pause is how long nothing need be written.
func (s *Share) pause() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lapse()
	now := s.clock.instant()
	waits := sum(s.waiting)
	next := Never
	in := func(d time.Duration) {
		if s.lookedAt == nil {
			d = 0
		} else {
			d += s.jitter - (now.fast - s.lookedAt.fast)
		}
		next = min(next, max(d, 0))
	}
	switch {
	case s.waiting[Confirming] > s.in:
		in(hurry)
	case waits > s.in, s.doubt != nil, s.used > 0, len(s.spent) > 0, s.limit != 0, s.close, s.failing:
		in(every)
	case s.verify:
		in(verified)
	}
	if s.until == 0 {
		return next
	}
	if waits+s.out+s.flying == 0 {
		in(linger) // to give it back
	}
	_, high := s.clock.now()
	if left := time.Duration(s.until)*time.Millisecond - high - renew; left > 0 {
		return min(next, left)
	}
	in(every)
	return next
}

// look reads the record if it may have changed, decides, and writes.
func (s *Share) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*answerWithin)
	defer cancel()
	s.mu.Lock()
	now := s.clock.instant()
	s.lookedAt, s.jitter = &now, time.Duration(s.rand.Int64N(int64(hurry)))-hurry/2
	s.mu.Unlock()
	for try := range tries {
		err := s.lookOnce(ctx)
		if !errors.Is(err, ErrConflict) {
			s.tell(err)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(s.rand.Int64N(int64(5 * time.Millisecond << try)))):
		}
	}
}

// tell says once that the store does not answer, and once that it does again.
func (s *Share) tell(err error) {
	s.mu.Lock()
	changed := (err != nil) != s.failing
	s.failing = err != nil
	if err != nil {
		now := s.clock.instant()
		s.fresh, s.troubled = false, &now
	}
	s.mu.Unlock()
	switch {
	case !changed:
	case err != nil:
		s.o.Log.Warn("the shared rate cannot be read or written: until it can, no calls are made but those that are certainly ours", "error", err)
	default:
		s.o.Log.Info("the shared rate is read and written again")
	}
	s.onFree()
}

func (s *Share) lookOnce(ctx context.Context) error {
	for range tries {
		if err := s.learn(ctx); err != nil {
			return err
		}
		s.mu.Lock()
		p := s.plan()
		s.mu.Unlock()
		if p == nil {
			return nil
		}
		data, err := p.record.encode()
		if err != nil {
			return fmt.Errorf("write the shared rate: %w", err)
		}
		within, cancel := context.WithTimeout(ctx, answerWithin)
		revision, err := s.o.Store.Write(within, data, p.revision)
		cancel()
		s.mu.Lock()
		again := s.writeEnded(p, revision, err)
		s.mu.Unlock()
		if err != nil {
			return fmt.Errorf("write the shared rate: %w", err)
		}
		if !again {
			break
		}
	}
	return nil
}

// learn reads the record, unless it is certain what it says.
func (s *Share) learn(ctx context.Context) error {
	s.mu.Lock()
	known := s.fresh && !(s.clock.stale() && s.wrote > 0) && s.doubt == nil && !s.verify && !s.failing && !s.company()
	s.mu.Unlock()
	if known {
		return nil
	}
	within, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	got, err := s.o.Store.Read(within)
	if err == nil {
		s.mu.Lock()
		err = s.readIt(got)
		s.mu.Unlock()
	}
	if err != nil {
		return fmt.Errorf("read the shared rate: %w", err)
	}
	return nil
}

// company says that somebody else holds something, and so may write. The lock is held.
func (s *Share) company() bool {
	low, _ := s.clock.now()
	for name, p := range s.record.Parts {
		if name != s.o.Name && p.Until > ms(low) {
			return true
		}
	}
	return false
}

// shares says that others have held something of late.
func (s *Share) shares(r Record) bool {
	for name := range r.Parts {
		if name != s.o.Name {
			return true
		}
	}
	return false
}

// readIt takes what was read. The lock is held.
func (s *Share) readIt(got Stored) error {
	now := s.clock.instant()
	met := got.Connection != s.connection
	s.connection = got.Connection
	back := got.Revision < s.revision
	s.revision = got.Revision
	if got.Data == nil {
		return s.readNothing(now)
	}
	s.missing = nil
	r, err := decode(got.Data)
	if err != nil {
		return err
	}
	dated, same := time.Duration(got.At.UnixNano()), true
	if s.wrote > 0 && got.Revision >= s.wrote {
		same = s.clock.learn(s.wroteAt, now, dated)
		s.wrote = 0
	} else {
		same = s.clock.hear(now, dated)
	}
	if !same || met && s.shares(r) {
		s.troubled = &now
	}
	s.judge(r, back)
	s.record, s.fresh, s.verify = r.clone(), true, false
	return nil
}

// readNothing decides what it means that there is no record. The lock is held.
func (s *Share) readNothing(now instant) error {
	s.drop()
	s.wrote, s.standing = 0, false
	if s.missing == nil {
		s.missing = &now
	}
	if now.fast-s.missing.fast < lostAfter {
		return errors.New("it is gone; it is waited for")
	}
	s.o.Log.Warn("the record of the shared rate was lost, as happens when its stream is deleted or its servers lose their disks: no calls until none of those that were made before can count any more",
		"for", (heldFor + s.o.Timeout + minute).String())
	if s.doubt != nil {
		s.unwritten(s.doubt)
	}
	s.missing, s.doubt = nil, nil
	s.record, s.fresh = Record{Schema: schema, Lost: true}.clone(), true
	return nil
}

// judge compares our part in the record with what we know of it. The lock is held.
func (s *Share) judge(r Record, back bool) {
	part, there := r.Parts[s.o.Name]
	if d := s.doubt; d != nil {
		s.doubt = nil
		if there && part.Version == d.part.Version {
			s.stored(d)
		} else {
			s.unwritten(d)
		}
	}
	low, _ := s.clock.now()
	switch {
	case back, there && part.Version < s.acked, s.standing && !there && s.record.Parts[s.o.Name].againMinute() > ms(low):
		s.o.Log.Warn("the server has taken back what it had acknowledged of the shared rate: no calls until none of those that were made before can count any more",
			"for", (heldFor + s.o.Timeout + minute).String())
		s.drop()
		s.close = true
	}
	s.standing = there
}

// drop gives up what is held: it may be somebody else's by now. The lock is held.
func (s *Share) drop() {
	s.void += s.out
	s.in, s.out, s.seconds, s.until = 0, 0, 0, 0
}
