//go:build !race

// What befalls the services in imagined time is put in order by instants, which the race
// detector does not know: it would take the world of these tests for a race. The shared
// rate itself runs under it in the tests of package app.

package gateway

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/rate"
)

var (
	rateHistories = flag.Int("histories", 300, "lives of several services that share an account")
	rateSeed      = flag.Uint64("seed", 1, "of the first of them")
)

// Whatever becomes of the services that share an account, and of the server that keeps
// its record, no window is exceeded at the gateway's end: they are killed, stopped, frozen
// and cut off; their clocks are minutes apart, and are set; answers of the server are
// lost; its record is, or its last writes are; calls are under way for up to two seconds,
// and some are never answered. And none of them takes the others for strangers.
func TestHistoriesOfTheSharedRate(t *testing.T) {
	t.Parallel()
	var next, calls atomic.Int64
	var happened [happenings]atomic.Int64
	var all sync.WaitGroup
	var failed atomic.Bool
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for !failed.Load() {
				n := uint64(next.Add(1)) - 1
				if n >= uint64(*rateHistories) {
					return
				}
				h := &history{rand: rand.New(rand.NewPCG(*rateSeed+n, 7))}
				synctest.Test(t, func(t *testing.T) { h.live(t.Context()) })
				calls.Add(int64(len(h.g.at)))
				for i, n := range h.happened {
					happened[i].Add(int64(n))
				}
				if why := h.judge(); why != "" {
					failed.Store(true)
					t.Errorf("history %d: %s\n%s\nlive it again with: go test ./internal/gateway -run TestHistoriesOfTheSharedRate -histories=1 -seed=%d", *rateSeed+n, why,
						strings.Join(h.log[max(0, len(h.log)-200):], "\n"), *rateSeed+n)
				}
			}
		})
	}
	all.Wait()
	var told string
	for i := range happened {
		told += fmt.Sprintf(", %s %d", happening(i), happened[i].Load())
	}
	t.Logf("%d histories, %d calls%s", *rateHistories, calls.Load(), told)
}

// happening is what befalls a service, or the server.
type happening int

const (
	killed happening = iota
	stopped
	started
	frozen
	suspended
	clockSet
	cutOff
	answerLost
	recordLost
	writesTakenBack
	happenings
)

func (h happening) String() string {
	return [...]string{"killed", "stopped", "started", "frozen", "suspended", "clock set", "cut off", "answer lost", "record lost", "writes taken back"}[h]
}

type history struct {
	rand     *rand.Rand
	s        *server
	g        *gatewayEnd
	all      []*subject
	happened [happenings]int
	strange  string
	back     time.Time // when the server can be reached

	mu    sync.Mutex
	began time.Time
	log   []string
}

// say notes what happens, for people.
func (h *history) say(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.log = append(h.log, fmt.Sprintf("%9.3f  %s", time.Since(h.began).Seconds(), fmt.Sprintf(format, args...)))
}

// Write is what a service says in its log.
func (h *history) Write(line []byte) (int, error) {
	h.say("%s", bytes.TrimSpace(line))
	return len(line), nil
}

// subject is one service, and what has befallen it.
type subject struct {
	*replica
	h      *history
	rand   *rand.Rand // of the loop
	name   string
	ctx    context.Context
	gone   bool // it has ended by itself
	thawed time.Time
	back   time.Time // when the server can be reached
	loses  int       // so many answers of the server
	lives  time.Time // nothing befalls it before
	ahead  time.Duration
	asleep time.Time     // until when the machine sleeps, with one of its clocks
	slept  time.Duration // how long it will have slept by then
}

func (h *history) upTo(d time.Duration) time.Duration {
	return time.Duration(h.rand.Int64N(int64(d)))
}

// fork is chance of one's own: who asks first changes nothing for the others.
func (h *history) fork() *rand.Rand { return rand.New(rand.NewPCG(h.rand.Uint64(), 0)) }

func (h *history) live(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	start := time.Now()
	h.began = start
	limits := rate.Limits{Minute: 5 + h.rand.IntN(20), Second: 1 + h.rand.IntN(5)}
	h.g = &gatewayEnd{limits: limits}
	h.s = &server{data: rate.First(), at: start, revision: 1, ahead: h.upTo(20*time.Minute) - 10*time.Minute}
	h.say("limits %d and %d, the server's clock is %s ahead", limits.Minute, limits.Second, h.s.ahead)
	for range 1 + h.rand.IntN(3) {
		h.start(ctx)
	}
	for time.Since(start) < 4*time.Minute {
		time.Sleep(h.upTo(20 * time.Second))
		h.befall(ctx)
	}
	cancel()
	for _, r := range h.all {
		r.stop()
	}
	for _, r := range h.all {
		r.done.Wait()
	}
	time.Sleep(time.Minute) // what is under way arrives
}

// start starts one more service.
func (h *history) start(ctx context.Context) {
	h.happened[started]++
	r := &subject{h: h, back: h.back, rand: h.fork(), name: fmt.Sprint("r", len(h.all)), ahead: h.upTo(10*time.Minute) - 5*time.Minute}
	born := time.Now()
	clocks := func() (steady, wall time.Duration) {
		since := time.Since(born)
		return since - r.slept + max(time.Until(r.asleep), 0), since + r.ahead
	}
	ctx, cancel := context.WithCancel(ctx)
	r.ctx = ctx
	r.replica = newReplica(ctx, r.name, r, h.g.limits, clocks, slog.New(slog.NewTextHandler(h, nil)).With("replica", r.name))
	r.stop = func() { r.gone = true; cancel() }
	h.all = append(h.all, r)
	callers := h.rand.IntN(4)
	h.say("%s starts, with %d callers", r.name, callers)
	pause := h.upTo(4 * time.Second)
	for range callers {
		op, chance := ops[h.rand.IntN(len(ops))], h.fork()
		r.done.Go(func() {
			for ctx.Err() == nil && !r.dead.Load() {
				r.call(op, chance)
				time.Sleep(pause)
			}
		})
	}
}

// here returns when the process runs; false: never.
func (r *subject) here() bool {
	for {
		if r.dead.Load() {
			return false
		}
		d := time.Until(r.thawed)
		if d <= 0 {
			return true
		}
		time.Sleep(d)
	}
}

func (r *subject) call(op campaign.Op, chance *rand.Rand) {
	upTo := func(d time.Duration) time.Duration { return time.Duration(chance.Int64N(int64(d))) }
	if _, ok := r.admit(r.ctx, op); !ok {
		return
	}
	time.Sleep(upTo(500 * time.Millisecond)) // the intent is saved
	if chance.IntN(20) == 0 {
		if r.here() {
			r.giveBack()
		}
		return
	}
	if !r.here() || !r.leave() {
		return
	}
	left := time.Now()
	r.h.say("%s: a call leaves", r.name)
	if chance.IntN(15) == 0 { // the connection is cut, at once or never
		r.done.Go(func() {
			time.Sleep(upTo(2 * time.Second))
			r.h.g.arrive()
			r.h.say("%s: a call arrives", r.name)
		})
		cut := []time.Duration{0, upTo(time.Second), DefaultTimeout}[chance.IntN(3)]
		time.Sleep(cut)
		if r.here() {
			r.unanswered(left)
			r.h.say("%s: the connection of a call is cut", r.name)
		}
		return
	}
	time.Sleep(upTo(2 * time.Second))
	remaining := r.h.g.arrive()
	r.h.say("%s: a call arrives", r.name)
	time.Sleep(upTo(2 * time.Second))
	if !r.here() {
		return
	}
	r.answered()
	r.h.say("%s: a call is answered", r.name)
	r.tokens.Heard(r.h.g.limits.Minute, remaining, time.Since(left))
	if n := r.share.Others(); n > 0 && r.h.strange == "" {
		r.h.strange = fmt.Sprintf("%s takes %d calls for those of a stranger, after %s", r.name, n, time.Since(r.h.g.at[0]))
	}
}

// reach is the way to the server; false: nobody answers.
func (r *subject) reach(ctx context.Context) bool {
	time.Sleep(time.Duration(r.rand.Int64N(int64(10 * time.Millisecond))))
	if r.here() && !time.Now().Before(r.back) {
		return true
	}
	<-ctx.Done()
	return false
}

func (r *subject) Read(ctx context.Context) (rate.Stored, error) {
	if !r.reach(ctx) {
		return rate.Stored{}, errAway
	}
	got := r.h.s.read()
	got.Connection = uint64(r.back.UnixNano()) + 1
	time.Sleep(time.Duration(r.rand.Int64N(int64(10 * time.Millisecond))))
	if !r.here() || ctx.Err() != nil {
		return rate.Stored{}, errAway
	}
	return got, nil
}

func (r *subject) Write(ctx context.Context, data []byte, revision uint64) (uint64, error) {
	connection := r.back
	if !r.reach(ctx) {
		return 0, errAway
	}
	if connection != r.back {
		return 0, rate.ErrConflict
	}
	written, err := r.h.s.write(data, revision)
	if err == nil {
		r.h.s.history[len(r.h.s.history)-1].by = r
	}
	if r.loses > 0 && err == nil {
		r.loses--
		r.h.happened[answerLost]++
		r.h.say("%s: the answer to a write is lost", r.name)
		<-ctx.Done()
		return 0, errAway
	}
	time.Sleep(time.Duration(r.rand.Int64N(int64(10 * time.Millisecond))))
	if !r.here() || ctx.Err() != nil {
		return 0, errAway
	}
	return written, err
}

// befall lets something happen.
func (h *history) befall(ctx context.Context) {
	var alive []*subject
	for _, r := range h.all {
		if !r.dead.Load() && !r.gone && time.Now().After(r.lives) {
			alive = append(alive, r)
		}
	}
	what := happening(h.rand.IntN(int(happenings)))
	if what == recordLost && h.rand.IntN(4) > 0 { // nobody calls for long after it
		what = answerLost
	}
	if len(alive) == 0 || what == started && len(alive) < 5 {
		h.start(ctx)
		return
	}
	r := alive[h.rand.IntN(len(alive))]
	switch what {
	case killed:
		r.dead.Store(true)
		h.say("%s is killed", r.name)
	case stopped:
		h.say("%s stops", r.name)
		r.stop()
	case frozen, suspended:
		d := h.upTo(2 * time.Minute)
		r.thawed = later(r.thawed, time.Now().Add(d))
		if what == suspended && time.Now().After(r.asleep) {
			// Its clock stands still until then.
			r.asleep = r.thawed
			r.slept += time.Until(r.thawed)
		}
		h.say("%s is %s for %s", r.name, what, d)
	case clockSet:
		d := h.upTo(10*time.Minute) - 5*time.Minute
		r.ahead += d
		h.say("%s: its clock is set, by %s", r.name, d)
	case cutOff:
		d := h.upTo(30 * time.Second)
		r.back = later(r.back, time.Now().Add(d))
		h.say("%s is cut off for %s", r.name, d)
	case answerLost:
		r.loses = 1
		return
	case recordLost, writesTakenBack:
		h.lose(what)
		return
	}
	h.happened[what]++
}

// lose takes from the server what it had acknowledged: everything, or the last writes. A
// cluster loses those of the last second, if most of its servers lose their power at once; then
// all connections are gone, and one whose write is taken back lives, to say so.
func (h *history) lose(what happening) {
	s := h.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if what == recordLost {
		s.data, s.history = nil, nil
		s.revision = 0
		s.born++
	} else {
		back := min(1+h.rand.IntN(3), len(s.history))
		for _, v := range s.history[len(s.history)-back:] {
			if v.by == nil || time.Since(v.when) > time.Second || v.by.dead.Load() || v.by.gone || time.Now().Before(v.by.thawed) {
				return
			}
		}
		if back == 0 || !bytes.Contains(s.history[len(s.history)-back].data, []byte(`"parts"`)) {
			return // nobody can miss what is lost to the last trace
		}
		for _, v := range s.history[len(s.history)-back:] {
			v.by.lives = time.Now().Add(time.Minute)
		}
		v := s.history[len(s.history)-back]
		s.data, s.at, s.revision = v.data, v.at, v.revision
		s.history = s.history[:len(s.history)-back]
	}
	h.happened[what]++
	d := h.upTo(10 * time.Second)
	h.say("the server is away for %s: %s", d, what)
	h.back = time.Now().Add(d)
	for _, r := range h.all {
		r.back = h.back
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (h *history) judge() string {
	if why := h.g.exceeded(); why != "" {
		return why
	}
	return h.strange
}
