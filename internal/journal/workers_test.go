package journal_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// A worker whose message waits gives its place to another message, as long as there
// is room; and there are as many workers afterwards as before.
func TestAWorkerStepsAside(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	begun, goOn := make(chan string), map[string]chan bool{}
	ids := []string{"waits", "has-no-room", "last", "after", "after-that"}
	for _, id := range ids {
		goOn[id] = make(chan bool)
	}
	var atOnce, most atomic.Int64
	b.consume(t, journal.ConsumeOptions{Requests: 1, Aside: 1}, func(ctx context.Context, w runner.Wakeup) loop.Verdict {
		n := atOnce.Add(1)
		defer atOnce.Add(-1)
		most.Store(max(most.Load(), n))
		begun <- w.Key.RequestID
		if w.Key.RequestID != "after" {
			loop.StepAside(ctx)
			loop.StepAside(ctx) // as often as it waits
		}
		<-goOn[w.Key.RequestID]
		return loop.Verdict{Do: loop.Ack}
	})
	begins := func(want string) {
		t.Helper()
		if id := receive(t, begun, want); id != want {
			t.Fatalf("%s has begun, want %s", id, want)
		}
	}
	for _, id := range ids {
		b.request(t, id)
	}
	begins("waits")
	begins("has-no-room")
	goOn["has-no-room"] <- true
	begins("last")
	if n := atOnce.Load(); n != 2 {
		t.Errorf("%d in hand, want the one that waits and one more", n)
	}
	goOn["waits"] <- true
	goOn["last"] <- true
	begins("after")
	goOn["after"] <- true // it did not step aside: nothing else was begun
	begins("after-that")
	goOn["after-that"] <- true
	if n := most.Load(); n > 2 {
		t.Errorf("%d in hand at once, want 2 at most", n)
	}
}
