package journal_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/streams"
)

func TestErase(t *testing.T) {
	t.Parallel()
	holds := func(t *testing.T, b *testService, stream, subject string) (n uint64) {
		t.Helper()
		s, err := b.js.Stream(t.Context(), stream)
		if err != nil {
			t.Fatal(err)
		}
		info, err := s.Info(t.Context(), jetstream.WithSubjectFilter(subject))
		if err != nil {
			t.Fatal(err)
		}
		return info.State.Subjects[subject]
	}
	handled := func(t *testing.T, b *testService, n uint64) {
		t.Helper()
		waitFor(t, func() bool {
			c, err := b.js.Consumer(t.Context(), streams.Requests, "requests")
			return err == nil && c.CachedInfo().AckFloor.Stream >= n
		})
	}

	t.Run("TakesRequestsAndLettersOfTheKeyAlone", func(t *testing.T) {
		t.Parallel()
		b := openTestService(t, journal.Options{Retention: time.Hour})
		for _, id := range []string{"old", "other", "old"} {
			b.request(t, id)
			receive(t, b.woken, "request")
		}
		for _, id := range []string{"old", "old", "other"} {
			b.publish(t, &nats.Msg{Subject: "campaign.v1.dead.shop-italia." + id})
		}
		handled(t, b, 3)
		if err := b.j.Erase(t.Context(), campaign.Key{Source: "shop-italia", RequestID: "old"}); err != nil {
			t.Fatal(err)
		}
		for _, stream := range []struct{ name, prefix string }{
			{streams.Requests, "campaign.v1.request.shop-italia."}, {streams.DeadLetters, "campaign.v1.dead.shop-italia."},
		} {
			if n := holds(t, b, stream.name, stream.prefix+"old"); n != 0 {
				t.Errorf("%s still has %d messages of it", stream.name, n)
			}
			if n := holds(t, b, stream.name, stream.prefix+"other"); n != 1 {
				t.Errorf("%s has %d messages of another campaign, want 1", stream.name, n)
			}
		}
		if err := b.j.Erase(t.Context(), campaign.Key{Source: "shop-italia", RequestID: "old"}); err != nil {
			t.Errorf("once more: %v", err)
		}
	})

	t.Run("LeavesWhatNobodyHasHandled", func(t *testing.T) {
		t.Parallel()
		b := openTestService(t, journal.Options{})
		b.request(t, "old")
		receive(t, b.woken, "request")
		handled(t, b, 1)
		b.says(loop.Verdict{Do: loop.Retry, After: time.Hour})
		b.request(t, "old")
		receive(t, b.woken, "the same key again")
		if err := b.j.Erase(t.Context(), campaign.Key{Source: "shop-italia", RequestID: "old"}); err == nil {
			t.Error("it is called erased, and a request of it waits")
		}
		if n := holds(t, b, streams.Requests, "campaign.v1.request.shop-italia.old"); n != 1 {
			t.Errorf("%d requests are left, want the one that waits", n)
		}
	})

	// What has no leader for a moment never answers what it was asked then.
	t.Run("AsksAgainWhereNothingWasAnswered", func(t *testing.T) {
		t.Parallel()
		p := startProxy(t, startServer(t, -1, t.TempDir()).Addr().String())
		p.lost = make(chan struct{}, 1)
		j := open(t, p.connect(t), journal.Options{LookEvery: time.Hour})
		p.mute.Store(true)
		erased := make(chan error, 1)
		go func() { erased <- j.Erase(t.Context(), campaign.Key{Source: "shop-italia", RequestID: "old"}) }()
		receive(t, p.lost, "answer that is lost")
		p.mute.Store(false)
		if err := receive(t, erased, "end of it"); err != nil {
			t.Error(err)
		}
	})
}
