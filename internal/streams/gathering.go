package streams

import (
	"net"
	"runtime"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// gathering is a connection to NATS whose writes wait for one turn of the scheduler.
// The client writes as soon as one worker has published something. What the others
// publish in that turn then leaves together with it, in one system call.
//
// The client itself answers a publish before it writes, so nobody learns less than
// without it: that a message is stored, only its acknowledgement says. A write that
// fails ends the connection, which the client's reader notices: what was not written
// is never written to another connection (rule 20).
type gathering struct {
	net.Conn
	wake chan struct{} // something is to be written, or it is closed
	done chan struct{} // closed: nothing is written any more

	mu      sync.Mutex
	room    *sync.Cond // on mu: pending has become empty, or it has failed
	pending []byte     // guarded by mu: not yet given to the system
	err     error      // guarded by mu: why nothing is written any more
}

const (
	// writeWithin is how long one write may take. The client's own bound counts only
	// until a write is pending.
	writeWithin = nats.DefaultFlusherTimeout
	// closeWithin is how long what is still pending may take when it is closed.
	closeWithin = time.Second
	// maxPending is how much is pending before a write waits.
	maxPending = 64 << 10
)

func gather(conn net.Conn) *gathering {
	g := &gathering{Conn: conn, wake: make(chan struct{}, 1), done: make(chan struct{})}
	g.room = sync.NewCond(&g.mu)
	go g.run()
	return g
}

// Write takes p, unless a write before has failed.
func (g *gathering) Write(p []byte) (int, error) {
	g.mu.Lock()
	for g.err == nil && len(g.pending) > maxPending {
		g.room.Wait()
	}
	err := g.err
	if err == nil {
		g.pending = append(g.pending, p...)
	}
	g.mu.Unlock()
	if err != nil {
		return 0, err
	}
	g.stir()
	return len(p), nil
}

func (g *gathering) stir() {
	select {
	case g.wake <- struct{}{}:
	default: // it is about to look
	}
}

// run writes what is pending, until a write fails or it is closed.
func (g *gathering) run() {
	defer close(g.done)
	var out []byte
	for range g.wake {
		runtime.Gosched() // the turn in which others publish
		g.mu.Lock()
		out, g.pending = g.pending, out[:0]
		closed := g.err != nil
		g.room.Broadcast()
		g.mu.Unlock()
		within := writeWithin
		if closed {
			within = closeWithin
		}
		if len(out) > 0 {
			if err := g.write(out, within); err != nil {
				g.fail(err)
				//lint:ignore errcheck it is closed so that the reader notices
				g.Conn.Close()
				return
			}
		}
		if closed {
			return
		}
	}
}

func (g *gathering) write(p []byte, within time.Duration) error {
	if err := g.Conn.SetWriteDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	_, err := g.Conn.Write(p)
	return err
}

// fail ends all writes, those that wait as well.
func (g *gathering) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err == nil {
		g.err = err
	}
	g.room.Broadcast()
}

// Close writes what is still pending, if that is soon done, and closes the connection.
func (g *gathering) Close() error {
	g.fail(net.ErrClosed)
	g.stir()
	select {
	case <-g.done:
	case <-time.After(closeWithin): // a write that hangs
	}
	return g.Conn.Close()
}

// SetDeadline bounds reads. A write has a bound of its own.
func (g *gathering) SetDeadline(t time.Time) error { return g.Conn.SetReadDeadline(t) }

// SetWriteDeadline does nothing: see SetDeadline.
func (g *gathering) SetWriteDeadline(time.Time) error { return nil }

// gatherWrites is an option of a connection. It keeps the dialer that another option has
// set before it.
func gatherWrites(o *nats.Options) error {
	inner := o.CustomDialer
	if inner == nil {
		inner = &net.Dialer{Timeout: o.Timeout}
	}
	o.CustomDialer = gatheringDialer{inner}
	return nil
}

type gatheringDialer struct{ nats.CustomDialer }

func (d gatheringDialer) Dial(network, address string) (net.Conn, error) {
	conn, err := d.CustomDialer.Dial(network, address)
	if err != nil {
		return nil, err
	}
	return gather(conn), nil
}
