//go:build !race

// What befalls the services in imagined time is put in order by instants, which the race
// detector does not know: it would take the world of these tests for a race. The shared
// rate itself runs under it in the tests of package app.

package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/rate"
)

// server is the place that all replicas share: a record under compare-and-set, dated by
// a clock of its own.
type server struct {
	mu       sync.Mutex
	ahead    time.Duration // of its clock
	data     []byte
	at       time.Time
	revision uint64
	reads    int
	writes   int
	born     uint64
	history  []version
}

type version struct {
	data     []byte
	at       time.Time
	revision uint64
	by       *subject // who has overwritten it, and when
	when     time.Time
}

func (s *server) read() rate.Stored {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	return rate.Stored{Data: s.data, Revision: s.revision, At: s.at}
}

func (s *server) write(data []byte, revision uint64) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	if revision != s.revision {
		return 0, rate.ErrConflict
	}
	s.history = append(s.history, version{data: s.data, at: s.at, revision: s.revision, when: time.Now()})
	s.data, s.at = data, time.Now().Add(s.ahead)
	if s.revision == 0 { // a bucket begins where no earlier one has got to
		s.revision = s.born << 32
	}
	s.revision++
	return s.revision, nil
}

var errAway = errors.New("nobody answers")

// link is a replica's way to the server.
type link struct {
	s     *server
	delay func() time.Duration // each way
	away  func() bool
	// lost says that a write is stored and its answer is lost.
	lost func() bool
}

func (l *link) Read(ctx context.Context) (rate.Stored, error) {
	time.Sleep(l.delay())
	if l.away() {
		<-ctx.Done()
		return rate.Stored{}, errAway
	}
	got := l.s.read()
	time.Sleep(l.delay())
	return got, ctx.Err()
}

func (l *link) Write(ctx context.Context, data []byte, revision uint64) (uint64, error) {
	time.Sleep(l.delay())
	if l.away() {
		<-ctx.Done()
		return 0, errAway
	}
	rev, err := l.s.write(data, revision)
	if l.lost() {
		<-ctx.Done()
		return 0, errAway
	}
	time.Sleep(l.delay())
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	return rev, err
}

func newLink(s *server) *link {
	no := func() bool { return false }
	return &link{s: s, delay: func() time.Duration { return time.Duration(rand.IntN(1500)) * time.Microsecond }, away: no, lost: no}
}

// replica is one process: what waits for the rate there, and its share.
type replica struct {
	*limiter
	share *rate.Share
	stop  context.CancelFunc
	done  sync.WaitGroup
	dead  atomic.Bool
}

func newReplica(ctx context.Context, name string, store rate.Store, l rate.Limits, clocks func() (steady, wall time.Duration), log *slog.Logger) *replica {
	share := rate.NewShare(rate.Options{Store: store, Name: name, Limits: l, Timeout: DefaultTimeout, Clocks: clocks, Log: log})
	r := &replica{limiter: newLimiter(share), share: share}
	ctx, r.stop = context.WithCancel(ctx)
	r.done.Go(func() { share.Run(ctx) })
	return r
}

// work calls again and again, with so many callers, until ctx ends. Each call is answered
// after the given time.
func (r *replica) work(ctx context.Context, callers int, op campaign.Op, g *gatewayEnd) {
	for range callers {
		r.done.Go(func() {
			for ctx.Err() == nil && !r.dead.Load() {
				r.call(ctx, op, g)
			}
		})
	}
}

func (r *replica) call(ctx context.Context, op campaign.Op, g *gatewayEnd) {
	if _, ok := r.admit(ctx, op); !ok {
		return
	}
	if r.dead.Load() || !r.leave() {
		return
	}
	left := time.Now()
	time.Sleep(100 * time.Millisecond)
	remaining := g.arrive()
	time.Sleep(100 * time.Millisecond)
	r.answered()
	r.tokens.Heard(g.limits.Minute, remaining, time.Since(left))
}

// gatewayEnd is the gateway: it counts in the strictest way.
type gatewayEnd struct {
	arrivals
	limits rate.Limits
	// refuses says that what is above the limit of the minute is answered 429 and not let
	// in, as it must be where a stranger calls too. refused counts those of ours.
	refuses atomic.Bool
	refused atomic.Int64
}

func (g *gatewayEnd) arrive() (remaining int) {
	now := time.Now()
	if g.refuses.Load() && g.within(now, time.Minute) >= g.limits.Minute {
		g.refused.Add(1)
		return 0
	}
	g.add(now)
	return g.limits.Minute - g.within(now, time.Minute)
}

// within is how many arrived in the window that ends then.
func (g *gatewayEnd) within(end time.Time, window time.Duration) (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, at := range slices.Backward(g.at) {
		if end.Sub(at) >= window {
			break
		}
		if !at.After(end) {
			n++
		}
	}
	return n
}

func (g *gatewayEnd) exceeded() string {
	return g.crowded(g.limits.Second, time.Second) + g.crowded(g.limits.Minute, time.Minute)
}

var (
	production = rate.Limits{Minute: 1000, Second: 50}
	trial      = rate.Limits{Minute: 100, Second: 10}
)

// However many replicas there are and whoever has the work, the account's rate is used
// and never exceeded.
func TestTheRateIsSharedAndUsed(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 4, 8} {
		for name, load := range map[string]func(i int) int{
			"Evenly":    func(int) int { return 64 },
			"Polls":     func(int) int { return 64 },
			"AllByOne":  func(i int) int { return map[bool]int{true: 128}[i == 0] },
			"MostByOne": func(i int) int { return map[bool]int{true: 128, false: 1}[i == 0] },
		} {
			t.Run(fmt.Sprint(name, n), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s, g := &server{data: rate.First(), at: time.Now()}, &gatewayEnd{limits: production}
					ctx, stop := context.WithCancel(t.Context())
					start := time.Now()
					var all []*replica
					for i := range n {
						r := newReplica(ctx, fmt.Sprint("r", i), newLink(s), production, nil, nil)
						all = append(all, r)
						op := campaign.OpPrice
						if name == "Polls" {
							op = campaign.OpStats
						}
						r.work(ctx, load(i), op, g)
					}
					const minutes = 10
					time.Sleep(minutes * time.Minute)
					reads, writes := s.reads, s.writes
					stop()
					for _, r := range all {
						r.stop()
						r.done.Wait()
					}
					if why := g.exceeded(); why != "" {
						t.Error(why)
					}
					used := 0
					for _, at := range g.at { // after the first minute
						if since := at.Sub(start); since >= time.Minute && since < minutes*time.Minute {
							used++
						}
					}
					share := float64(used) / ((minutes - 1) * 1000)
					each := float64(reads+writes) / (minutes * 60) / float64(n)
					t.Logf("%.2f %% of the rate, %.2f messages a second and replica (%d reads, %d writes), %d bytes", 100*share, each, reads, writes, len(s.data))
					if share < 0.97 {
						t.Errorf("%.2f %% of the rate is used, want 97 %%", 100*share)
					}
					if each > 6 {
						t.Errorf("%.2f questions and writes a second and replica", each)
					}
				})
			})
		}
	}
}

// fleet is replicas that share an account, until the test ends.
type fleet struct {
	t     *testing.T
	s     *server
	g     *gatewayEnd
	ctx   context.Context
	start time.Time
	all   []*replica
	links []*link
}

// share lives what happens to n replicas, and wants no window exceeded.
func share(t *testing.T, n int, limits rate.Limits, live func(*fleet)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		f := &fleet{t: t, s: &server{data: rate.First(), at: time.Now()}, g: &gatewayEnd{limits: limits}, ctx: ctx, start: time.Now()}
		for range n {
			f.add()
		}
		live(f)
		stop()
		for _, r := range f.all {
			r.stop()
			r.done.Wait()
		}
		if why := f.g.exceeded(); why != "" {
			t.Error(why)
		}
	})
}

func (f *fleet) add() *replica {
	l := newLink(f.s)
	r := newReplica(f.ctx, fmt.Sprint("r", len(f.all)), l, f.g.limits, nil, nil)
	f.all, f.links = append(f.all, r), append(f.links, l)
	return r
}

// kill is kill -9: nothing more is heard of it.
func (f *fleet) kill(i int) {
	f.links[i].away = func() bool { return true }
	f.all[i].dead.Store(true)
}

// between is how many calls arrived, from one instant after the start to another.
func (f *fleet) between(from, to time.Duration) (n int) {
	f.g.mu.Lock()
	defer f.g.mu.Unlock()
	for _, at := range f.g.at {
		if since := at.Sub(f.start); since >= from && since < to {
			n++
		}
	}
	return n
}

func (f *fleet) used(from time.Duration, least int, what string) {
	f.t.Helper()
	n := f.between(from, from+time.Minute)
	f.t.Logf("%s: %d of %d in a minute", what, n, f.g.limits.Minute)
	if n < least {
		f.t.Errorf("%s: %d calls in a minute, want %d or more", what, n, least)
	}
}

// What one of four held when it was killed is little, and comes back; and who is left
// alone has nearly all within two minutes.
func TestTheRateOfTheDeadComesBack(t *testing.T) {
	t.Parallel()
	share(t, 4, production, func(f *fleet) {
		for _, r := range f.all {
			r.work(f.ctx, 64, campaign.OpPrice, f.g)
		}
		time.Sleep(3*time.Minute + 17*time.Second)
		f.kill(0)
		time.Sleep(3 * time.Minute)
		f.used(3*time.Minute+17*time.Second, 900, "after one of four was killed")
		f.kill(1)
		f.kill(2)
		time.Sleep(4 * time.Minute)
		f.used(8*time.Minute+17*time.Second, 950, "alone, two minutes later")
	})
}

// No confirm waits for the polls of another replica longer than a second, whether those
// have much to do or little.
func TestConfirmsGoFirstAcrossReplicas(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string]rate.Limits{"Production": production, "Trial": trial} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			share(t, 4, limits, func(f *fleet) {
				for _, r := range f.all[1:] {
					r.work(f.ctx, 64, campaign.OpStats, f.g)
				}
				var longest time.Duration
				for i := range 40 {
					// At any moment of the minute.
					time.Sleep(6*time.Second + time.Duration(i)*171*time.Millisecond)
					asked := time.Now()
					if _, ok := f.all[0].admit(f.ctx, campaign.OpConfirm); !ok {
						f.t.Fatal("it was not admitted")
					}
					longest = max(longest, time.Since(asked))
					f.all[0].leave()
					f.g.arrive()
					f.all[0].answered()
				}
				f.t.Logf("the longest wait of 40 confirms: %s", longest)
				if longest > time.Second {
					f.t.Errorf("a confirm waited %s", longest)
				}
			})
		})
	}
}

// Whoever has nothing to do writes nothing.
func TestIdleReplicasSayNothing(t *testing.T) {
	t.Parallel()
	share(t, 4, production, func(f *fleet) {
		for _, r := range f.all {
			r.call(f.ctx, campaign.OpStats, f.g)
		}
		time.Sleep(10 * time.Second)
		reads, writes := f.s.reads, f.s.writes
		time.Sleep(time.Hour)
		if f.s.reads != reads || f.s.writes != writes {
			f.t.Errorf("%d reads and %d writes in an hour in which nothing was to do", f.s.reads-reads, f.s.writes-writes)
		}
	})
}

// Another programme with the same key: what it does is heeded as soon as it can be seen,
// somebody says that it is there, and when it is gone, that too. A stranger may take the
// last place while a call of ours is on its way, and nobody can see that: such a call is
// answered 429. There are few of them; unheeded, one in six calls would be.
func TestStrangersAreHeeded(t *testing.T) {
	t.Parallel()
	share(t, 2, production, func(f *fleet) {
		for _, r := range f.all {
			r.work(f.ctx, 64, campaign.OpPrice, f.g)
		}
		time.Sleep(2 * time.Minute)
		if n := f.all[0].share.Others(); n != 0 {
			f.t.Errorf("%d calls of a stranger, and there is none", n)
		}
		ours := f.between(time.Minute, 2*time.Minute)
		// 200 calls a minute that nobody has told of; the gateway refuses what is too much,
		// theirs and ours.
		f.g.refuses.Store(true)
		strangers, refused := 0, 0
		for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); strangers++ {
			if f.g.within(time.Now(), time.Minute) < f.g.limits.Minute {
				f.g.arrive()
			} else {
				refused++
			}
			time.Sleep(300 * time.Millisecond)
		}
		seen := max(f.all[0].share.Others(), f.all[1].share.Others())
		left := f.between(4*time.Minute, 5*time.Minute)
		f.t.Logf("%d calls a minute without the stranger; with its 200, of which %d are known, the gateway counts %d in a minute; of three minutes %d of ours were refused", ours, seen, left, f.g.refused.Load())
		if refused := f.g.refused.Load(); refused > 10 {
			f.t.Errorf("%d calls were refused", refused)
		}
		if seen < 100 || seen > 200 {
			f.t.Errorf("%d of 200 calls are known to be a stranger's", seen)
		}
		time.Sleep(3 * time.Minute)
		if n := f.all[0].share.Others(); n != 0 {
			f.t.Errorf("%d calls of a stranger who has gone", n)
		}
		f.used(7*time.Minute, 970, "when it has gone")
	})
}

// The gateway's word on the limit is heeded from the first call on, whatever is
// configured.
func TestATrialIsFoundOut(t *testing.T) {
	t.Parallel()
	share(t, 0, trial, func(f *fleet) {
		for range 2 {
			f.g.limits = production // what is configured
			r := f.add()
			f.g.limits = trial
			r.work(f.ctx, 64, campaign.OpPrice, f.g)
		}
		time.Sleep(3 * time.Minute)
		f.used(2*time.Minute, 95, "a trial")
	})
}

// While nobody answers, whoever holds something uses it up, and takes nothing more; when
// somebody does, it goes on.
func TestWithoutTheServer(t *testing.T) {
	t.Parallel()
	share(t, 2, production, func(f *fleet) {
		for _, r := range f.all {
			r.work(f.ctx, 64, campaign.OpPrice, f.g)
		}
		time.Sleep(2 * time.Minute)
		away := true
		for _, l := range f.links {
			l.away = func() bool { return away }
		}
		time.Sleep(10 * time.Second)
		if n := f.between(2*time.Minute+6*time.Second, 2*time.Minute+10*time.Second); n > 0 {
			f.t.Errorf("%d calls leave long after nobody answers", n)
		}
		away = false
		time.Sleep(3 * time.Minute)
		f.used(4*time.Minute, 970, "when it answers again")
	})
}
