package journal_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
)

func TestInFlightIsWhatIsHandledAndForHowLong(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	begun, release := make(chan time.Time, 2), make(chan struct{})
	done := sync.OnceFunc(func() { close(release) })
	b.consume(t, journal.ConsumeOptions{Requests: 2}, func(context.Context, runner.Wakeup) loop.Verdict {
		begun <- time.Now()
		<-release
		return loop.Verdict{Do: loop.Ack}
	})
	t.Cleanup(done)
	published := time.Now()
	b.request(t, "first")
	first := receive(t, begun, "the first")
	b.request(t, "second")
	second := receive(t, begun, "the second")
	b.request(t, "waits") // for a worker: nobody handles it
	waitFor(t, func() bool { return b.j.Health()[0].Last.After(second) })
	least := time.Since(first)
	if n, oldest := b.j.InFlight(); n != 2 || oldest < least || oldest > time.Since(published) {
		t.Errorf("%d in flight, the oldest for %s; want 2, for at least %s", n, oldest, least)
	}
	done()
	receive(t, begun, "the one that waited")
	waitFor(t, func() bool { n, oldest := b.j.InFlight(); return n == 0 && oldest == 0 })
}
