package streams

import (
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/loop"
)

// Epochs counts the connections that this process has had, and the buckets that were
// made anew under it. A revision is void in a later epoch (rule 20): a server that lost
// power, and a bucket that was restored, give a sequence again, to something else. It
// is safe for concurrent use.
type Epochs struct {
	nc    *nats.Conn
	mu    sync.Mutex
	epoch uint64    // guarded by mu: the one last seen
	since time.Time // guarded by mu: when it was first seen, monotonic
	anew  uint64    // guarded by mu: how often a bucket was found made anew
}

// NewEpochs counts from here, on a connection made with [Connect].
func NewEpochs(nc *nats.Conn) *Epochs {
	e := &Epochs{nc: nc}
	e.Now()
	return e
}

// Now is the present epoch. The client raises its count of connections under the same
// lock that guards its socket, before anything can be written to the new one: no save
// decided on the old connection passes for one decided on the new.
func (e *Epochs) Now() uint64 {
	reconnects := e.nc.Stats().Reconnects
	e.mu.Lock()
	defer e.mu.Unlock()
	n := reconnects + 1 + e.anew
	if n > e.epoch {
		// First seen is later than connected: ages come out too small, never
		// too large.
		e.epoch, e.since = n, time.Now()
	}
	return n
}

// MadeAnew begins another epoch on the same connection: the bucket is another one.
func (e *Epochs) MadeAnew() {
	e.mu.Lock()
	e.anew++
	e.mu.Unlock()
	e.Now() // ages count from here
}

// Valid says whether rev was read or written in the present epoch, and the connection
// still stands.
func (e *Epochs) Valid(rev loop.Revision) bool {
	return rev.Epoch == e.Now() && e.nc.IsConnected()
}

// Age is how long a record has certainly stood as it is, until an instant of the
// stream's clock: from the later of its save and our connecting (rule 18). Never
// negative; zero when in doubt.
func (e *Epochs) Age(rev loop.Revision, seen time.Time) time.Duration {
	if rev.At.IsZero() || !e.Valid(rev) {
		return 0
	}
	e.mu.Lock()
	connected := time.Since(e.since) // monotonic: a clock that jumps ages nothing
	e.mu.Unlock()
	return max(0, min(seen.Sub(rev.At), connected))
}
