package gateway

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/rate"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// limits is a limiter that has these to itself; zero: no limit.
func limits(perMinute, perSecond int) *limiter {
	return newLimiter(Options{PerMinute: perMinute, PerSecond: perSecond, Timeout: DefaultTimeout}.tokens())
}

// arrive makes the request of a token, which is answered at once.
func arrive(l *limiter) {
	l.leave()
	l.answered()
}

var ops = []campaign.Op{campaign.OpAdmit, campaign.OpConfirm, campaign.OpCreate, campaign.OpConfigure,
	campaign.OpCalculate, campaign.OpPrice, campaign.OpStatus, campaign.OpStats, campaign.OpDelete}

// arrivals is what the gateway sees: when each request reached it.
type arrivals struct {
	mu sync.Mutex
	at []time.Time
}

func (a *arrivals) add(at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at = append(a.at, at)
}

// crowded finds the first window of this length that holds more than limit.
func (a *arrivals) crowded(limit int, span time.Duration) string {
	slices.SortFunc(a.at, time.Time.Compare)
	for i := limit; i < len(a.at); i++ {
		if gap := a.at[i].Sub(a.at[i-limit]); gap < span {
			return fmt.Sprintf("%d requests within %s of %s", limit+1, gap, span)
		}
	}
	return ""
}

// caller is one call of the property test.
type caller struct {
	op       campaign.Op
	arrives  time.Duration // when it asks
	holds    time.Duration // how long it has its permit before it uses it
	travels  time.Duration // how long its request is under way
	returns  time.Duration // how long its answer is
	silent   bool          // whether there is no answer
	gives    bool          // whether it gives the permit back instead
	patience time.Duration // when it gives up; zero: never
}

// The property: wherever the windows begin, at the gateway's own end, and whatever the
// callers do, they are never exceeded; and no call waits without need.
func TestNoWindowIsEverExceeded(t *testing.T) {
	const (
		late    = 2 * time.Second // a request may be so long on its way
		timeout = 5 * time.Second
	)
	rapid.Check(t, func(rt *rapid.T) {
		perSecond := rapid.SampledFrom([]int{0, 1, 3, 10, 50}).Draw(rt, "per second")
		perMinute := rapid.SampledFrom([]int{0, 1, 7, 40, 100}).Draw(rt, "per minute")
		ms := func(most int) *rapid.Generator[time.Duration] {
			return rapid.Map(rapid.IntRange(0, most), func(n int) time.Duration { return time.Duration(n) * time.Millisecond })
		}
		within := rapid.SampledFrom([]int{1, 1000, 200_000}).Draw(rt, "within ms")
		callers := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) caller {
			c := caller{
				op:      rapid.SampledFrom(ops).Draw(rt, "op"),
				arrives: ms(within).Draw(rt, "arrives"), holds: ms(3000).Draw(rt, "holds"),
				travels: ms(int(late.Milliseconds())).Draw(rt, "travels"), returns: ms(int(late.Milliseconds())).Draw(rt, "returns"),
				silent: rapid.IntRange(0, 5).Draw(rt, "silent") == 0, gives: rapid.IntRange(0, 5).Draw(rt, "gives") == 0,
			}
			if rapid.IntRange(0, 4).Draw(rt, "impatient") == 0 {
				c.patience = ms(5000).Draw(rt, "patience")
			}
			return c
		}), 1, 150).Draw(rt, "callers")

		var seen arrivals
		var lost []string
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter(Options{PerMinute: perMinute, PerSecond: perSecond, Timeout: timeout}.tokens())
			var wg sync.WaitGroup
			for _, c := range callers {
				wg.Go(func() {
					time.Sleep(c.arrives)
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					if c.patience > 0 {
						time.AfterFunc(c.patience, cancel)
					}
					if _, ok := l.admit(ctx, c.op); !ok {
						return
					}
					time.Sleep(c.holds)
					if c.gives {
						l.giveBack()
						return
					}
					l.leave()
					left := time.Now()
					time.Sleep(c.travels)
					seen.add(time.Now())
					if c.silent {
						time.Sleep(timeout - c.travels)
						l.unanswered(left)
						return
					}
					time.Sleep(c.returns)
					l.answered()
				})
			}
			wg.Wait()
			if l.waiting() != 0 {
				lost = append(lost, fmt.Sprintf("%d waiting when all had gone", l.waiting()))
			}
			if tokens, limited := l.tokens.(*rate.Alone); limited {
				time.Sleep(timeout + time.Minute)
				if tokens.Out() != 0 || tokens.Counted() != 0 {
					lost = append(lost, fmt.Sprintf("%d tokens out and %d counted long after all had gone", tokens.Out(), tokens.Counted()))
				}
			}
		})
		if perSecond > 0 {
			if why := seen.crowded(perSecond, time.Second); why != "" {
				rt.Fatal(why)
			}
		}
		if perMinute > 0 {
			if why := seen.crowded(perMinute, time.Minute); why != "" {
				rt.Fatal(why)
			}
		}
		if len(lost) > 0 {
			rt.Fatal(strings.Join(lost, "; "))
		}
	})
}

// The vendor's own numbers, with more work than they allow: neither is exceeded, and
// both are used up.
func TestTheVendorsLimitsAreUsedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limits(1000, 50)
		start := time.Now()
		var seen arrivals
		var wg sync.WaitGroup
		for range 2500 {
			wg.Go(func() {
				l.admit(t.Context(), campaign.OpPrice)
				l.leave()
				seen.add(time.Now())
				time.Sleep(200 * time.Millisecond)
				l.answered()
			})
		}
		wg.Wait()
		if why := seen.crowded(50, time.Second) + seen.crowded(1000, time.Minute); why != "" {
			t.Error(why)
		}
		// 1,000 in each of two minutes and an answer, then 500 at 50 in 1.2 s, and the last answer.
		if took, want := time.Since(start), 2*60200*time.Millisecond+9*1200*time.Millisecond+200*time.Millisecond; took != want {
			t.Errorf("2,500 requests took %s, want %s", took, want)
		}
	})
}

// Calls that wait are served by class, and in the order of arrival within a class.
func TestConfirmGoesFirstPollingLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limits(0, 1)
		l.admit(t.Context(), campaign.OpCreate)
		arrive(l)
		var order []string
		var wg sync.WaitGroup
		for i, op := range []campaign.Op{campaign.OpStats, campaign.OpCreate, campaign.OpPrice, campaign.OpConfirm,
			OpSearch, campaign.OpStatus, campaign.OpAdmit, campaign.OpDelete, campaign.OpCreate} {
			if i == 2 { // the price of a check waits for all others, also those that come later
				last := runner.WithLast(t.Context())
				wg.Go(func() {
					l.admit(last, campaign.OpPrice)
					order = append(order, "last")
					l.leave()
				})
				synctest.Wait()
			}
			wg.Go(func() {
				l.admit(t.Context(), op)
				order = append(order, fmt.Sprint(i, op))
				arrive(l)
			})
			synctest.Wait()
		}
		if got := l.waiting(); got != 10 {
			t.Errorf("%d waiting, want 10", got)
		}
		wg.Wait()
		want := "3confirm 6admit 2price 5status 7delete 1create 8create 0stats 4search last"
		if got := strings.Join(order, " "); got != want {
			t.Errorf("served\n got %s\nwant %s", got, want)
		}
	})
}

// However many others wait, a confirm gets the very next token.
func TestConfirmIsNeverStarved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limits(0, 2)
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 100 { // each asks again and again
			wg.Go(func() {
				for {
					if _, ok := l.admit(ctx, campaign.OpPrice); !ok {
						return
					}
					arrive(l)
				}
			})
		}
		for range 20 {
			time.Sleep(700 * time.Millisecond)
			asked := time.Now()
			l.admit(t.Context(), campaign.OpConfirm)
			arrive(l)
			if waited := time.Since(asked); waited > time.Second {
				t.Errorf("a confirm waited %s for one of two tokens a second", waited)
			}
		}
		stop()
		wg.Wait()
	})
}

// A permit that is not used yet counts however long it is kept.
func TestLeaveInHandCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limits(0, 1)
		l.admit(t.Context(), campaign.OpConfirm)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if no, ok := l.admit(ctx, campaign.OpPrice); ok || no.Kind != campaign.NotAttempted || no.Op != campaign.OpPrice {
			t.Fatalf("admitted %v, %s, while the only token was out", ok, no.Kind)
		}
		l.giveBack()
		start := time.Now()
		if _, ok := l.admit(t.Context(), campaign.OpPrice); !ok || time.Since(start) != 0 {
			t.Errorf("a token given back was not there at once")
		}
	})
}

// A call that gives up in the very moment in which it is served leaves its token.
func TestTokenOfWhoeverWentAwayIsNotLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limits(0, 1)
		for range 500 {
			l.admit(t.Context(), campaign.OpCreate)
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				if _, ok := l.admit(ctx, campaign.OpPrice); ok {
					l.giveBack()
				}
			}()
			synctest.Wait()
			l.giveBack()
			cancel()
			synctest.Wait()
			if out := l.tokens.(*rate.Alone).Out(); out != 0 || l.waiting() != 0 {
				t.Fatalf("%d tokens are out, %d wait, and nobody is there", out, l.waiting())
			}
		}
	})
}

// The end of a short 429 is waited for; a long one is reported. Either stops all calls.
func TestBlockHoldsForEverybody(t *testing.T) {
	t.Parallel()
	for _, perSecond := range []int{0, 50} {
		synctest.Test(t, func(t *testing.T) {
			l := limits(0, perSecond)
			start := time.Now()
			l.block(12 * time.Second)
			l.block(2 * time.Second) // an earlier end changes nothing
			if _, ok := l.admit(t.Context(), campaign.OpConfirm); !ok || time.Since(start) != 12*time.Second {
				t.Errorf("admitted %v after %s, want after 12s", ok, time.Since(start))
			}
			arrive(l)
			synctest.Wait()
			if l.open.Load() != (perSecond == 0) {
				t.Error("no limit, and yet a lock")
			}

			waiting := make(chan campaign.Outcome)
			l.block(20 * time.Second)
			go func() {
				no, _ := l.admit(t.Context(), campaign.OpCreate)
				waiting <- no
			}()
			synctest.Wait()
			l.block(10 * time.Minute)
			if no := <-waiting; no.Kind != campaign.Throttled || no.RetryAfter != 10*time.Minute {
				t.Errorf("who waited was told %s, %s", no.Kind, no.RetryAfter)
			}
			if no, ok := l.admit(t.Context(), campaign.OpConfirm); ok || no.Kind != campaign.Throttled || no.RetryAfter != 10*time.Minute {
				t.Errorf("who asked was told %v, %s, %s", ok, no.Kind, no.RetryAfter)
			}
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			if _, ok := l.admit(t.Context(), campaign.OpConfirm); !ok {
				t.Error("still stopped when it was over")
			}
			if l.open.Load() != (perSecond == 0) {
				t.Error("no limit, and yet a lock")
			}
		})
	}
}

// A further request of the same call needs a token of its own, and does not leave
// without one.
func TestFurtherRequestsCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limits(0, 2)
		l.admit(t.Context(), campaign.OpPrice)
		l.leave()
		if !l.leaveAgain() {
			t.Error("one of two tokens was left, and it may not leave")
		}
		if l.leaveAgain() {
			t.Error("a third request leaves with two tokens")
		}
		l.answered()
		l.unanswered(time.Now())
		start := time.Now()
		l.admit(t.Context(), campaign.OpPrice)
		if waited := time.Since(start); waited != time.Second {
			t.Errorf("waited %s, want 1s", waited)
		}
	})
}

func BenchmarkAdmit(b *testing.B) {
	for name, limit := range map[string]int{"Unlimited": 0, "Limited": 1 << 20} {
		b.Run(name, func(b *testing.B) {
			l := limits(limit, limit)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					l.admit(b.Context(), campaign.OpPrice)
					l.giveBack()
				}
			})
		})
	}
}
