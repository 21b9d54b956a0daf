package gateway

import "sync/atomic"

// signal tells any number of listeners that something has changed; what, they
// look up themselves.
type signal struct{ next atomic.Pointer[chan struct{}] }

func newSignal() *signal {
	s := new(signal)
	next := make(chan struct{})
	s.next.Store(&next)
	return s
}

// wait returns a channel that is closed by the next fire.
func (s *signal) wait() <-chan struct{} { return *s.next.Load() }

func (s *signal) fire() {
	next := make(chan struct{})
	close(*s.next.Swap(&next))
}
