package journal_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/streams"
	"github.com/staffetta-io/staffetta/internal/why"
)

func TestTrail(t *testing.T) {
	t.Parallel()

	t.Run("HasEveryRequestAndCommand", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		b.request(t, "bf-2026")
		b.request(t, "other")
		b.publish(t, &nats.Msg{Subject: subject, Data: []byte("hello")})
		if _, err := b.client.Cancel(t.Context(), key, "anna", "typo"); err != nil {
			t.Fatal(err)
		}
		asked, err := b.client.Requests(t.Context(), key)
		if err != nil || len(asked) != 2 {
			t.Fatalf("%d requests, %v", len(asked), err)
		}
		if asked[0].Err != "" || asked[0].Sequence != 1 || asked[0].At.IsZero() || asked[0].Content.Sender != "ShopItalia" {
			t.Errorf("first request %+v", asked[0])
		}
		if asked[1].Err == "" || asked[1].Sequence != 3 {
			t.Errorf("what is no request: %+v", asked[1])
		}
		told, err := b.client.Commands(t.Context(), key)
		if err != nil || len(told) != 1 || told[0].Input != (campaign.Cancel{By: "anna", Why: "typo"}) {
			t.Errorf("commands %+v, %v", told, err)
		}
	})

	t.Run("KnowsWhetherATimerIsSet", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		at := time.Now().Add(time.Hour).UTC().Round(0)
		if got, err := b.client.Armed(t.Context(), key); !got.IsZero() || err != nil {
			t.Errorf("nothing is armed: %v, %v", got, err)
		}
		other := campaign.Key{Source: key.Source, RequestID: "other"}
		for k, later := range map[campaign.Key][]time.Duration{key: {time.Hour, 0, 2 * time.Hour}, other: {-time.Minute}} {
			for _, d := range later {
				if err := b.j.Arm(t.Context(), k, at.Add(d)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got, err := b.client.Armed(t.Context(), key); !got.Equal(at) || err != nil {
			t.Errorf("armed at %s: %v, want %s", got, err, at)
		}
	})

	t.Run("KnowsWhoseTurnItIs", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		for _, id := range []string{"a", "b", "c"} {
			b.request(t, id)
		}
		turn := func(seq uint64) why.QueuePlace {
			t.Helper()
			got, err := b.client.QueuePlace(t.Context(), "shop-italia", seq)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		if diff := cmp.Diff(why.QueuePlace{}, turn(3)); diff != "" {
			t.Errorf("before any service has run (-want +got):\n%s", diff)
		}
		gate := &testGate{changed: make(chan struct{})}
		got, release := make(chan string, 10), make(chan struct{})
		stop := b.consume(t, journal.ConsumeOptions{Requests: 1, Gate: gate}, func(_ context.Context, w runner.Wakeup) loop.Verdict {
			got <- w.Key.RequestID
			<-release
			return loop.Verdict{Do: loop.Ack}
		})
		waitFor(t, func() bool {
			_, err := b.js.Consumer(t.Context(), streams.Requests, "requests")
			return err == nil
		})
		if diff := cmp.Diff(why.QueuePlace{Ahead: 2}, turn(3)); diff != "" {
			t.Errorf("while the service is paused (-want +got):\n%s", diff)
		}
		gate.set(true)
		receive(t, got, "request")
		if first := turn(1); !first.Taken || first.Done {
			t.Errorf("in hand: %+v", first)
		}
		close(release)
		waitFor(t, func() bool { return turn(3).Done })
		waitFor(t, func() bool { return turn(3).Pulling })
		stop()
		waitFor(t, func() bool { return !turn(3).Pulling })
	})
}
