package gateway

import (
	"context"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"
)

// sendTracker notices the moment at which the request has a connection: from
// there on it may arrive. There it is asked whether it may leave at all: what it was
// admitted with may have been lost since, and a connection that is closed carries
// nothing.
type sendTracker struct {
	ctx           context.Context
	limit         *limiter
	connRequested atomic.Bool // for a connection
	trace         httptrace.ClientTrace

	mu      sync.Mutex
	left    []time.Time // when it left; a GET may be sent again, on a fresh connection
	once    [1]time.Time
	refused bool // it was not allowed to leave, the last time
}

func trackSend(ctx context.Context, limit *limiter) *sendTracker {
	d := &sendTracker{limit: limit}
	d.left = d.once[:0]
	d.trace.GetConn = d.getConn
	d.trace.GotConn = d.gotConn
	d.ctx = httptrace.WithClientTrace(ctx, &d.trace)
	return d
}

func (d *sendTracker) getConn(string) { d.connRequested.Store(true) }

func (d *sendTracker) gotConn(conn httptrace.GotConnInfo) {
	d.mu.Lock()
	defer d.mu.Unlock()
	may := d.limit.leave
	if len(d.left) > 0 || d.refused {
		may = d.limit.leaveAgain
	}
	if d.refused = !may(); d.refused {
		//lint:ignore errcheck it carries nothing either way
		conn.Conn.Close()
		return
	}
	d.left = append(d.left, time.Now())
}

// finish ends the token of the rate limit once the round trip is over, and says whether
// the request may have left. It has not left only if the transport is known to have
// asked for a connection and got none, or none that it was allowed to use. A foreign
// transport that does not trace proves nothing by failing.
func (d *sendTracker) finish(err error) (left bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case len(d.left) > 0:
	case d.refused:
		return false
	case err == nil, !d.connRequested.Load():
		if !d.limit.leave() { // it has left all the same
			return true
		}
		d.left = append(d.left, time.Now())
	default:
		d.limit.giveBack()
		return false
	}
	for i, at := range d.left {
		if err == nil && !d.refused && i == len(d.left)-1 {
			d.limit.answered()
			continue
		}
		d.limit.unanswered(at)
	}
	return true
}

// ago is how long ago the request left that was answered, by the clock that says more: one
// of them stands still while the machine sleeps.
func (d *sendTracker) ago() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	left, now := d.left[len(d.left)-1], time.Now()
	return max(now.Sub(left), now.Round(0).Sub(left.Round(0)))
}
