package scheduler_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/schedule"
	"github.com/staffetta-io/staffetta/internal/scheduler"
)

var key = schedule.Key{Source: "studio-bianchi", ID: "daily"}

// harness is a scheduler, the streams in memory, and the deliveries between
// them: again after a retry, and again when the worker died. It keeps time by
// the time package alone, in a synctest bubble.
type harness struct {
	t         *testing.T
	scheduler *scheduler.Scheduler
	takes     time.Duration // how long a campaign lasts
	unaskable bool
	slow      time.Duration // how long a save takes

	mu       sync.Mutex
	data     []byte // the record; nil: none
	seq      uint64
	timers   map[int64]bool
	asked    []request
	leftOut  []schedule.Reason // as the loop told it
	told     []string          // the occurrences that were told to be left out
	named    bool              // the campaign names an audience, so that it is looked at
	lacks    string            // why no audience is young enough
	points   []string          // the points passed, in order
	failures map[int]failure   // what goes wrong at which of them
}

// request is one occurrence in the stream.
type request struct {
	id string
	at time.Time
}

// failure is what goes wrong at a point.
type failure string

const (
	lost        failure = "lost"                       // no effect, no answer
	replyLost   failure = "done, reply lost"           // the effect, no answer
	crashBefore failure = "the worker dies"            // no effect
	crashAfter  failure = "done, then the worker dies" // the effect
)

var failures = []failure{lost, replyLost, crashBefore, crashAfter}

type crash struct{}

var errNoAnswer = errors.New("no answer")

func open(t *testing.T) *harness {
	w := &harness{t: t, takes: time.Hour, timers: map[int64]bool{}, failures: map[int]failure{}}
	w.scheduler = scheduler.New(w, slog.New(slog.DiscardHandler), func(why schedule.Reason) { w.leftOut = append(w.leftOut, why) })
	return w
}

// write is what the command line does: store the record, then wake the service.
func (w *harness) write(r schedule.Record) {
	data, err := json.Marshal(r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	w.seq++
	w.data = data
	w.mu.Unlock()
	w.deliver()
}

func (w *harness) record() (r schedule.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.data != nil {
		if err := json.Unmarshal(w.data, &r); err != nil {
			w.t.Fatal(err)
		}
	}
	return r
}

const ackWait = 10 * time.Second

// deliver hands a wake-up to the scheduler until it is acknowledged.
func (w *harness) deliver() {
	up := scheduler.Wakeup{Key: key, Stored: time.Now()}
	for range 1000 {
		v, crashed := w.handle(up)
		switch {
		case crashed:
			time.Sleep(ackWait)
		case v.Do == loop.Ack:
			return
		case v.Do != loop.Retry || v.After < 100*time.Millisecond:
			w.t.Fatalf("verdict %+v", v)
		default:
			time.Sleep(v.After)
		}
	}
	w.t.Fatal("the wake-up comes back for ever")
}

func (w *harness) handle(up scheduler.Wakeup) (v loop.Verdict, crashed bool) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case crash:
			crashed = true
		default:
			panic(r)
		}
	}()
	return w.scheduler.Handle(context.Background(), up), false
}

// pass passes a point: it has the effect, or not, and says whether an answer
// came back.
func (w *harness) pass(name string, effect func()) (answered bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	what := w.failures[len(w.points)]
	w.points = append(w.points, name)
	switch what {
	case lost:
		return false
	case crashBefore:
		panic(crash{})
	}
	effect()
	switch what {
	case replyLost:
		return false
	case crashAfter:
		panic(crash{})
	}
	return true
}

func (w *harness) Load(context.Context, schedule.Key) (r schedule.Record, rev loop.Revision, err error) {
	if !w.pass("load", func() {
		rev.Seq = w.seq
		if w.data != nil {
			err = json.Unmarshal(w.data, &r)
		}
	}) {
		return schedule.Record{}, loop.Revision{}, errNoAnswer
	}
	return r, rev, err
}

func (w *harness) Save(_ context.Context, r schedule.Record, rev loop.Revision) (next loop.Revision, err error) {
	w.mu.Lock()
	slow := w.slow
	w.mu.Unlock()
	time.Sleep(slow)
	if !w.pass("save", func() {
		if rev.Seq != w.seq {
			err = loop.ErrConflict
			return
		}
		w.seq++
		next.Seq = w.seq
		w.data, err = json.Marshal(r)
	}) {
		return loop.Revision{}, errNoAnswer
	}
	return next, err
}

func (w *harness) Ask(_ context.Context, k schedule.Key, f schedule.Firing) (err error) {
	if !w.pass("ask "+f.ID, func() {
		now := time.Now()
		switch {
		case w.unaskable:
			err = fmt.Errorf("ask: text: must not be empty: %w", scheduler.ErrUnaskable)
			return
		case now.Before(f.At):
			w.t.Errorf("%s is asked for at %s, before its time", f.ID, now)
		}
		for _, r := range w.asked {
			if r.id == f.ID {
				return
			}
		}
		if n := len(w.asked); n > 0 && now.Before(w.asked[n-1].at.Add(w.takes)) {
			w.t.Errorf("%s is asked for at %s, while %s has not ended", f.ID, now, w.asked[n-1].id)
		}
		w.asked = append(w.asked, request{f.ID, now})
	}) {
		return errNoAnswer
	}
	return err
}

func (w *harness) Lacks(context.Context, schedule.Schedule, time.Time) (lacks string, err error) {
	if w.named && !w.pass("lacks", func() { lacks = w.lacks }) {
		return "", errNoAnswer
	}
	return lacks, nil
}

func (w *harness) Tell(_ context.Context, _ schedule.Key, s schedule.Skipped) error {
	if !w.pass("tell "+s.ID, func() {
		if !slices.Contains(w.told, s.ID) {
			w.told = append(w.told, s.ID)
		}
	}) {
		return errNoAnswer
	}
	return nil
}

func (w *harness) Ended(_ context.Context, k campaign.Key) (ended bool, err error) {
	if !w.pass("ended", func() {
		for _, r := range w.asked {
			if r.id == k.RequestID {
				ended = !time.Now().Before(r.at.Add(w.takes))
			}
		}
	}) {
		return false, errNoAnswer
	}
	return ended, nil
}

func (w *harness) Arm(_ context.Context, k schedule.Key, at time.Time) error {
	if !at.After(time.Now()) {
		w.t.Errorf("armed for %s, which is not in the future", at)
	}
	if !w.pass("arm", func() {
		if w.timers[at.UnixNano()] {
			return
		}
		w.timers[at.UnixNano()] = true
		time.AfterFunc(time.Until(at), func() {
			w.mu.Lock()
			delete(w.timers, at.UnixNano())
			w.mu.Unlock()
			w.deliver()
		})
	}) {
		return errNoAnswer
	}
	return nil
}
