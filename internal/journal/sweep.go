package journal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/streams"
)

const (
	sweepEvery = 10 * time.Minute
	// sweepPause after every sweepChunk look-ups keeps the sweep slow: it must
	// never be felt.
	sweepChunk, sweepPause = 64, 50 * time.Millisecond
)

// Swept is what one sweep did. A replica that did not sweep itself knows only what
// stands below.
type Swept struct {
	Records  int // records looked at
	Overdue  int // open campaigns that were woken
	Asked    int // requests looked at
	Resent   int // of them, those that have no record and are handled again
	Vanished int // open campaigns whose record is gone
	Strays   int // open campaigns that the list of them had not

	Outlived int // records of which the text is forgotten now, for their age
	Lost     int // requests and campaigns without a record that no power cut can have taken: handled again, or all left alone

	At      time.Time              // when it ended
	States  map[campaign.State]int // how many records are in each state
	Oldest  time.Duration          // for how long the campaign that waits longest should have been looked at
	Letters uint64                 // dead letters that are kept
}

// Sweep is the second net under the timers. Until ctx ends the fleet looks, every
// ten minutes or so ([Options.SweepEvery]), for campaigns that should have been
// woken and were not, and for requests that were acknowledged and have no record
// (their last save was lost with a power cut). It wakes each; it decides nothing. One
// replica does that for all of them, and what it costs follows what is open.
func (j *Journal) Sweep(ctx context.Context) {
	// Soon after the start (half a minute to one and a half), because a service that
	// was away is the likeliest cause; not at once, and not all replicas together.
	every(ctx, j.options.SweepEvery/20+rand.N(j.options.SweepEvery/10), j.options.SweepEvery, func() {
		found, err := j.takeTurn(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errNoTurn):
		case err != nil:
			j.options.Log.Warn("sweep", "error", err)
		default:
			j.options.OnSwept(found)
		}
		if found.Overdue+found.Resent+found.Vanished+found.Strays > 0 {
			j.options.Log.Warn("sweep woke campaigns that had been forgotten", "overdue", found.Overdue, "requests_without_record", found.Resent,
				"records_vanished", found.Vanished, "not_listed", found.Strays)
		}
	})
}

// every looks until ctx ends: for the first time after a while, and then about as often
// as that, so that replicas that were started together do not look together.
func every(ctx context.Context, first, period time.Duration, look func()) {
	for pause := first; ; pause = period*3/4 + rand.N(period/2) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		look()
	}
}

// takeTurn sweeps if it is time for the fleet to, and returns what was found: by this
// replica, or by another one a short while ago.
func (j *Journal) takeTurn(ctx context.Context) (Swept, error) {
	c, _, err := loadCheckpoint(ctx, j.records)
	if err != nil {
		return Swept{}, err
	}
	if j.due(c) {
		return j.SweepOnce(ctx)
	}
	j.learnDuties(ctx, c)
	return j.learn(ctx, c)
}

// learn is what a replica that did not sweep knows of the last sweep. Records that are
// lost stop it as they stop the one that found it.
func (j *Journal) learn(ctx context.Context, c checkpoint) (Swept, error) {
	for _, l := range c.Found.Lost {
		key, err := campaign.ParseKey(l.Key)
		if err != nil {
			continue
		}
		if _, err := j.missing(ctx, key, l.Spoken); err != nil {
			return Swept{}, err
		}
	}
	return c.Found.swept(), nil
}

func (f found) swept() Swept {
	s := Swept{At: f.At, States: maps.Clone(f.States), Oldest: f.Oldest, Letters: f.Letters, Outlived: f.Outlived}
	if s.States == nil {
		s.States = map[campaign.State]int{}
	}
	for state, n := range f.Ended {
		s.States[state] += n
	}
	return s
}

// SweepOnce is one sweep, whether it is time for one or not. One runs at a time, of all
// replicas; [errNoTurn]: another one does.
func (j *Journal) SweepOnce(ctx context.Context) (Swept, error) {
	j.sweep.Lock()
	defer j.sweep.Unlock()
	s := &sweep{Journal: j, began: time.Now(), found: Swept{}}
	if err := s.take(ctx); err != nil {
		return s.found, err
	}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"what lies beside the records", s.do},
		{"records", s.look},
		{"records that lie still", s.goRound},
		{"open campaigns", s.wakeOverdue},
		{"records that are old", s.age},
		{"requests", s.requests},
		{"dead letters", s.letters},
	} {
		if err := step.do(ctx); err != nil {
			// Nothing of it is kept. What was woken is not woken in vain.
			return s.found, fmt.Errorf("sweep %s: %w", step.what, errors.Join(err, s.giveBack(ctx)))
		}
	}
	return s.found, s.keep(ctx)
}

// sweep is a sweep under way.
type sweep struct {
	*Journal
	began time.Time
	found Swept

	checkpoint checkpoint // as it will be kept
	kept       checkpoint // as it is stored, but for the turn
	rev        loop.Revision
	said       time.Time // when the turn was taken, or kept

	info   *jetstream.StreamInfo // of the records, at the beginning
	roster *roster
	all    bool // all records are looked at
	olds   int  // of what is old, how many were woken
	looked int  // since the last pause
}

// take takes the turn.
func (s *sweep) take(ctx context.Context) (err error) {
	if s.checkpoint, s.rev, err = loadCheckpoint(ctx, s.records); err != nil {
		return err
	}
	if t := s.checkpoint.Turn; t.By != "" && t.By != s.name && time.Now().Before(t.Until) {
		return errNoTurn
	}
	if at := s.checkpoint.Before; at.After(s.sweep.before) {
		s.sweep.before = at
	}
	if s.checkpoint.Duties = maps.Clone(s.checkpoint.Duties); s.checkpoint.Duties == nil {
		s.checkpoint.Duties = map[string]done{}
	}
	s.kept = s.checkpoint // it has the same duties: done is done, whatever becomes of the rest
	s.checkpoint.Found.Lost = nil
	return s.say(ctx)
}

// say says that this replica goes on with the turn.
func (s *sweep) say(ctx context.Context) (err error) {
	s.said = time.Now()
	c := s.kept
	c.Turn = turn{s.name, s.said.Add(turnLife)}
	return s.store(ctx, c)
}

// store stores a checkpoint, also when this replica is just stopping: a turn of which it is
// not known whether it was taken, or that is not given back, keeps all others from sweeping
// for as long as a turn lasts.
func (s *sweep) store(ctx context.Context, c checkpoint) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storedWithin)
	defer cancel()
	s.rev, err = storeCheckpoint(ctx, s.records, c, s.rev)
	if errors.Is(err, loop.ErrConflict) {
		return errNoTurn
	}
	return err
}

// giveBack gives the turn to whoever wants it.
func (s *sweep) giveBack(ctx context.Context) error {
	c := s.kept
	c.Turn = turn{}
	return s.store(ctx, c)
}

// keep stores what the sweep has come to. A crash before the last write leaves what the
// sweep before has stored: the same is looked at again.
func (s *sweep) keep(ctx context.Context) (err error) {
	c := &s.checkpoint
	set := 1 - c.Set
	if c.Parts[set], err = storeRoster(ctx, s.records, s.roster, set, c.Parts[set], s.rev.Epoch); err != nil {
		return errors.Join(err, s.giveBack(ctx))
	}
	// Where nothing but the parts lies behind, they need not be read to see that.
	for _, seq := range c.Parts[set] {
		if seq != s.roster.until+1 {
			break
		}
		s.roster.until = seq
	}
	c.Schema, c.Made, c.Until, c.Set, c.Turn = checkpointSchema, s.info.Created, s.roster.until, set, turn{}
	s.found.At = time.Now()
	c.Found.At, c.Found.Oldest, c.Found.Letters, c.Found.Outlived = s.found.At, s.found.Oldest, s.found.Letters, s.found.Outlived
	c.Found.States = s.roster.states()
	s.found.States = c.Found.swept().States
	return s.store(ctx, *c)
}

// pause pauses now and then, and says as often as need be that this replica goes on.
func (s *sweep) pause(ctx context.Context, chunk int) error {
	if s.looked++; s.looked < chunk {
		return ctx.Err()
	}
	s.looked = 0
	if time.Since(s.said) > turnLife/4 {
		if err := s.say(ctx); err != nil {
			return err
		}
	}
	return pauseNow(ctx, true)
}

// look brings the list of the open campaigns up to date. It reads headers only, and as
// a rule only those of what has moved since the last sweep. It reads all where there is
// no such list: at the first sweep of an installation, or where the records are another
// stream than before, or have gone back.
func (s *sweep) look(ctx context.Context) (err error) {
	if s.info, err = streams.LeaderInfo(ctx, s.records.Stream()); err != nil {
		return err
	}
	c := &s.checkpoint
	if c.holds(s.info) {
		s.roster, err = loadRoster(ctx, s.records, c.Set, c.Parts[c.Set])
	}
	if err != nil && !errors.Is(err, errNoRoster) {
		return err
	}
	if s.roster == nil {
		return s.lookAtAll(ctx)
	}
	if s.roster.until = c.Until; s.info.State.LastSeq == c.Until {
		return nil
	}
	return s.catchUp(ctx, c.Until)
}

// lookAtAll makes the list anew.
func (s *sweep) lookAtAll(ctx context.Context) error {
	c := &s.checkpoint
	before := &roster{open: map[campaign.Key]Entry{}}
	if c.Until > 0 {
		s.options.Log.Warn("the records are not as the last sweep left them: all of them are looked at", "until", c.Until, "last_sequence", s.info.State.LastSeq)
		if r, err := loadRoster(ctx, s.records, c.Set, c.Parts[c.Set]); err == nil {
			before = r
		}
	}
	s.all, s.roster = true, &roster{open: map[campaign.Key]Entry{}}
	c.Found, c.Round, c.Aged = found{}, round{}, aged{}
	last := s.info.State.LastSeq
	if err := s.catchUp(ctx, last); err != nil {
		return err
	}
	s.roster.until = max(s.roster.until, last)
	for _, e := range before.entries() {
		if !s.roster.has(e.Key) {
			if err := s.lookFor(ctx, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// catchUp reads what the list does not know yet. What lies behind the sequence moved
// there: if it has ended, it may have been counted before.
func (s *sweep) catchUp(ctx context.Context, moved uint64) error {
	c := &s.checkpoint
	if c.Found.Ended == nil {
		c.Found.Ended = map[campaign.State]int{}
	}
	since := c.Found.At
	if since.IsZero() {
		since = s.began
	}
	return s.roster.catchUp(ctx, s.records, func(e Entry, known bool) error {
		s.found.Records++
		if e.ended(known, moved, since) {
			c.Found.Ended[e.State]++
		}
		if s.all && s.old(e) {
			if err := s.wakeOld(ctx, e); err != nil {
				return err
			}
		}
		return s.pause(ctx, streams.WalkBatch)
	})
}

// ended says that a record that was met counts among those that have ended since: it was
// open before, or it moved to the end of the stream as it ended, or all are counted, which
// are those up to the sequence.
func (e Entry) ended(known bool, upTo uint64, since time.Time) bool {
	return e.over() && (known || e.Sequence <= upTo || e.Since.After(since.Add(-clocksDiffer)))
}

// lookFor looks whether an open campaign still has a record. One that is gone was lost,
// and what asked for it is handled again, if that may be.
func (s *sweep) lookFor(ctx context.Context, e Entry) error {
	there, err := s.recorded(ctx, e.Key)
	if err != nil || there {
		return err
	}
	s.found.Vanished++
	mayGoOn, err := s.mayHandle(ctx, e.Key, e.Saved)
	if err != nil {
		return err
	}
	if !mayGoOn {
		s.roster.open[e.Key] = e // it is found again when somebody has looked
		return nil
	}
	delete(s.roster.open, e.Key)
	m, err := streams.AskLeader(ctx, s.nc, streams.Requests, contract.RequestSubject(e.Key))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		s.options.Log.Error("the record of a campaign that was open is gone, and its request is no longer there: see what its events tell", "key", e.Key.String(), "state", string(e.State))
		return nil
	}
	if err != nil {
		return err
	}
	return s.resend(ctx, request{e.Key, m.Sequence})
}

// mayHandle says whether a campaign without a record may be handled again, of which was
// spoken at a moment. What the last power cut can have taken may be.
func (s *sweep) mayHandle(ctx context.Context, key campaign.Key, spoken time.Time) (bool, error) {
	if !spoken.Before(s.sweep.before) {
		return true, nil
	}
	s.found.Lost++
	if l := &s.checkpoint.Found.Lost; len(*l) <= maxLost {
		*l = append(*l, lostRecord{key.String(), spoken})
	}
	return s.missing(ctx, key, spoken)
}

// wakeOverdue wakes the open campaigns that somebody should have looked at.
func (s *sweep) wakeOverdue(ctx context.Context) error {
	now := time.Now()
	for _, e := range s.roster.entries() {
		late := e.late(now)
		if s.found.Oldest = max(s.found.Oldest, late); late < s.options.Overdue || !s.losses.Pulling() {
			continue
		}
		if err := s.lookFor(ctx, e); err != nil {
			return err
		}
		if !s.roster.has(e.Key) || !s.losses.Pulling() {
			continue
		}
		if err := s.wake(ctx, e.Key, "overdue-"+e.Key.String()+"-"+instant(e.Wake), nil); err != nil {
			return err
		}
		s.found.Overdue++
		if err := s.pause(ctx, sweepChunk); err != nil {
			return err
		}
	}
	return nil
}

// letters counts the dead letters.
func (s *sweep) letters(ctx context.Context) error {
	info, err := s.Journal.letters.Info(ctx)
	if err == nil {
		s.found.Letters = info.State.Msgs
	}
	return err
}

// wake wakes a campaign.
func (j *Journal) wake(ctx context.Context, key campaign.Key, id string, h nats.Header) error {
	if err := j.waker.wake(ctx, key.String(), id, h); err != nil {
		return fmt.Errorf("wake %s: %w", key, err)
	}
	return nil
}

// pauseNow pauses now and then.
func pauseNow(ctx context.Context, now bool) error {
	if !now {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(sweepPause):
		return nil
	}
}
