package journal_test

import (
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

// forgetIDs has the streams forget the ids of messages at once, as in life they
// have between two sweeps.
func (o *office) forgetIDs(t *testing.T) {
	t.Helper()
	for _, name := range []string{journal.StreamWakeups, journal.StreamDeadLetters} {
		s, err := o.js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		cfg := s.CachedInfo().Config
		cfg.Duplicates = 100 * time.Millisecond
		if _, err := o.js.UpdateStream(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
	}
}

// idsAreForgotten waits until the ids of what was published before are.
func (o *office) idsAreForgotten(t *testing.T) {
	t.Helper()
	probe := &nats.Msg{Subject: "campaign.v1.timer.nobody.probe", Header: nats.Header{"Nats-Msg-Id": {nats.NewInbox()}}}
	o.publish(t, probe)
	waitFor(t, func() bool {
		ack, err := o.js.PublishMsg(t.Context(), probe)
		return err == nil && !ack.Duplicate
	})
}

func TestSweep(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T) *office {
		t.Helper()
		return openOffice(t, journal.Options{Overdue: time.Nanosecond})
	}
	save := func(t *testing.T, b *office, id string, change func(*campaign.Campaign)) {
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
	sweep := func(t *testing.T, b *office, want journal.Swept) {
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
	handled := func(t *testing.T, b *office, n uint64) {
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
		if w := receive(t, b.woken, "wake-up"); w.Key.RequestID != "overdue" || w.Kind != runner.WakeTimer {
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
			w := receive(t, b.woken, "request")
			first[w.Key.RequestID] = w
		}
		handled(t, b, 2)
		save(t, b, "kept", func(c *campaign.Campaign) { c.State, c.Wake = campaign.Completed, time.Time{} })
		sweep(t, b, journal.Swept{Records: 1, Asked: 2, Resent: 1})
		w := receive(t, b.woken, "request that is handled again")
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

	t.Run("TakesNoLaterLetterForARequestsOwn", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.request(t, "lost")
		first := receive(t, b.woken, "request")
		handled(t, b, 1)
		// The same id with other content: as after a power cut that took the record
		// back when this had been buried.
		other := request("lost")
		other.Text = "Something else"
		b.says(runner.Verdict{Do: runner.Bury, Reason: "conflicting_duplicate"})
		b.publish(t, message("campaign.v1.request.shop-italia.lost", other))
		receive(t, b.woken, "conflicting duplicate")
		handled(t, b, 2)
		b.says(runner.Verdict{Do: runner.Ack})
		sweep(t, b, journal.Swept{Asked: 2, Resent: 1})
		if w := receive(t, b.woken, "request that is handled again"); w.Request != first.Request {
			t.Errorf("handed out %+v\nwant again %+v", w, first)
		}
	})

	t.Run("BuriesWhatCannotBeReadOnce", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.forgetIDs(t)
		b.publish(t, &nats.Msg{Subject: "campaign.v1.request.shop-italia.bf-2026", Data: []byte("hello")})
		waitFor(t, func() bool { return len(b.letters(t)) == 1 })
		b.publish(t, &nats.Msg{Subject: "campaign.v1.command.shop-italia.bf-2026.cancle"})
		waitFor(t, func() bool { return len(b.letters(t)) == 2 })
		handled(t, b, 1)
		for range 3 {
			sweep(t, b, journal.Swept{Asked: 1})
			b.idsAreForgotten(t)
		}
	})

	t.Run("TheLetterOfWhatIsHandledAgainIsTheRequests", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.forgetIDs(t)
		asked := message("campaign.v1.request.shop-italia.bf-2026", request("bf-2026"), "x-team", "shop")
		b.publish(t, asked)
		first := receive(t, b.woken, "request")
		handled(t, b, 1)
		b.says(runner.Verdict{Do: runner.Bury, Reason: "cancelled_before"})
		sweep(t, b, journal.Swept{Asked: 1, Resent: 1})
		receive(t, b.woken, "request that is handled again")
		waitFor(t, func() bool { return len(b.letters(t)) == 1 })
		l, err := b.client.Letter(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		want := journal.Letter{
			ID: 1, Key: first.Key, Reason: "cancelled_before", Buried: l.Buried, Stored: first.Asked,
			Subject: asked.Subject, Stream: journal.StreamRequests, Sequence: 1, Header: asked.Header, Data: asked.Data, Size: len(asked.Data),
		}
		if diff := cmp.Diff(want, l); diff != "" {
			t.Errorf("letter (-want +got):\n%s", diff)
		}
		if _, err := b.client.PlanReplay(t.Context(), 1, nil); err != nil {
			t.Error(err)
		}
		for range 2 {
			b.idsAreForgotten(t)
			sweep(t, b, journal.Swept{Asked: 1})
		}
		if n := len(b.letters(t)); n != 1 {
			t.Errorf("it has %d letters", n)
		}
	})

	t.Run("TakesNoLetterOfAnEarlierStream", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.publish(t, &nats.Msg{Subject: subject, Data: []byte("hello")})
		waitFor(t, func() bool { return len(b.letters(t)) == 1 })
		if err := b.js.DeleteStream(t.Context(), journal.StreamRequests); err != nil {
			t.Fatal(err)
		}
		j := open(t, b.nc, journal.Options{Overdue: time.Nanosecond}) // makes it again
		b.request(t, "bf-2026")
		receive(t, b.woken, "request")
		handled(t, b, 1)
		if got, err := j.SweepOnce(t.Context()); err != nil || got.Resent != 1 {
			t.Errorf("swept %+v, %v", got, err)
		}
	})

	t.Run("LeavesRequestsThatWaitForTheirTurn", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.says(runner.Verdict{Do: runner.Retry, After: time.Hour})
		b.request(t, "waits")
		receive(t, b.woken, "request")
		sweep(t, b, journal.Swept{})
	})
}
