package journal_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// approves asks for so many approvals, each of a campaign of its own.
func (b *testBundle) approves(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		key := campaign.Key{Source: "shop-italia", RequestID: fmt.Sprint("a-", i)}
		if _, err := b.client.Command(t.Context(), key, contract.VerbApprove, map[string]string{"quote_id": "0123456789abcdef", "by": "carla"}); err != nil {
			t.Fatal(err)
		}
	}
}

func (b *testBundle) cancels(t *testing.T, id string) {
	t.Helper()
	if _, err := b.client.Cancel(t.Context(), campaign.Key{Source: "shop-italia", RequestID: id}, "anna", "wrong price"); err != nil {
		t.Fatal(err)
	}
}

// Approvals that take for ever keep no cancel waiting.
func TestACancelWaitsForNoOtherCommand(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	cancelled, end := make(chan struct{}), make(chan struct{})
	b.approves(t, 16)
	b.cancels(t, "c")
	stop := b.consume(t, journal.ConsumeOptions{}, func(_ context.Context, w runner.Wakeup) loop.Verdict {
		if _, cancel := w.Command.(campaign.Cancel); cancel {
			close(cancelled) // twice would panic: no other lane handles it
			return loop.Verdict{Do: loop.Ack}
		}
		<-end
		return loop.Verdict{Do: loop.Ack}
	})
	receive(t, cancelled, "the cancel, before the approvals are done with")
	close(end)
	stop()
}

// An earlier version has one consumer for all commands. What it has handled is not
// handled again when the cancels get their own, and what it has not is.
func TestCancelsAfterAnUpgrade(t *testing.T) {
	t.Parallel()
	y := newTestServer(t)
	y.mustOpen().Close()
	y.age()
	b := &testBundle{nc: y.nc, js: y.js, j: y.mustOpen(), client: y.c}
	b.cancels(t, "handled")
	old, err := b.js.CreateConsumer(t.Context(), streams.Wakeups, jetstream.ConsumerConfig{
		Durable: "commands", FilterSubject: "campaign.v1.command.>", AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: -1, AckWait: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	m, err := old.Next()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.DoubleAck(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.cancels(t, "left")
	var handled atomic.Int64
	got := make(chan runner.Wakeup, 10)
	stop := b.consume(t, journal.ConsumeOptions{}, func(_ context.Context, w runner.Wakeup) loop.Verdict {
		handled.Add(1)
		got <- w
		return loop.Verdict{Do: loop.Ack}
	})
	if w := receive(t, got, "the cancel that was left"); w.Key.RequestID != "left" {
		t.Errorf("handled %s again", w.Key)
	}
	stop()
	if n := handled.Load(); n != 1 {
		t.Errorf("%d cancels were handled, want the one that was left", n)
	}
}
