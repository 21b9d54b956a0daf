package integration

import (
	"testing"
	"time"
)

// A cluster of three loses the server that leads the records while campaigns are
// under way. For some seconds no save is answered; then everything goes on, and
// every campaign is sent once.
func TestClusterLosesItsLeader(t *testing.T) {
	t.Parallel()
	s := newStack(t, 3)
	s.serve(t)
	s.serve(t)
	f := newFleet(t, s)
	f.slow(100*time.Millisecond, "create", "calculate", "confirm")
	f.launch(60)
	f.await("confirmed", 5)
	name, err := s.nats.leader(t.Context(), f.js, "KV_campaigns")
	if err != nil {
		t.Fatal(err)
	}
	s.nats.named(t, name).kill(t)
	if left := len(f.unfinished()); left < 10 {
		t.Fatalf("%d campaigns were under way, too few to prove anything", left)
	}
	f.land()
}

// The leader is cut off the network and does not know it: it takes what its own
// clients send and can commit none of it. When it comes back it has to give way
// to what the other two have agreed on meanwhile.
func TestClusterIsPartitioned(t *testing.T) {
	t.Parallel()
	s := newStack(t, 3)
	s.serve(t)
	s.serve(t)
	f := newFleet(t, s)
	f.slow(100*time.Millisecond, "create", "calculate", "confirm")
	f.launch(60)
	f.await("confirmed", 5)
	name, err := s.nats.leader(t.Context(), f.js, "KV_campaigns")
	if err != nil {
		t.Fatal(err)
	}
	leader := s.nats.named(t, name)
	leader.cut(t)
	if left := len(f.unfinished()); left < 10 {
		t.Fatalf("%d campaigns were under way, too few to prove anything", left)
	}
	f.await("confirmed", 30) // the others go on without it
	leader.join(t)
	f.land()
}

// A member of the cluster is killed while campaigns are under way, and comes back
// on its volume. It has to catch up with what the others have agreed on meanwhile:
// then another one is killed, and nothing is agreed on any more without it.
func TestClusterMemberComesBack(t *testing.T) {
	t.Parallel()
	s := newStack(t, 3)
	s.serve(t)
	s.serve(t)
	f := newFleet(t, s)
	f.slow(300*time.Millisecond, "create", "calculate", "confirm")
	f.launch(200)
	f.await("confirmed", 5)
	name, err := s.nats.leader(t.Context(), f.js, "KV_campaigns")
	if err != nil {
		t.Fatal(err)
	}
	member := s.nats.named(t, name)
	member.kill(t)
	f.await("confirmed", 40) // the others go on without it
	member.revive(t)
	s.nats.current(t, f.js, name)
	for _, c := range s.nats.containers {
		if c != member {
			c.kill(t)
			break
		}
	}
	if left := len(f.unfinished()); left < 10 {
		t.Fatalf("%d campaigns were under way, too few to prove anything", left)
	}
	f.land()
}
