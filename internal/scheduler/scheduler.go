package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/schedule"
)

// Wakeup makes the loop look at one schedule.
type Wakeup struct {
	Key schedule.Key
	// Stored is when the stream stored the message that wakes: a moment of the
	// stream's clock that has certainly passed.
	Stored time.Time
}

// ErrUnaskable means that an occurrence's request can never be put into the
// stream: it breaks a rule of the contract, or is too large.
var ErrUnaskable = errors.New("the request cannot be asked for")

// Journal keeps schedules and asks for their campaigns. Every method is safe for
// concurrent use and returns only when what it did is durable.
type Journal interface {
	// Load returns the record from the leader, never a stale one. A schedule
	// that is not there, or was removed, gives a zero Record, which never has
	// anything due.
	Load(ctx context.Context, key schedule.Key) (schedule.Record, loop.Revision, error)

	// Save stores the record if it still is what rev says, and returns the
	// new revision. [loop.ErrConflict]: it is not stored. Any other error:
	// unknown.
	Save(ctx context.Context, r schedule.Record, rev loop.Revision) (loop.Revision, error)

	// Ask puts the request of an occurrence into the stream of requests, unless
	// it is there. Asking twice is the same as once. ErrUnaskable: the request
	// can never be stored.
	Ask(ctx context.Context, key schedule.Key, f schedule.Firing) error

	// Lacks says why the audience that the schedule's campaigns name cannot be taken now:
	// under its name nothing is published that is young enough. Empty: it can, or they
	// name none.
	Lacks(ctx context.Context, s schedule.Schedule, now time.Time) (string, error)

	// Tell publishes that an occurrence was left out. Telling twice is the same as once.
	Tell(ctx context.Context, key schedule.Key, s schedule.Skipped) error

	// Ended says that a campaign that was asked for is over: its record is
	// final, its request is a dead letter, or nothing of it is left.
	Ended(ctx context.Context, key campaign.Key) (bool, error)

	// Arm makes sure that the schedule is woken at the instant, at the
	// earliest. Arming twice is the same as once. The instant lies in the
	// future.
	Arm(ctx context.Context, key schedule.Key, at time.Time) error
}

// Scheduler takes one schedule at a time as far as it can go. It keeps nothing
// between two wake-ups and is safe for concurrent use.
type Scheduler struct {
	journal Journal
	log     *slog.Logger
	leftOut func(schedule.Reason)
}

// New returns a Scheduler that logs what is asked for and what is left out. It
// calls leftOut for each occurrence that is left out; leftOut may be nil.
func New(j Journal, log *slog.Logger, leftOut func(schedule.Reason)) *Scheduler {
	if leftOut == nil {
		leftOut = func(schedule.Reason) {}
	}
	return &Scheduler{journal: j, log: log, leftOut: leftOut}
}

// No schedule needs this many steps in one run: there is at most one
// occurrence to ask for, and what follows upon it.
const maxSteps = 10

// Handle deals with one wake-up and says what becomes of its message. It is
// the whole loop, and the same on the first delivery, on a redelivery and
// after a crash.
func (s *Scheduler) Handle(ctx context.Context, w Wakeup) loop.Verdict {
	key := w.Key
	r, rev, err := s.journal.Load(ctx, key)
	if err != nil {
		return loop.AfterTrouble(err)
	}
	asked := false
	for range maxSteps {
		d, err := s.advance(ctx, r, loop.Now(time.Now(), w.Stored), &asked)
		if err != nil {
			return loop.AfterTrouble(err)
		}
		if d.Save {
			// A crash before this line changes nothing: the next run decides
			// anew. A crash after it leaves a record that owes what it decided.
			if rev, err = s.journal.Save(ctx, d.Next, rev); errors.Is(err, loop.ErrConflict) {
				return loop.AfterConflict(err)
			} else if err != nil {
				return loop.AfterTrouble(err) // perhaps it is stored: the next load shows it
			}
			s.logDecision(key, d)
		}
		r = d.Next
		switch {
		case r.Owed != nil, len(r.Untold) > 0:
			continue // to be delivered
		case r.Wake.IsZero():
			return loop.Verdict{Do: loop.Ack}
		case !r.Wake.After(loop.Now(time.Now(), w.Stored)):
			continue // due already: a timer would fire at once
		}
		if err := s.journal.Arm(ctx, key, r.Wake); err != nil {
			return loop.AfterTrouble(err)
		}
		return loop.Verdict{Do: loop.Ack}
	}
	return loop.AfterTrouble(fmt.Errorf("schedule %s did not come to rest", key))
}

// advance delivers what the record owes, and decides. A crash on the way delivers it again.
func (s *Scheduler) advance(ctx context.Context, r schedule.Record, now time.Time, asked *bool) (schedule.Decision, error) {
	for _, left := range r.Untold {
		if err := s.journal.Tell(ctx, r.Key, left); err != nil {
			return schedule.Decision{}, err
		}
	}
	if owed := r.Owed; owed != nil {
		err := s.journal.Ask(ctx, r.Key, *owed)
		if errors.Is(err, ErrUnaskable) {
			return r.Refuse(err.Error(), now), nil
		}
		if err != nil {
			return schedule.Decision{}, err
		}
		*asked = true
	}
	// What has just been asked for has not ended; a look might miss it, where
	// a read may be a moment behind.
	ended := r.Last == nil
	if !ended && !*asked {
		var err error
		last := campaign.Key{Source: r.Source, RequestID: r.Last.ID}
		if ended, err = s.journal.Ended(ctx, last); err != nil {
			return schedule.Decision{}, err
		}
	}
	lacks, err := s.journal.Lacks(ctx, r.Schedule, now)
	if err != nil {
		return schedule.Decision{}, err
	}
	return r.Decide(schedule.Facts{Now: now, Ended: ended, Lacks: lacks}), nil
}

// logDecision logs what was decided, once it is saved.
func (s *Scheduler) logDecision(key schedule.Key, d schedule.Decision) {
	if d.Fire != nil {
		s.log.Info("occurrence asked for", "schedule", key.String(), "request_id", d.Fire.ID, "local", d.Fire.Local)
	}
	for _, o := range d.Skip {
		s.leftOut(o.Reason)
		s.log.Warn("occurrence left out", "schedule", key.String(), "request_id", o.ID, "local", o.Local, "reason", string(o.Reason), "why", o.Why)
	}
}
