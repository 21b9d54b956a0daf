package journal_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// afterLoss is a service that finds n requests which another one was done with long
// before anything that a power cut can have taken, and that have no record.
func afterLoss(t *testing.T, n int) (b *testBundle, woken chan runner.Wakeup) {
	t.Helper()
	b = setup(t, journal.Options{})
	handled := make(chan struct{}, n)
	stop := b.consume(t, journal.ConsumeOptions{}, func(context.Context, runner.Wakeup) loop.Verdict {
		handled <- struct{}{}
		return loop.Verdict{Do: loop.Ack}
	})
	for i := range n {
		b.publish(t, message(fmt.Sprintf("campaign.v1.request.shop-italia.r-%02d", i), request(fmt.Sprintf("r-%02d", i))))
		receive(t, handled, "request")
	}
	// What is newest is a record: the cut came after it.
	_, rev, err := b.j.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.j.Save(t.Context(), runnertest.Sample(key), rev); err != nil {
		t.Fatal(err)
	}
	stop()
	b.j.Close()
	b.j = open(t, b.nc, journal.Options{Overdue: time.Nanosecond, PowerCut: time.Nanosecond, LookEvery: 20 * time.Millisecond})
	woken = make(chan runner.Wakeup, 100)
	b.consume(t, journal.ConsumeOptions{}, func(_ context.Context, w runner.Wakeup) loop.Verdict {
		if w.Kind == runner.WakeRequest {
			woken <- w
		}
		return loop.Verdict{Do: loop.Ack}
	})
	return b, woken
}

func TestLosses(t *testing.T) {
	t.Parallel()

	t.Run("AFewAreHandledAgain", func(t *testing.T) {
		t.Parallel()
		b, woken := afterLoss(t, 10)
		swept, err := b.j.SweepOnce(t.Context())
		if err != nil || swept.Lost != 10 || swept.Resent != 10 {
			t.Fatalf("swept %+v, %v", swept, err)
		}
		for range 10 {
			receive(t, woken, "request that is handled again")
		}
		if found, stopped := b.j.Lost(); found != 10 || stopped != "" {
			t.Errorf("%d found, %q", found, stopped)
		}
	})

	t.Run("MoreStopEverythingUntilSomebodyHasLooked", func(t *testing.T) {
		t.Parallel()
		b, woken := afterLoss(t, 11)
		swept, err := b.j.SweepOnce(t.Context())
		if err != nil || swept.Lost != 11 || swept.Resent != 0 {
			t.Fatalf("swept %+v, %v", swept, err)
		}
		if _, stopped := b.j.Lost(); !strings.Contains(stopped, "staffetta recover") {
			t.Errorf("it says %q", stopped)
		}
		if ready, why := b.j.Ready(); ready || !strings.Contains(why, "staffetta recover") {
			t.Errorf("ready %t, %q", ready, why)
		}
		waitFor(t, func() bool {
			return !slices.ContainsFunc(b.j.Health(), func(h journal.LaneHealth) bool { return h.Pulling })
		})
		b.request(t, "r-99")
		orphans, err := b.client.Orphans(t.Context())
		if err != nil || len(orphans) != 11 || orphans[0].Key.RequestID != "r-00" || len(orphans[0].Told) != 0 {
			t.Fatalf("orphans %+v, %v", orphans, err)
		}
		if again, err := b.j.SweepOnce(t.Context()); err != nil || again.Resent != 0 {
			t.Errorf("swept %+v, %v while it was stopped", again, err)
		}
		if len(woken) != 0 {
			t.Errorf("%d requests were handled while it was stopped", len(woken))
		}
		if err := b.client.Recover(t.Context(), "anna"); err != nil {
			t.Fatal(err)
		}
		if w := receive(t, woken, "request that waited"); w.Key.RequestID != "r-99" {
			t.Errorf("woken by %+v", w)
		}
		if again, err := b.j.SweepOnce(t.Context()); err != nil || again.Lost != 11 || again.Resent < 11 {
			t.Errorf("swept %+v, %v once somebody had looked", again, err)
		}
		for range 11 {
			receive(t, woken, "request that is handled again")
		}
	})

	t.Run("DeliveredOnesCountTheSame", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{LookEvery: 20 * time.Millisecond})
		told := func(i int) campaign.Key {
			c := sample
			c.Key.RequestID = fmt.Sprintf("r-%02d", i)
			c.Outbox = []campaign.Event{{Type: campaign.EventCostCalculated, N: 1, At: sample.Since, CampaignID: int64(i + 1), Quote: sample.Quote}}
			if err := b.j.Publish(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			return c.Key
		}
		look := func(k campaign.Key) {
			t.Helper()
			if events, err := b.j.Published(t.Context(), k); err != nil || len(events) != 1 {
				t.Fatalf("told %+v, %v", events, err)
			}
		}
		for i := range 10 {
			k := told(i)
			look(k)
			look(k) // twice is the same as once
		}
		// One that has a record counts for nothing.
		kept := told(99)
		c := runnertest.Sample(kept)
		_, rev, err := b.j.Load(t.Context(), kept)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.j.Save(t.Context(), c, rev); err != nil {
			t.Fatal(err)
		}
		look(kept)
		if found, stopped := b.j.Lost(); found != 10 || stopped != "" {
			t.Fatalf("%d found, %q", found, stopped)
		}
		look(told(10))
		if found, stopped := b.j.Lost(); found != 11 || stopped == "" {
			t.Fatalf("%d found, %q", found, stopped)
		}
		if err := b.client.Recover(t.Context(), "anna"); err != nil {
			t.Fatal(err)
		}
		waitFor(t, func() bool { _, stopped := b.j.Lost(); return stopped == "" })
		for i := range 11 {
			look(told(i)) // somebody has looked: they do not stop it again
		}
		if _, stopped := b.j.Lost(); stopped != "" {
			t.Error(stopped)
		}
	})

	t.Run("RecordsThatAreLostForGoodAreSaidToBe", func(t *testing.T) {
		t.Parallel()
		for name, lose := range map[string]func(*testServer){
			"Missing": func(y *testServer) { y.drop(streams.Records) },
			"Empty":   func(y *testServer) { y.change(streams.Records, func(*jetstream.StreamConfig) {}) },
			"OfAnEarlierVersion": func(y *testServer) {
				y.unmark()
				y.drop(streams.Records)
			},
		} {
			t.Run(name, func(t *testing.T) {
				y := newTestServer(t)
				y.mustOpen()
				y.publish(anEvent)
				lose(y)
				y.refused("see what staffetta recover says")
				if err := y.c.Recover(t.Context(), "anna"); err != nil {
					t.Fatal(err)
				}
				y.mustOpen()
				y.drop(streams.Records) // the word was about that loss, not about the next
				y.refused("KV_campaigns is missing")
			})
		}
	})
}
