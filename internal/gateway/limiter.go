package gateway

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/rate"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// limiter lets calls leave when there is a token for them: those that wait are served
// by class, and within a class the sources take turns. It also stops all calls for as
// long as a 429 says. Where the tokens come from, and how they keep the vendor's limits
// in every window, is the business of package rate.
//
// A token is taken when a call is admitted, perhaps long before it leaves (a confirm's
// intent is saved in between). It is free again one window after the call's answer. So
// the windows hold at the gateway's end too, not only at ours.
//
// We looked for a well-kept Go library that does this, and found none.
// golang.org/x/time/rate and go.uber.org/ratelimit smooth, so that a minute with a
// burst in it goes over the limit. RussellLuo/slidingwindow estimates from two fixed
// windows. The libraries with an exact log have one window, no priorities and no order
// among the waiting, and count at admission.
type limiter struct {
	open    atomic.Bool  // nothing is limited now: no lock is needed
	blocked atomic.Int64 // until when a 429 stops everything, since born; written under the lock
	born    time.Time
	tokens  rate.Tokens // nil: there is no limit

	mu     sync.Mutex
	queues [last + 1]queue
	queued int // in all of them
	timer  *time.Timer
}

// If a 429 stops all calls for longer than this, they do not wait for its end: the
// caller learns until when, and can free what it holds.
const patience = 30 * time.Second

// waiter is a call that waits. granted is closed when the wait is over, and ok says
// whether it has a token.
type waiter struct {
	granted chan struct{}
	ok      bool
}

func newLimiter(tokens rate.Tokens) *limiter {
	l := &limiter{born: time.Now(), tokens: tokens}
	l.open.Store(tokens == nil)
	l.timer = time.AfterFunc(math.MaxInt64, l.tick)
	l.timer.Stop()
	if tokens != nil {
		tokens.OnFree(l.tick)
	}
	return l
}

// admit waits for a token. A caller that gets one ends it by leave or by giveBack.
func (l *limiter) admit(ctx context.Context, op campaign.Op) (campaign.Outcome, bool) {
	if l.open.Load() {
		return campaign.Outcome{}, true
	}
	l.mu.Lock()
	now := time.Since(l.born)
	if l.stopped() > patience {
		l.mu.Unlock()
		return l.throttled(op), false
	}
	if l.queued == 0 && l.take() {
		l.mu.Unlock()
		return campaign.Outcome{}, true
	}
	w := &waiter{granted: make(chan struct{})}
	queue := &l.queues[classOf(ctx, op)]
	place := queue.push(runner.SourceOf(ctx), w)
	l.queued++
	l.serve(now)
	l.mu.Unlock()

	select {
	case <-w.granted:
	case <-ctx.Done():
		return l.leaveQueue(ctx, op, w, queue, place)
	}
	if !w.ok {
		return l.throttled(op), false
	}
	return campaign.Outcome{}, true
}

// leaveQueue ends a wait whose caller has given up.
func (l *limiter) leaveQueue(ctx context.Context, op campaign.Op, w *waiter, queue *queue, place place) (campaign.Outcome, bool) {
	l.mu.Lock()
	select {
	case <-w.granted: // just now
		l.mu.Unlock()
		if w.ok {
			l.giveBack()
		}
	default:
		queue.remove(place)
		l.queued--
		l.serve(time.Since(l.born))
		l.mu.Unlock()
	}
	return notAttempted(campaign.Outcome{Op: op}, ctx), false
}

// leave says that the request of a token leaves now. False: the token is not ours any
// more, and the request must not leave.
func (l *limiter) leave() bool { return l.tokens == nil || l.tokens.Leave() }

// leaveAgain is leave for a further request of the same call, which needs a token as well:
// it does not leave if there is none.
func (l *limiter) leaveAgain() bool {
	return l.tokens == nil || l.tokens.Take() && l.tokens.Leave()
}

// giveBack says that the request of a token never left.
func (l *limiter) giveBack() {
	if l.tokens != nil {
		l.tokens.Back()
	}
}

// answered says that the answer to a request is here.
func (l *limiter) answered() {
	if l.tokens != nil {
		l.tokens.Answered()
	}
}

// unanswered says that a request left at this moment, and nothing came back.
func (l *limiter) unanswered(left time.Time) {
	if l.tokens != nil {
		l.tokens.Unanswered(time.Since(left))
	}
}

// block stops all calls for d.
func (l *limiter) block(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Since(l.born)
	l.blocked.Store(max(l.blocked.Load(), int64(now+d)))
	l.open.Store(false)
	if l.stopped() > patience {
		for i := range l.queues {
			for q := &l.queues[i]; q.len() > 0; {
				close(l.next(q).granted)
			}
		}
	}
	l.serve(now)
}

// tick is called by the timer: something may have become free.
func (l *limiter) tick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.serve(time.Since(l.born))
}

// serve gives out what is free, best class first, and sets the timer for the
// rest. The lock is held.
func (l *limiter) serve(now time.Duration) {
	blocked := time.Duration(l.blocked.Load())
	if blocked != 0 && now >= blocked {
		blocked = 0
		l.blocked.Store(0)
		l.open.Store(l.tokens == nil)
	}
	defer l.want()
	for i := range l.queues {
		for q := &l.queues[i]; q.len() > 0; {
			if blocked > 0 {
				l.timer.Reset(blocked - now)
				return
			}
			if !l.take() {
				l.timer.Reset(max(l.tokens.In(), time.Millisecond))
				return
			}
			w := l.next(q)
			w.ok = true
			close(w.granted)
		}
	}
	if blocked > 0 && l.tokens == nil {
		l.timer.Reset(blocked - now) // back to no lock at all
		return
	}
	l.timer.Stop()
}

// take takes a token if there is one, and no 429 stops all calls. The lock is held.
func (l *limiter) take() bool {
	return l.stopped() <= 0 && (l.tokens == nil || l.tokens.Take())
}

// want says how many calls wait. The lock is held.
func (l *limiter) want() {
	if l.tokens == nil {
		return
	}
	var waiting [rate.Classes]int
	if l.blocked.Load() == 0 { // else they want nothing yet
		for i := range l.queues {
			waiting[min(rate.Class(i), rate.Polling)] += l.queues[i].len()
		}
	}
	l.tokens.Want(waiting)
}

// next takes the first out of a queue. The lock is held.
func (l *limiter) next(q *queue) *waiter {
	l.queued--
	return q.pop()
}

// stopped is how long a 429 still stops all calls; not positive: it does not.
func (l *limiter) stopped() time.Duration {
	until := time.Duration(l.blocked.Load())
	if until == 0 {
		return 0
	}
	return until - time.Since(l.born)
}

func (l *limiter) throttled(op campaign.Op) campaign.Outcome {
	return campaign.Outcome{
		Op: op, Kind: campaign.Throttled, RetryAfter: max(l.stopped(), time.Second),
		Err: "the gateway said that there are too many calls",
	}
}

func (l *limiter) waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.queued
}
