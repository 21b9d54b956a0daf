package scenario_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/schedule"
	"github.com/staffetta-io/staffetta/internal/scheduler"
)

// calendar keeps one schedule of a company in memory, and asks for its campaigns as the
// service does: what it asks for is read as a request that somebody has published.
type calendar struct {
	c         *company
	reader    contract.Reader
	scheduler *scheduler.Scheduler

	mu     sync.Mutex
	record schedule.Record
	seq    uint64
	asked  []string
	told   []string
}

var _ scheduler.Journal = (*calendar)(nil)

// plan lays a schedule down, and returns what keeps it.
func (c *company) plan(s schedule.Schedule, by string) *calendar {
	rules, err := contract.NewValidator()
	if err != nil {
		c.t.Fatal(err)
	}
	k := &calendar{c: c, reader: contract.Reader{Rules: rules}}
	if k.record, err = schedule.New(s, by, time.Now()); err != nil {
		c.t.Fatal(err)
	}
	if err := contract.CheckSchedule(s.WithDefaults(), time.Now()); err != nil {
		c.t.Fatal(err)
	}
	k.scheduler = scheduler.New(k, slog.New(slog.DiscardHandler), nil)
	c.notef("%s lays down a schedule: %s", by, k.record.Rule())
	k.wake()
	return k
}

// wake hands a timer to the loop until it is done with.
func (k *calendar) wake() {
	for {
		v := k.scheduler.Handle(context.Background(), scheduler.Wakeup{Key: k.record.Key, Stored: time.Now()})
		if v.Do != loop.Retry {
			return
		}
		time.Sleep(v.After)
	}
}

// Load returns the record.
func (k *calendar) Load(context.Context, schedule.Key) (schedule.Record, loop.Revision, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.record, loop.Revision{Seq: k.seq}, nil
}

// Save stores it if nobody else has.
func (k *calendar) Save(_ context.Context, r schedule.Record, rev loop.Revision) (loop.Revision, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if rev.Seq != k.seq {
		return rev, loop.ErrConflict
	}
	k.seq++
	k.record = r
	return loop.Revision{Seq: k.seq}, nil
}

// Ask publishes an occurrence's request, once.
func (k *calendar) Ask(_ context.Context, key schedule.Key, f schedule.Firing) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if slices.Contains(k.asked, f.ID) {
		return nil
	}
	out, err := contract.OccurrenceEnvelope(k.reader.Rules, key, f)
	if err != nil {
		return errors.Join(scheduler.ErrUnaskable, err)
	}
	w, err := k.reader.ReadRequest(out.Subject, out.Header, out.Data, time.Now())
	if err != nil {
		return errors.Join(scheduler.ErrUnaskable, err)
	}
	k.asked = append(k.asked, f.ID)
	go func() {
		for range 2 { // as after a crash: the message comes again
			k.c.deliver(runner.Wakeup{Key: w.Key, Kind: runner.WakeRequest, Request: w.Request, RequestedAt: time.Now(), Stored: time.Now()})
		}
	}()
	return nil
}

// Lacks looks at the lists of the company.
func (k *calendar) Lacks(_ context.Context, s schedule.Schedule, _ time.Time) (string, error) {
	a, err := contract.NamedBy(s)
	if err != nil || a == nil {
		return "", err
	}
	return k.c.lists.lacks(s.Source, a), nil
}

// Tell writes into the diary that an occurrence was left out, once.
func (k *calendar) Tell(_ context.Context, _ schedule.Key, s schedule.Skipped) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Contains(k.told, s.ID) {
		k.told = append(k.told, s.ID)
		k.c.notef("%s is left out: %s", s.ID, k.c.localWords(s.Why))
	}
	return nil
}

// Ended says that a campaign's record is final.
func (k *calendar) Ended(_ context.Context, key campaign.Key) (bool, error) {
	record, _ := k.c.journal.Record(key)
	return record.State.Final(), nil
}

// Arm wakes it at an instant.
func (k *calendar) Arm(_ context.Context, _ schedule.Key, at time.Time) error {
	time.AfterFunc(time.Until(at), k.wake)
	return nil
}
