package gateway

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"
)

// departure notices the moment at which the request has a connection: from
// there on it may have arrived. The rate limit counts from the same moment.
type departure struct {
	ctx   context.Context
	limit *limiter
	asked atomic.Bool // for a connection
	left  atomic.Bool // on one
	trace httptrace.ClientTrace
}

func depart(ctx context.Context, limit *limiter) *departure {
	d := &departure{limit: limit}
	d.trace.GetConn = d.getConn
	d.trace.GotConn = d.gotConn
	d.ctx = httptrace.WithClientTrace(ctx, &d.trace)
	return d
}

func (d *departure) getConn(string) { d.asked.Store(true) }

func (d *departure) gotConn(httptrace.GotConnInfo) {
	if d.left.CompareAndSwap(false, true) {
		d.limit.leave()
		return
	}
	// A GET that the transport sends again, on a fresh connection.
	d.limit.extra()
}

// arrived settles the token of the rate limit once the round trip is over, and
// says whether the request may have left. It has not only if the transport is
// known to have asked for a connection and got none: one of somebody else's
// that does not trace proves nothing by failing.
func (d *departure) arrived(err error) bool {
	switch {
	case d.left.Load():
		return true
	case err == nil, !d.asked.Load():
		d.limit.leave()
		return true
	}
	d.limit.giveBack()
	return false
}
