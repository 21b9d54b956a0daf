package gateway

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/rate"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// breaker is the port with a circuit breaker around it. It counts only calls that went
// unanswered, never a refusal, a 429, a wrong key, or a wait that our own side gave up.
// A read that finds nothing counts neither way: a gateway may lack that read, and a
// proxy in front of a gateway that is down may answer it. While the breaker is open, no
// campaign's attempts are used up. If only one source goes unanswered, the breaker does
// not open for the others: see [sourceBreaker].
//
// Half-open, one call tries. Other calls wait for its outcome instead of being sent
// away for half a minute. A confirm is never the call that tries: its outcome must not
// be more doubtful than necessary.
type breaker struct {
	next    runner.Gateway
	cb      *gobreaker.TwoStepCircuitBreaker[struct{}]
	openFor time.Duration
	changed *signal
	notify  func(from, to string)
	blame   *sourceBreaker

	state atomic.Int32 // gobreaker.State, as last reported
	until atomic.Int64 // open: until when, Unix nanoseconds
	timer atomic.Pointer[time.Timer]
}

// The result of a call, for gobreaker.
var (
	errUnanswered = errors.New("unanswered")
	errNothing    = errors.New("says nothing about the gateway")
)

func newBreaker(next runner.Gateway, failures int, openFor time.Duration, changed *signal, notify func(from, to string)) *breaker {
	b := &breaker{next: next, openFor: openFor, changed: changed, notify: notify, blame: newSourceBreaker(failures, openFor)}
	b.cb = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name:        "gateway",
		MaxRequests: 1,
		Timeout:     openFor,
		// No ratio is used beside it: if every other call fails, five failures in a row
		// come within some sixty calls.
		ReadyToTrip:   func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= uint32(failures) },
		IsExcluded:    func(err error) bool { return errors.Is(err, errNothing) },
		OnStateChange: b.moved,
	})
	return b
}

// Admit asks the next layer only if the breaker is not open, and asks the breaker last:
// if it opened while a call waited for the rate limit, the call does not leave.
func (b *breaker) Admit(ctx context.Context, op campaign.Op) (runner.Permit, campaign.Outcome) {
	source := runner.SourceOf(ctx)
	for {
		state := gobreaker.State(b.state.Load())
		if rest := b.blame.alone(source); rest > 0 {
			return nil, campaign.Outcome{
				Op: op, Kind: campaign.NotAttempted, Breaker: state.String(), RetryAfter: max(rest, time.Second),
				Err: "the gateway did not answer the last calls for " + source + ", and answers others; " + source + " is left alone for a while",
			}
		}
		if state == gobreaker.StateOpen || state == gobreaker.StateHalfOpen && classOf(ctx, op) == rate.Confirming {
			return nil, b.answerOpen(op, state)
		}
		inner, no := b.next.Admit(ctx, op)
		if inner == nil {
			no.Breaker = state.String()
			return nil, no
		}
		changed := b.changed.wait()
		done, err := b.cb.Allow()
		state = gobreaker.State(b.state.Load())
		switch {
		case err == nil && state == gobreaker.StateHalfOpen && classOf(ctx, op) == rate.Confirming:
			done(errNothing)
			b.changed.fire()
			inner.Release()
			return nil, b.answerOpen(op, state)
		case err == nil:
			return &breakerPermit{b, inner, done, state, source}, campaign.Outcome{}
		}
		inner.Release()
		if errors.Is(err, gobreaker.ErrOpenState) {
			continue
		}
		select { // half-open, and another call is trying
		case <-changed:
		case <-ctx.Done():
			return nil, notAttempted(campaign.Outcome{Op: op, Breaker: state.String()}, ctx)
		}
	}
}

// answerOpen says until when no call is made.
func (b *breaker) answerOpen(op campaign.Op, state gobreaker.State) campaign.Outcome {
	rest := time.Until(time.Unix(0, b.until.Load()))
	return campaign.Outcome{
		Op: op, Kind: campaign.NotAttempted, Breaker: state.String(), RetryAfter: max(rest, time.Second),
		Err: "the gateway did not answer the last calls; it is left alone for a while",
	}
}

// State is closed, half-open or open.
func (b *breaker) State() string { return gobreaker.State(b.state.Load()).String() }

// moved is called by gobreaker, which holds its own lock meanwhile. gobreaker leaves
// the open state only when it is asked. So a timer asks it: a consumer of requests may
// be waiting for that before it makes a call.
func (b *breaker) moved(_ string, from, to gobreaker.State) {
	if to == gobreaker.StateOpen {
		b.until.Store(time.Now().Add(b.openFor).UnixNano())
		// gobreaker wants its time-out to be over, not just reached.
		b.timer.Store(time.AfterFunc(b.openFor+time.Millisecond, func() { b.cb.State() }))
	}
	b.state.Store(int32(to))
	b.notify(from.String(), to.String())
	b.changed.fire()
}

func (b *breaker) close() {
	if t := b.timer.Load(); t != nil {
		t.Stop()
	}
}

type breakerPermit struct {
	b     *breaker
	inner runner.Permit
	done  func(error)
	state gobreaker.State
	// source is the source for which the call is made.
	source string
}

func (p *breakerPermit) Call(ctx context.Context, call campaign.Call) campaign.Outcome {
	out := p.inner.Call(ctx, call)
	out.Breaker = p.state.String()
	switch {
	case out.Kind == campaign.NotAttempted, out.Kind == campaign.Unavailable && ctx.Err() != nil,
		nothingThere(out) && (call.Op == campaign.OpStatus || call.Op == campaign.OpStats):
		p.nothing()
	case out.Kind == campaign.Unavailable:
		if p.source != "" && p.b.blame.fail(p.source, p.state == gobreaker.StateHalfOpen) {
			p.nothing()
			break
		}
		p.done(errUnanswered)
	default:
		p.b.blame.answer(p.source)
		p.done(nil)
	}
	return out
}

func (p *breakerPermit) Release() {
	p.inner.Release()
	p.nothing()
}

// nothing ends a try in which no call was made: the next one may try.
func (p *breakerPermit) nothing() {
	p.done(errNothing)
	if p.state == gobreaker.StateHalfOpen {
		p.b.changed.fire()
	}
}
