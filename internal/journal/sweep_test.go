package journal_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }

func TestSweep(t *testing.T) {
	t.Parallel()
	type bundle struct {
		*testBundle
		got     chan runner.Wakeup
		verdict runner.Verdict
	}
	setup := func(t *testing.T) *bundle {
		t.Helper()
		b := &bundle{
			testBundle: setup(t, journal.Options{Overdue: time.Nanosecond}),
			got:        make(chan runner.Wakeup, 100),
			verdict:    runner.Verdict{Do: runner.Ack},
		}
		b.consume(t, journal.ConsumeOptions{}, func(_ context.Context, w runner.Wakeup) runner.Verdict {
			b.got <- w
			return b.verdict
		})
		return b
	}
	save := func(t *testing.T, b *bundle, id string, change func(*campaign.Campaign)) {
		t.Helper()
		c := runnertest.Sample(campaign.Key{Source: "shop-italia", RequestID: id})
		change(&c)
		_, rev, err := b.j.Load(t.Context(), c.Key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.j.Save(t.Context(), c, rev); err != nil {
			t.Fatal(err)
		}
	}
	sweep := func(t *testing.T, b *bundle, want journal.Swept) {
		t.Helper()
		got, err := b.j.SweepOnce(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ignore := cmpopts.IgnoreFields(journal.Swept{}, "At", "Oldest", "States", "Letters")
		if diff := cmp.Diff(want, got, ignore); diff != "" {
			t.Errorf("swept (-want +got):\n%s", diff)
		}
	}
	// handled waits until the consumer's floor has passed n requests.
	handled := func(t *testing.T, b *bundle, n uint64) {
		t.Helper()
		waitFor(t, func() bool {
			c, err := b.js.Consumer(t.Context(), journal.StreamRequests, "requests")
			return err == nil && c.CachedInfo().AckFloor.Stream >= n
		})
	}

	t.Run("WakesTheOverdueOnly", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		save(t, b, "overdue", func(c *campaign.Campaign) { c.Wake = time.Now().Add(-time.Second) })
		save(t, b, "sleeps", func(c *campaign.Campaign) { c.Wake = time.Now().Add(time.Hour) })
		save(t, b, "ended", func(c *campaign.Campaign) { c.State, c.Wake = campaign.Completed, time.Time{} })
		sweep(t, b, journal.Swept{Records: 3, Overdue: 1})
		if w := receive(t, b.got, "wake-up"); w.Key.RequestID != "overdue" || w.Kind != runner.WakeTimer {
			t.Errorf("woken by %+v", w)
		}
	})

	t.Run("CountsWhatThereIs", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		save(t, b, "late", func(c *campaign.Campaign) { c.State, c.Wake = campaign.Requested, time.Now().Add(-time.Minute) })
		save(t, b, "later", func(c *campaign.Campaign) { c.State, c.Wake = campaign.Sending, time.Now().Add(-time.Hour) })
		save(t, b, "asleep", func(c *campaign.Campaign) { c.State, c.Wake = campaign.Sending, time.Now().Add(time.Hour) })
		save(t, b, "open", func(c *campaign.Campaign) { c.State, c.Wake = campaign.Unresolved, time.Time{} })
		b.publish(t, &nats.Msg{Subject: "$KV.campaigns.shop-italia.gone", Header: nats.Header{"KV-Operation": {"DEL"}}})
		b.publish(t, &nats.Msg{Subject: "campaign.v1.dead.unreadable"})
		got, err := b.j.SweepOnce(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := map[campaign.State]int{campaign.Requested: 1, campaign.Sending: 2, campaign.Unresolved: 1}
		if diff := cmp.Diff(want, got.States); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
		if got.Oldest < time.Hour || got.Oldest > 2*time.Hour || got.Letters != 1 || got.At.IsZero() {
			t.Errorf("the oldest has waited for %s, %d dead letters, at %s", got.Oldest, got.Letters, got.At)
		}
	})

	t.Run("HandsOutARequestWithoutRecordAgain", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.request(t, "kept")
		b.request(t, "lost")
		first := map[string]runner.Wakeup{}
		for range 2 {
			w := receive(t, b.got, "request")
			first[w.Key.RequestID] = w
		}
		handled(t, b, 2)
		save(t, b, "kept", func(c *campaign.Campaign) { c.State, c.Wake = campaign.Completed, time.Time{} })
		sweep(t, b, journal.Swept{Records: 1, Asked: 2, Resent: 1})
		w := receive(t, b.got, "request that is handled again")
		if w.Kind != runner.WakeRequest || w.Key != first["lost"].Key || w.Request != first["lost"].Request || !w.Asked.Equal(first["lost"].Asked) {
			t.Errorf("handed out %+v\nwant again %+v", w, first["lost"])
		}
		// Once it has a record, it is left alone, and so is what was in order.
		save(t, b, "lost", func(c *campaign.Campaign) { c.State, c.Wake = campaign.Completed, time.Time{} })
		sweep(t, b, journal.Swept{Records: 2, Asked: 1})
	})

	t.Run("LeavesDeadLettersAlone", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.publish(t, &nats.Msg{Subject: subject, Data: []byte("hello")})
		b.publish(t, &nats.Msg{Subject: "campaign.v1.request.shop-italia.bf$", Data: []byte("hello")})
		handled(t, b, 2)
		sweep(t, b, journal.Swept{Asked: 2})
	})

	t.Run("LeavesRequestsThatWaitForTheirTurn", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.verdict = runner.Verdict{Do: runner.Retry, After: time.Hour}
		b.request(t, "waits")
		receive(t, b.got, "request")
		sweep(t, b, journal.Swept{})
	})
}
