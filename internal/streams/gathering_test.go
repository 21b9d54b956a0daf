package streams

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// slowWire is a connection whose writes take until they are let go, or it is closed.
type slowWire struct {
	net.Conn
	writes []string
	letGo  chan error // what a write returns
	closed chan struct{}
}

func newSlowWire() *slowWire { return &slowWire{letGo: make(chan error), closed: make(chan struct{})} }

func (w *slowWire) Write(p []byte) (int, error) {
	select {
	case err := <-w.letGo:
		if err != nil {
			return 0, err
		}
		w.writes = append(w.writes, string(p))
		return len(p), nil
	case <-w.closed:
		return 0, net.ErrClosed
	}
}

func (w *slowWire) SetWriteDeadline(time.Time) error { return nil }

func (w *slowWire) Close() error {
	select {
	case <-w.closed:
	default:
		close(w.closed)
	}
	return nil
}

func write(t *testing.T, g *gathering, text string) {
	t.Helper()
	if n, err := io.WriteString(g, text); n != len(text) || err != nil {
		t.Fatalf("wrote %d of %d bytes: %v", n, len(text), err)
	}
}

// What is published while a write is under way leaves in the next one, in order.
func TestWritesAreGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wire := newSlowWire()
		g := gather(wire)
		write(t, g, "a")
		synctest.Wait()
		for _, text := range []string{"b", "c", "d"} {
			write(t, g, text)
		}
		wire.letGo <- nil
		wire.letGo <- nil
		g.Close()
		if got := strings.Join(wire.writes, " "); got != "a bcd" {
			t.Errorf("written as %q, want %q", got, "a bcd")
		}
	})
}

// A write that fails ends the connection: nothing is written behind a gap, and the
// reader notices.
func TestAFailedWriteEndsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wire := newSlowWire()
		g := gather(wire)
		write(t, g, "lost")
		broken := errors.New("broken pipe")
		wire.letGo <- broken
		<-wire.closed
		if _, err := io.WriteString(g, "too late"); !errors.Is(err, broken) {
			t.Errorf("a later write: %v, want %v", err, broken)
		}
		if len(wire.writes) > 0 {
			t.Errorf("written: %q", wire.writes)
		}
	})
}

// The acknowledgements of the last messages are published just before the end.
func TestCloseWritesWhatIsPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wire := newSlowWire()
		g := gather(wire)
		write(t, g, "a")
		synctest.Wait()
		write(t, g, "b")
		go g.Close()
		synctest.Wait()
		wire.letGo <- nil
		wire.letGo <- nil
		<-wire.closed
		if got := strings.Join(wire.writes, " "); got != "a b" {
			t.Errorf("written as %q, want %q", got, "a b")
		}
		if _, err := io.WriteString(g, "c"); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a write after the end: %v", err)
		}
	})
}

// A server that takes nothing any more holds up neither a reconnect nor a shutdown.
func TestCloseDoesNotWaitForAWriteThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gather(newSlowWire())
		write(t, g, "a")
		began := time.Now()
		g.Close()
		if took := time.Since(began); took != closeWithin {
			t.Errorf("took %s, want %s", took, closeWithin)
		}
	})
}

// What cannot leave is not heaped up for ever.
func TestAWriteWaitsForRoom(t *testing.T) {
	for name, end := range map[string]struct {
		of   func(*slowWire, *gathering)
		want error
	}{
		"ThereIsRoom": {func(w *slowWire, _ *gathering) { w.letGo <- nil; w.letGo <- nil }, nil},
		"ItIsClosed":  {func(_ *slowWire, g *gathering) { g.Close() }, net.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wire := newSlowWire()
				g := gather(wire)
				defer wire.Close()
				write(t, g, "a")
				synctest.Wait()
				write(t, g, strings.Repeat("b", maxPending+1))
				wrote := make(chan error, 1)
				go func() {
					_, err := io.WriteString(g, "c")
					wrote <- err
				}()
				synctest.Wait()
				select {
				case err := <-wrote:
					t.Fatalf("it did not wait: %v", err)
				default:
				}
				end.of(wire, g)
				if err := <-wrote; !errors.Is(err, end.want) {
					t.Errorf("got %v, want %v", err, end.want)
				}
			})
		})
	}
}
