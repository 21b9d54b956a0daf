package journal_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/streams"
)

func TestTimers(t *testing.T) {
	t.Parallel()
	// stored lists what the stream of wake-ups holds.
	stored := func(t *testing.T, b *testBundle) (all []*jetstream.RawStreamMsg) {
		t.Helper()
		s, err := b.js.Stream(t.Context(), streams.Wakeups)
		if err != nil {
			t.Fatal(err)
		}
		for seq := s.CachedInfo().State.FirstSeq; seq > 0 && seq <= s.CachedInfo().State.LastSeq; seq++ {
			if m, err := s.GetMsg(t.Context(), seq); err == nil {
				all = append(all, m)
			}
		}
		return all
	}

	t.Run("AreNeverOverwritten", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		at := time.Now().Add(time.Hour)
		for range 3 {
			if err := b.j.Arm(t.Context(), key, at); err != nil {
				t.Fatal(err)
			}
		}
		// Overwriting a schedule in the moment it fires loses it.
		if all := stored(t, b); len(all) != 1 || all[0].Sequence != 1 {
			t.Errorf("armed three times, the stream holds %d messages, the first with sequence %d", len(all), all[0].Sequence)
		}
	})

	t.Run("AreNotArmedOnceTheyAreDue", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		if err := b.j.Arm(t.Context(), key, time.Now()); err == nil {
			t.Error("armed a timer that is due: it fires at once, is armed, fires")
		}
		if all := stored(t, b); len(all) != 0 {
			t.Errorf("the stream holds %v", all)
		}
	})

	t.Run("LeaveAWakeUpThatExpires", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		woken := make(chan runner.Wakeup, 10)
		b.consume(t, journal.ConsumeOptions{}, func(_ context.Context, w runner.Wakeup) loop.Verdict {
			woken <- w
			return loop.Verdict{Do: loop.Ack}
		})
		if err := b.j.Arm(t.Context(), key, time.Now().Add(50*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		receive(t, woken, "wake-up")
		all := stored(t, b)
		if len(all) != 1 || all[0].Subject != "campaign.v1.wakeup.shop-italia.bf-2026" || all[0].Header.Get("Nats-TTL") != "6h0m0s" {
			t.Errorf("the stream holds %+v, want the one wake-up with its time to live, and no schedule", all)
		}
	})
}
