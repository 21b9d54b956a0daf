package integration

import (
	"testing"
	"time"
)

// The only server is killed -9 while campaigns are under way, again and again, and
// comes back on its volume. Nothing that it had acknowledged is gone.
func TestServerIsKilledAndComesBack(t *testing.T) {
	t.Parallel()
	s := newStack(t, 1)
	s.serve(t)
	s.serve(t)
	f := newFleet(t, s)
	f.slow(100*time.Millisecond, "create", "calculate", "confirm")
	f.launch(60)
	server := s.nats.named(t, "nats")
	for _, confirmed := range []int{5, 20, 40} {
		f.await("confirmed", confirmed)
		server.kill(t)
		if left := len(f.unfinished()); left < 10 {
			t.Fatalf("%d campaigns were under way, too few to prove anything", left)
		}
		server.revive(t)
	}
	f.land()
}
