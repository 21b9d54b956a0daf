package journal

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/staffetta-io/staffetta/internal/streams"
)

// duty is what whoever has the turn does beside the look at the records: the sweep of the
// schedules, and that of the budgets. A replica has those that it was given, so one that
// does not enforce budgets leaves theirs to the others.
type duty struct {
	name string
	// do does it. It calls pause for each thing that it has looked at.
	do func(ctx context.Context, pause func() error) (done, error)
	// learn is told what was found, by this replica or by another one.
	learn func(context.Context, done) error
}

// done is what a duty found when it was last done for the fleet. What was put in order is
// known to who did it alone: each replica counts it once, and all of them together.
type done struct {
	At       time.Time `json:"at,omitzero"`
	Ledgers  int       `json:"ledgers,omitempty"`
	Open     int       `json:"open,omitempty"`
	Orphaned int       `json:"orphaned,omitempty"`

	settled int
}

// duties are those that this replica was given.
type duties struct {
	mu  sync.Mutex
	all []duty // guarded by mu
}

func (d *duties) add(one duty) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = append(d.all, one)
}

func (d *duties) have() []duty {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clip(d.all)
}

// due says that the fleet has not done for long enough what this replica can do.
func (j *Journal) due(c checkpoint) bool {
	if j.longAgo(c.Found.At) {
		return true
	}
	for _, d := range j.duties.have() {
		if j.longAgo(c.Duties[d.name].At) {
			return true
		}
	}
	return false
}

func (j *Journal) longAgo(at time.Time) bool {
	since := time.Since(at)
	return since < 0 || since >= j.options.SweepEvery*3/4
}

// do does the duties. One that fails holds up nothing else: it is due again.
func (s *sweep) do(ctx context.Context) error {
	for _, d := range s.duties.have() {
		found, err := d.do(ctx, func() error { return s.pause(ctx, streams.WalkBatch) })
		if err == nil {
			found.At = time.Now()
			err = d.learn(ctx, found)
		}
		if ctx.Err() != nil || errors.Is(err, errNoTurn) {
			return err
		}
		if err != nil {
			s.options.Log.Warn("sweep of the "+d.name, "error", err)
			continue
		}
		s.checkpoint.Duties[d.name] = found
	}
	return nil
}

// learnDuties is what a replica that did not do them knows of them.
func (j *Journal) learnDuties(ctx context.Context, c checkpoint) {
	for _, d := range j.duties.have() {
		if found, known := c.Duties[d.name]; known {
			if err := d.learn(ctx, found); err != nil && ctx.Err() == nil {
				j.options.Log.Warn("sweep of the "+d.name, "error", err)
			}
		}
	}
}
