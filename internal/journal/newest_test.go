package journal_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

func TestNewest(t *testing.T) {
	t.Parallel()
	newest := func(t *testing.T, b *testBundle, saves uint64) (ids []string) {
		t.Helper()
		_, err := b.j.Newest(t.Context(), saves, func(c campaign.Campaign) {
			ids = append(ids, fmt.Sprintf("%s at %d a minute", c.Key.RequestID, c.Progress.PerMinute))
		})
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	save := func(t *testing.T, b *testBundle, id string, perMinute int64) {
		t.Helper()
		c := runnertest.Sample(campaign.Key{Source: "shop-italia", RequestID: id})
		c.Progress = &campaign.Progress{At: time.Now(), Sent: 500, PerMinute: perMinute}
		_, rev, err := b.j.Load(t.Context(), c.Key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.j.Save(t.Context(), c, rev); err != nil {
			t.Fatal(err)
		}
	}
	check := func(t *testing.T, got []string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the newest records (-want +got):\n%s", diff)
		}
	}

	t.Run("NoneOfNone", func(t *testing.T) {
		t.Parallel()
		check(t, newest(t, setup(t, journal.Options{}), 3))
	})

	t.Run("EachOnceAsItWasSavedLastAndNoFurtherBack", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		for i, id := range []string{"a", "b", "c", "b"} {
			save(t, b, id, int64(100+i))
		}
		check(t, newest(t, b, 1000), "a at 100 a minute", "c at 102 a minute", "b at 103 a minute")
		check(t, newest(t, b, 2), "c at 102 a minute", "b at 103 a minute")
		check(t, newest(t, b, 1), "b at 103 a minute")
	})

	t.Run("OneThatWasDeletedOrCannotBeReadIsPassedOver", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		kv, err := b.js.KeyValue(t.Context(), "campaigns")
		if err != nil {
			t.Fatal(err)
		}
		save(t, b, "a", 100)
		save(t, b, "b", 101)
		if err := kv.Delete(t.Context(), "shop-italia.a"); err != nil {
			t.Fatal(err)
		}
		if _, err := kv.Put(t.Context(), "shop-italia.newer", []byte(`{"schema":99}`)); err != nil {
			t.Fatal(err)
		}
		save(t, b, "c", 102)
		check(t, newest(t, b, 1000), "b at 101 a minute", "c at 102 a minute")
	})

	t.Run("TheListOfTheOpenOnesIsNotReadForIt", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		for i := range 20 {
			save(t, b, fmt.Sprintf("c%02d", i), int64(100+i))
		}
		if _, err := b.j.SweepOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := newest(t, b, 1000); len(got) != 20 || !slices.IsSorted(got) {
			t.Errorf("20 records and a sweep behind them: got %q, want each once, in order", got)
		}
		// A consumer that begins in the middle costs the server what is stored.
		asked := make(chan *nats.Msg, 1)
		if _, err := b.nc.ChanSubscribe("$JS.EVENT.ADVISORY.CONSUMER.CREATED.KV_campaigns.>", asked); err != nil {
			t.Fatal(err)
		}
		newest(t, b, 1000)
		if err := b.nc.Flush(); err != nil {
			t.Fatal(err)
		}
		select {
		case m := <-asked:
			t.Errorf("a consumer was made: %s", m.Data)
		default:
		}
	})
}
