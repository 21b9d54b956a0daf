package gateway

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// port is a gateway behind the port. It admits every call, and answers as the test
// says.
type port struct {
	answer   campaign.Kind     // set while no call is made
	says     *campaign.Outcome // used instead, if it is set
	takes    time.Duration
	calls    atomic.Int32
	released atomic.Int32
}

func (p *port) Admit(context.Context, campaign.Op) (runner.Permit, campaign.Outcome) {
	return portPermit{p}, campaign.Outcome{}
}

type portPermit struct{ *port }

func (p portPermit) Call(ctx context.Context, call campaign.Call) campaign.Outcome {
	p.calls.Add(1)
	out := campaign.Outcome{Op: call.Op, Kind: p.answer, HTTP: 1}
	if p.says != nil {
		out = *p.says
	}
	select {
	case <-time.After(p.takes):
	case <-ctx.Done():
	}
	return out
}

func (p portPermit) Release() { p.released.Add(1) }

// through makes one call through a port.
func through(ctx context.Context, g runner.Gateway, op campaign.Op) campaign.Outcome {
	permit, no := g.Admit(ctx, op)
	if permit == nil {
		return no
	}
	return permit.Call(ctx, campaign.Call{Op: op})
}

type breakerTest struct {
	*breaker
	port  *port
	moves []string
}

// inBubble runs a test with a breaker of three failures and 30 s, in a bubble
// whose time passes by itself.
func inBubble(t *testing.T, f func(t *testing.T, b *breakerTest)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &breakerTest{port: &port{answer: campaign.OK}}
		b.breaker = newBreaker(b.port, 3, 30*time.Second, newSignal(), func(from, to string) { b.moves = append(b.moves, from+">"+to) })
		f(t, b)
		b.close()
	})
}

func (b *breakerTest) fail(t *testing.T, n int) {
	b.port.answer = campaign.Unavailable
	for range n {
		through(t.Context(), b, campaign.OpCreate)
	}
}

func TestBreakerCountsOnlyUnavailable(t *testing.T) {
	for _, kind := range []campaign.Kind{campaign.OK, campaign.Refused, campaign.Unauthorised, campaign.Throttled, campaign.NotAttempted} {
		t.Run(string(kind), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *breakerTest) {
				b.port.answer = kind
				for range 20 {
					through(t.Context(), b, campaign.OpPrice)
				}
				if n := b.port.calls.Load(); b.State() != "closed" || n != 20 {
					t.Errorf("%s after %d calls", b.State(), n)
				}
			})
		})
	}
	t.Run("AnswersInBetweenBreakTheRow", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *breakerTest) {
			for range 10 {
				b.fail(t, 2)
				b.port.answer = campaign.Refused
				through(t.Context(), b, campaign.OpPrice)
			}
			if b.State() != "closed" {
				t.Error(b.State())
			}
		})
	})
	t.Run("WhoGaveUpWaitingSaysNothing", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *breakerTest) {
			b.port.answer, b.port.takes = campaign.Unavailable, time.Minute
			for range 10 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				through(ctx, b, campaign.OpPrice)
				cancel()
			}
			if b.State() != "closed" {
				t.Error(b.State())
			}
		})
	})
}

func TestBreakerOpensAndNobodyCalls(t *testing.T) {
	inBubble(t, func(t *testing.T, b *breakerTest) {
		changed := b.changed.wait()
		b.fail(t, 3)
		select {
		case <-changed:
		default:
			t.Error("nobody was told")
		}
		time.Sleep(10 * time.Second)
		got := through(t.Context(), b, campaign.OpPrice)
		if got.Kind != campaign.NotAttempted || got.Breaker != "open" || got.RetryAfter != 20*time.Second || got.Op != campaign.OpPrice || got.Err == "" {
			t.Errorf("got %+v", got)
		}
		if n := b.port.calls.Load(); n != 3 {
			t.Errorf("%d calls, want 3", n)
		}
	})
}

// It stops being open although no call is made: a consumer of requests waits for that
// before it makes a call.
func TestBreakerHalfOpensByItself(t *testing.T) {
	inBubble(t, func(t *testing.T, b *breakerTest) {
		b.fail(t, 3)
		opened := time.Now()
		for b.State() == "open" {
			<-b.changed.wait()
		}
		if b.State() != "half-open" || time.Since(opened).Round(time.Second) != 30*time.Second {
			t.Errorf("%s after %s", b.State(), time.Since(opened))
		}
	})
}

func TestBreakerLetsOneTry(t *testing.T) {
	tests := map[string]struct {
		answer campaign.Kind
		calls  int32 // of ten that ask at once
		moves  string
	}{
		"AndClosesIfItIsAnswered": {campaign.OK, 10, "closed>open open>half-open half-open>closed"},
		"AndClosesIfItIsRefused":  {campaign.Refused, 10, "closed>open open>half-open half-open>closed"},
		"AndOpensIfItIsNot":       {campaign.Unavailable, 1, "closed>open open>half-open half-open>open"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *breakerTest) {
				b.fail(t, 3)
				time.Sleep(31 * time.Second)
				b.port.answer, b.port.takes = tt.answer, time.Second
				b.port.calls.Store(0)
				var wg sync.WaitGroup
				outs := make([]campaign.Outcome, 10)
				for i := range outs {
					wg.Go(func() { outs[i] = through(t.Context(), b, campaign.OpCreate) })
				}
				synctest.Wait()
				if n := b.port.calls.Load(); n != 1 {
					t.Errorf("%d try at once, want 1", n)
				}
				wg.Wait()
				tried := 0
				for _, out := range outs {
					switch {
					case out.Kind == tt.answer && out.Breaker == "half-open":
						tried++
					case out.Kind == campaign.NotAttempted && (out.Breaker != "open" || out.RetryAfter <= 0):
						t.Errorf("kept back: %+v", out)
					}
				}
				if n := b.port.calls.Load(); tried != 1 || n != tt.calls {
					t.Errorf("%d tried, %d called, want 1 and %d", tried, n, tt.calls)
				}
				if got := strings.Join(b.moves, " "); got != tt.moves {
					t.Errorf("moves %q, want %q", got, tt.moves)
				}
			})
		})
	}
}

// After a try without a call the next one may try.
func TestBreakerTryThatWasReleased(t *testing.T) {
	inBubble(t, func(t *testing.T, b *breakerTest) {
		b.fail(t, 3)
		time.Sleep(31 * time.Second)
		b.port.answer = campaign.OK
		permit, _ := b.Admit(t.Context(), campaign.OpCreate)
		var wg sync.WaitGroup
		var next campaign.Outcome
		wg.Go(func() { next = through(t.Context(), b, campaign.OpPrice) })
		synctest.Wait()
		permit.Release()
		wg.Wait()
		if next.Kind != campaign.OK || next.Breaker != "half-open" || b.State() != "closed" {
			t.Errorf("next: %s %s, then %s", next.Kind, next.Breaker, b.State())
		}
	})
}

// The call that spends money is never the one that tries.
func TestBreakerNeverTriesWithAConfirm(t *testing.T) {
	inBubble(t, func(t *testing.T, b *breakerTest) {
		b.fail(t, 3)
		time.Sleep(31 * time.Second)
		got := through(t.Context(), b, campaign.OpConfirm)
		if got.Kind != campaign.NotAttempted || got.Breaker != "half-open" || got.RetryAfter <= 0 {
			t.Errorf("got %+v", got)
		}
		b.port.answer = campaign.OK
		through(t.Context(), b, campaign.OpStatus)
		if got := through(t.Context(), b, campaign.OpConfirm); got.Kind != campaign.OK {
			t.Errorf("closed again, and a confirm is %s", got.Kind)
		}
	})
}

// A call that waits for another's try gives up when its context ends.
func TestBreakerWaiterLeaves(t *testing.T) {
	inBubble(t, func(t *testing.T, b *breakerTest) {
		b.fail(t, 3)
		time.Sleep(31 * time.Second)
		permit, _ := b.Admit(t.Context(), campaign.OpCreate)
		defer permit.Release()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got := through(ctx, b, campaign.OpPrice); got.Kind != campaign.NotAttempted {
			t.Errorf("got %s", got.Kind)
		}
	})
}

// A call that was admitted before the breaker opened, and ends later, changes nothing:
// its outcome is out of date.
func TestBreakerIgnoresLateNews(t *testing.T) {
	inBubble(t, func(t *testing.T, b *breakerTest) {
		late, _ := b.Admit(t.Context(), campaign.OpCreate)
		b.fail(t, 3)
		time.Sleep(31 * time.Second)
		late.Call(t.Context(), campaign.Call{Op: campaign.OpCreate})
		if b.State() != "half-open" {
			t.Error(b.State())
		}
	})
}

// A call that waited for the rate limit while the breaker opened does not leave, and
// gives its token back. Nor does a confirm leave once the breaker is half-open.
func TestBreakerLooksAgainAfterTheWait(t *testing.T) {
	tests := map[string]struct {
		op   campaign.Op
		wait time.Duration
		want string
	}{
		"Open":                  {campaign.OpPrice, 0, "open"},
		"HalfOpenForTheConfirm": {campaign.OpConfirm, 31 * time.Second, "half-open"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *breakerTest) {
				slow := &slowPort{port: b.port, wait: make(chan struct{})}
				b.next = slow
				out := make(chan campaign.Outcome)
				go func() { out <- through(t.Context(), b, tt.op) }()
				synctest.Wait()
				b.next = b.port
				b.fail(t, 3)
				time.Sleep(tt.wait)
				close(slow.wait)
				if got := <-out; got.Kind != campaign.NotAttempted || got.Breaker != tt.want || got.RetryAfter <= 0 {
					t.Errorf("got %+v", got)
				}
				if calls, released := b.port.calls.Load(), b.port.released.Load(); calls != 3 || released != 1 {
					t.Errorf("%d calls, %d released, want 3 and 1", calls, released)
				}
				b.port.answer = campaign.OK
				time.Sleep(31 * time.Second)
				if got := through(t.Context(), b, campaign.OpPrice); got.Kind != campaign.OK {
					t.Errorf("the try afterwards: %s", got.Kind)
				}
			})
		})
	}
}
