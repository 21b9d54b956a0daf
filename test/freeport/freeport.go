// Package freeport finds ports of this machine for what has to know them before it
// starts, or to have the same one when it starts again.
//
// It refuses to hand out those that the system gives to connections: between here and the
// start of what is to listen there, somebody else would be given them.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
)

// Range is ports that no other range has. Tests that run side by side, in processes of
// their own, each take from one of their own.
type Range struct {
	first, size uint32
	next        atomic.Uint32
}

// The ranges: below 32,768, where Linux begins with those of connections.
var (
	Servers    = newRange(10_000, 4_000)  // NATS in the test's own process
	Processes  = newRange(14_000, 8_000)  // processes that are killed
	Containers = newRange(22_000, 10_000) // containers
)

// newRange begins somewhere in the range: what ran before may still hold what it had.
func newRange(first, size uint32) *Range {
	r := &Range{first: first, size: size}
	r.next.Store(rand.Uint32N(r.size))
	return r
}

// One is a port on which nobody listens. It was not handed out here before, because what
// was killed, or has not started, is to have its own again.
func (r *Range) One(t testing.TB) int {
	t.Helper()
	for range r.size {
		port := int(r.first + r.next.Add(1)%r.size)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return port
	}
	t.Fatalf("no port from %d on is free", r.first)
	return 0
}

// Some are so many of them.
func (r *Range) Some(t testing.TB, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		ports = append(ports, r.One(t))
	}
	return ports
}
