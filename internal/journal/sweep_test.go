package journal_test

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
	"github.com/staffetta-io/staffetta/internal/streams"
)

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }

// forgetIDs has the streams forget the ids of messages at once, as in life they
// have between two sweeps.
func (o *testService) forgetIDs(t *testing.T) {
	t.Helper()
	for _, name := range []string{streams.Wakeups, streams.DeadLetters} {
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
func (o *testService) idsAreForgotten(t *testing.T) {
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
	setup := func(t *testing.T) *testService {
		t.Helper()
		return openTestService(t, journal.Options{Overdue: time.Nanosecond})
	}
	save := func(t *testing.T, b *testService, id string, change func(*campaign.Campaign)) {
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
	sweep := func(t *testing.T, b *testService, want journal.Swept) {
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
	handled := func(t *testing.T, b *testService, n uint64) {
		t.Helper()
		waitFor(t, func() bool {
			c, err := b.js.Consumer(t.Context(), streams.Requests, "requests")
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

	// A service that starts knows at once what there is, before the first sweep and
	// between two.
	t.Run("IsNotWaitedForToCount", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		count := func(want map[campaign.State]int) {
			t.Helper()
			got, err := b.j.Count(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got.States); diff != "" {
				t.Errorf("counted (-want +got):\n%s", diff)
			}
		}
		count(map[campaign.State]int{})
		ended := func(c *campaign.Campaign) { c.State, c.Wake, c.Since = campaign.Completed, time.Time{}, time.Now() }
		save(t, b, "one", func(c *campaign.Campaign) { c.State, c.Wake = campaign.Sending, time.Now().Add(time.Hour) })
		save(t, b, "two", ended)
		count(map[campaign.State]int{campaign.Sending: 1, campaign.Completed: 1})
		sweep(t, b, journal.Swept{Records: 2})
		save(t, b, "one", ended)
		save(t, b, "three", func(c *campaign.Campaign) { c.State, c.Wake = campaign.Quoted, time.Now().Add(time.Hour) })
		count(map[campaign.State]int{campaign.Quoted: 1, campaign.Completed: 2})
		sweep(t, b, journal.Swept{Records: 2})
		count(map[campaign.State]int{campaign.Quoted: 1, campaign.Completed: 2})
	})

	t.Run("WakesWhatHasBeenKeptForTooLong", func(t *testing.T) {
		t.Parallel()
		b := openTestService(t, journal.Options{Retention: time.Hour})
		ended := func(state campaign.State, ago time.Duration) func(*campaign.Campaign) {
			return func(c *campaign.Campaign) {
				c.State, c.Wake, c.Since = state, time.Time{}, time.Now().Add(-ago)
			}
		}
		save(t, b, "old", ended(campaign.Completed, 2*time.Hour))
		save(t, b, "young", ended(campaign.Completed, time.Minute))
		save(t, b, "open", ended(campaign.Unresolved, 2*time.Hour))
		save(t, b, "under-way", func(c *campaign.Campaign) {
			c.Since, c.Wake = time.Now().Add(-2*time.Hour), time.Now().Add(time.Hour)
		})
		sweep(t, b, journal.Swept{Records: 4, Outlived: 1})
		if w := receive(t, b.woken, "wake-up"); w.Key.RequestID != "old" || w.Kind != runner.WakeTimer {
			t.Errorf("woken by %+v", w)
		}
		save(t, b, "old", func(c *campaign.Campaign) {
			ended(campaign.Completed, 2*time.Hour)(c)
			c.Forgotten = &campaign.Forgotten{By: campaign.ByRetention, At: time.Now()}
		})
		sweep(t, b, journal.Swept{Records: 1}) // the others lie still
		// Another replica, without the setting.
		if got, err := open(t, b.nc, journal.Options{}).SweepOnce(t.Context()); err != nil || got.Outlived != 0 {
			t.Errorf("swept %+v, %v", got, err)
		}
	})

	// What becomes too old after it was looked at is found when it does, is found again
	// until it is dealt with, and wakes nothing that is younger.
	for name, kind := range map[string]struct {
		o    journal.Options
		done func(*campaign.Campaign)
	}{
		"FindsTextsWhenTheyAreTooOld": {journal.Options{Retention: 500 * time.Millisecond}, func(c *campaign.Campaign) {
			c.Forgotten = &campaign.Forgotten{By: campaign.ByRetention, At: time.Now()}
		}},
		"FindsRecordsThatAreWholeForTooLong": {journal.Options{KeepWhole: 500 * time.Millisecond}, func(c *campaign.Campaign) {
			c.Shortened = time.Now()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openTestService(t, kind.o)
			over := func(c *campaign.Campaign) { c.State, c.Wake, c.Since = campaign.Completed, time.Time{}, time.Now() }
			for i := range 3 {
				save(t, b, "over-"+itoa(uint64(i)), over)
			}
			save(t, b, "rests", func(c *campaign.Campaign) { c.Since, c.Wake = time.Now(), time.Now().Add(time.Hour) })
			waitFor(t, func() bool {
				if _, err := b.j.SweepOnce(t.Context()); err != nil {
					t.Fatal(err)
				}
				return len(b.woken) == 3
			})
			save(t, b, "young", over)
			woken := map[string]bool{}
			for range 3 {
				woken[receive(t, b.woken, "wake-up").Key.RequestID] = true
			}
			if !woken["over-0"] || !woken["over-1"] || !woken["over-2"] {
				t.Errorf("woken were %v", woken)
			}
			for i := range 3 {
				save(t, b, "over-"+itoa(uint64(i)), func(c *campaign.Campaign) { over(c); kind.done(c) })
			}
			waitFor(t, func() bool {
				if _, err := b.j.SweepOnce(t.Context()); err != nil {
					t.Fatal(err)
				}
				return len(b.woken) == 1
			})
			if w := receive(t, b.woken, "wake-up"); w.Key.RequestID != "young" {
				t.Errorf("woken by %+v", w)
			}
		})
	}

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
		if w.Kind != runner.WakeRequest || w.Key != first["lost"].Key || len(w.Request.Diff(first["lost"].Request)) > 0 || !w.RequestedAt.Equal(first["lost"].RequestedAt) {
			t.Errorf("handed out %+v\nwant again %+v", w, first["lost"])
		}
		// Once it has a record, it is left alone. What was in order is looked at in the round.
		save(t, b, "lost", func(c *campaign.Campaign) { c.State, c.Wake = campaign.Completed, time.Time{} })
		sweep(t, b, journal.Swept{Records: 1, Asked: 2})
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
		b.says(loop.Verdict{Do: loop.Bury, Reason: "conflicting_duplicate"})
		b.publish(t, message("campaign.v1.request.shop-italia.lost", other))
		receive(t, b.woken, "conflicting duplicate")
		handled(t, b, 2)
		b.says(loop.Verdict{Do: loop.Ack})
		sweep(t, b, journal.Swept{Asked: 2, Resent: 1})
		if w := receive(t, b.woken, "request that is handled again"); len(w.Request.Diff(first.Request)) > 0 {
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
		b.says(loop.Verdict{Do: loop.Bury, Reason: "cancelled_before"})
		sweep(t, b, journal.Swept{Asked: 1, Resent: 1})
		receive(t, b.woken, "request that is handled again")
		waitFor(t, func() bool { return len(b.letters(t)) == 1 })
		l, err := b.client.Letter(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		want := contract.Letter{
			ID: 1, Key: first.Key, Reason: "cancelled_before", Buried: l.Buried, Stored: first.RequestedAt,
			Subject: asked.Subject, Stream: streams.Requests, Sequence: 1, Header: asked.Header, Data: asked.Data, Size: len(asked.Data),
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
		if err := b.js.DeleteStream(t.Context(), streams.Requests); err != nil {
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
		b.says(loop.Verdict{Do: loop.Retry, After: time.Hour})
		b.request(t, "waits")
		receive(t, b.woken, "request")
		sweep(t, b, journal.Swept{})
	})
}

// Replicas that were started together do not look together.
func TestEveryLooksAgainAndAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		last, pauses := time.Now(), map[time.Duration]bool{}
		journal.Every(ctx, 30*time.Second, 10*time.Minute, func() {
			pause := time.Since(last)
			last = time.Now()
			switch n := len(pauses); {
			case n == 0 && pause != 30*time.Second:
				t.Errorf("the first look is after %s", pause)
			case n > 0 && (pause < 450*time.Second || pause >= 750*time.Second):
				t.Errorf("the next look is after %s, want about ten minutes", pause)
			}
			if pauses[pause] = true; len(pauses) == 10 {
				cancel()
			}
		})
	})
}
