package gateway

import (
	"container/list"
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// limiter holds two sliding windows exactly: never more than so many requests
// in any minute, nor in any second, wherever the window is put. It also stops
// everybody for as long as a 429 says.
//
// A token is taken when a call is admitted, perhaps long before it leaves (a
// confirm's intent is saved in between). Until then it counts without a time;
// from the moment the request leaves it counts for the window's length and
// the slack, the longest time that a request is believed to travel. So the
// windows hold at the gateway's end too, not only at ours.
//
// Who waits is served by class, and within a class in the order of arrival.
//
// Looked for and not found: a Go library that is well kept and does this.
// golang.org/x/time/rate and go.uber.org/ratelimit smooth, so that a minute
// with a burst in it goes over the limit; RussellLuo/slidingwindow estimates
// from two fixed windows; what keeps an exact log has one window, no
// priorities, no order among those who wait, and counts at admission.
type limiter struct {
	open    atomic.Bool  // nothing is limited now: no lock is needed
	blocked atomic.Int64 // until when a 429 stops everything, since born; written under the lock
	born    time.Time

	mu      sync.Mutex
	windows []*window
	held    int // tokens out, whose requests have not left
	queues  [classes]list.List
	queued  int // in all of them
	timer   *time.Timer
}

// A 429 that stops everything for longer than this is not waited for: whoever
// asks is told until when, and can let go of what he holds.
const patience = 30 * time.Second

// waiter is somebody who waits. granted is closed when he need not any more,
// with ok saying whether he has a token.
type waiter struct {
	granted chan struct{}
	ok      bool
}

func newLimiter(perMinute, perSecond, replicas int, slack time.Duration) *limiter {
	l := &limiter{born: time.Now()}
	for _, w := range []window{{limit: perSecond, span: time.Second}, {limit: perMinute, span: time.Minute}} {
		if w.limit > 0 {
			share := max(w.limit/replicas, 1)
			l.windows = append(l.windows, &window{limit: share, span: w.span + slack, stamps: make([]time.Duration, share)})
		}
	}
	l.open.Store(len(l.windows) == 0)
	l.timer = time.AfterFunc(math.MaxInt64, l.tick)
	l.timer.Stop()
	return l
}

// admit waits for a token. Whoever gets one ends it by leave or by giveBack.
func (l *limiter) admit(ctx context.Context, op campaign.Op) (campaign.Outcome, bool) {
	if l.open.Load() {
		return campaign.Outcome{}, true
	}
	l.mu.Lock()
	now := time.Since(l.born)
	if l.stopped() > patience {
		l.mu.Unlock()
		return l.refuse(op), false
	}
	if l.queued == 0 && l.free(now) <= now {
		l.held++
		l.mu.Unlock()
		return campaign.Outcome{}, true
	}
	w := &waiter{granted: make(chan struct{})}
	queue := &l.queues[classOf(op)]
	place := queue.PushBack(w)
	l.queued++
	l.serve(now)
	l.mu.Unlock()

	select {
	case <-w.granted:
	case <-ctx.Done():
		return l.leaveQueue(ctx, op, w, queue, place)
	}
	if !w.ok {
		return l.refuse(op), false
	}
	return campaign.Outcome{}, true
}

// leaveQueue ends a wait that nobody waits for any more.
func (l *limiter) leaveQueue(ctx context.Context, op campaign.Op, w *waiter, queue *list.List, place *list.Element) (campaign.Outcome, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-w.granted: // just now
		if w.ok {
			l.held--
		}
	default:
		queue.Remove(place)
		l.queued--
	}
	l.serve(time.Since(l.born))
	return notAttempted(campaign.Outcome{Op: op}, ctx), false
}

// leave says that the request of a token is on its way from now on.
func (l *limiter) leave() { l.settle(true, true) }

// giveBack says that the request of a token never left.
func (l *limiter) giveBack() { l.settle(true, false) }

// extra says that a request left without a token of its own.
func (l *limiter) extra() { l.settle(false, true) }

func (l *limiter) settle(token, left bool) {
	if len(l.windows) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Since(l.born)
	if token {
		l.held--
	}
	if left {
		for _, w := range l.windows {
			w.add(now)
		}
	}
	l.serve(now)
}

// block stops everybody for d.
func (l *limiter) block(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Since(l.born)
	l.blocked.Store(max(l.blocked.Load(), int64(now+d)))
	l.open.Store(false)
	if l.stopped() > patience {
		for i := range l.queues {
			for q := &l.queues[i]; q.Len() > 0; {
				close(l.next(q).granted)
			}
		}
	}
	l.serve(now)
}

// tick is what the timer calls: something may have become free.
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
		l.open.Store(len(l.windows) == 0)
	}
	for i := range l.queues {
		for q := &l.queues[i]; q.Len() > 0; {
			if free := l.free(now); free > now {
				if free != never {
					l.timer.Reset(free - now)
				}
				return
			}
			w := l.next(q)
			w.ok = true
			l.held++
			close(w.granted)
		}
	}
	if blocked > 0 && len(l.windows) == 0 {
		l.timer.Reset(blocked - now) // back to no lock at all
		return
	}
	l.timer.Stop()
}

// next takes the first out of a queue. The lock is held.
func (l *limiter) next(q *list.List) *waiter {
	l.queued--
	return q.Remove(q.Front()).(*waiter)
}

// free is when the next token is free; now, if it is.
func (l *limiter) free(now time.Duration) time.Duration {
	at := max(now, time.Duration(l.blocked.Load()))
	for _, w := range l.windows {
		at = max(at, w.free(now, l.held))
	}
	return at
}

// stopped is how long a 429 still stops everybody; not positive: it does not.
func (l *limiter) stopped() time.Duration {
	until := time.Duration(l.blocked.Load())
	if until == 0 {
		return 0
	}
	return until - time.Since(l.born)
}

func (l *limiter) refuse(op campaign.Op) campaign.Outcome {
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
