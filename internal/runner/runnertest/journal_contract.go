// Package runnertest knows what the ports of package runner promise: one
// contract test for each, to be run on every implementation, and one that lives
// in memory, fails on demand and fails the test when a promise is broken. It
// refuses to know NATS and HTTP.
package runnertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// JournalHarness is a journal under test, with what the contract needs to see
// and to break.
type JournalHarness struct {
	// A and B are two replicas on the same store.
	A, B runner.Journal
	// Woken gives every timer that fires in the store, for whatever campaign.
	Woken <-chan runner.Wakeup
	// Told lists the events in the store of one campaign, in order, each as
	// "<type>.<n>".
	Told func(t *testing.T, key campaign.Key) []string
	// Break breaks A's connection and returns when it stands again.
	Break func(t *testing.T)
	// Mute makes A lose the replies to what it sends, or stop losing them.
	// What it sends still takes effect.
	Mute func(t *testing.T, mute bool)
}

// TestJournal is the contract of [runner.Journal]: every implementation must
// pass it. open gives a fresh, empty journal; it is called once for each
// subtest.
func TestJournal(t *testing.T, open func(t *testing.T) JournalHarness) {
	key := campaign.Key{Source: "shop-italia", RequestID: "bf-2026"}
	errUnexpected := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	conflict := func(t *testing.T, err error) {
		t.Helper()
		if !errors.Is(err, runner.ErrConflict) {
			t.Fatalf("got error %v, want ErrConflict", err)
		}
	}
	create := func(t *testing.T, h JournalHarness, c campaign.Campaign) runner.Revision {
		t.Helper()
		_, rev, err := h.A.Load(t.Context(), c.Key)
		errUnexpected(t, err)
		rev, err = h.A.Save(t.Context(), c, rev)
		errUnexpected(t, err)
		return rev
	}

	for _, test := range []struct {
		name string
		run  func(t *testing.T, h JournalHarness)
	}{
		{"LoadOfUnknownKeyGivesTheRevisionToCreateIt", func(t *testing.T, h JournalHarness) {
			c, rev, err := h.A.Load(t.Context(), key)
			errUnexpected(t, err)
			if c.State != "" || rev.Seq != 0 || !rev.At.IsZero() {
				t.Errorf("got state %q and revision %+v of a key without a record", c.State, rev)
			}
			if !h.A.Valid(rev) {
				t.Error("the revision is not valid")
			}
			_, err = h.A.Save(t.Context(), Sample(key), rev)
			errUnexpected(t, err)
		}},
		{"LoadGivesWhatWasSaved", func(t *testing.T, h JournalHarness) {
			want := Sample(key)
			saved := create(t, h, want)
			got, rev, err := h.B.Load(t.Context(), key)
			errUnexpected(t, err)
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(campaign.Campaign{})); diff != "" {
				t.Errorf("the record changed on its way (-saved +loaded):\n%s", diff)
			}
			if rev.Seq != saved.Seq || rev.At.IsZero() {
				t.Errorf("got revision %+v of the record saved as %+v", rev, saved)
			}
		}},
		{"SaveCreatesOnlyOnce", func(t *testing.T, h JournalHarness) {
			_, rev, err := h.B.Load(t.Context(), key)
			errUnexpected(t, err)
			create(t, h, Sample(key))
			_, err = h.B.Save(t.Context(), Sample(key), rev)
			conflict(t, err)
		}},
		{"SaveRefusesStaleRevision", func(t *testing.T, h JournalHarness) {
			create(t, h, Sample(key))
			c, stale, err := h.A.Load(t.Context(), key)
			errUnexpected(t, err)
			c.Waiting = "first"
			_, err = h.A.Save(t.Context(), c, stale)
			errUnexpected(t, err)
			c.Waiting = "second"
			_, err = h.A.Save(t.Context(), c, stale)
			conflict(t, err)
			c, _, err = h.A.Load(t.Context(), key)
			errUnexpected(t, err)
			if c.Waiting != "first" {
				t.Errorf("a refused save left %q", c.Waiting)
			}
		}},
		{"SaveReturnsTheRevisionForTheNextSave", func(t *testing.T, h JournalHarness) {
			rev := create(t, h, Sample(key))
			for i := range 3 {
				c := Sample(key)
				c.Tries = i
				next, err := h.A.Save(t.Context(), c, rev)
				errUnexpected(t, err)
				if next.Seq <= rev.Seq || !h.A.Valid(next) || !next.At.IsZero() {
					t.Fatalf("after %+v came %+v", rev, next)
				}
				rev = next
			}
		}},
		{"OneOfTwoRacingSavesWins", func(t *testing.T, h JournalHarness) {
			create(t, h, Sample(key))
			for round := range 20 {
				var group sync.WaitGroup
				errs := make([]error, 4)
				journals := []runner.Journal{h.A, h.B, h.A, h.B}
				revs := make([]runner.Revision, len(errs))
				for i, j := range journals {
					var err error
					_, revs[i], err = j.Load(t.Context(), key)
					errUnexpected(t, err)
				}
				for i, j := range journals {
					group.Go(func() {
						c := Sample(key)
						c.Tries, c.Rounds = i, round
						_, errs[i] = j.Save(t.Context(), c, revs[i])
					})
				}
				group.Wait()
				won := slices.Index(errs, nil)
				if won < 0 {
					t.Fatalf("nobody won round %d: %v", round, errs)
				}
				for i, err := range errs {
					if i != won {
						conflict(t, err)
					}
				}
				c, _, err := h.A.Load(t.Context(), key)
				errUnexpected(t, err)
				if c.Tries != won || c.Rounds != round {
					t.Fatalf("round %d was won by %d, the record is that of %d in round %d", round, won, c.Tries, c.Rounds)
				}
			}
		}},
		{"SaveWithoutAnAnswerIsNoConflict", func(t *testing.T, h JournalHarness) {
			create(t, h, Sample(key))
			c, rev, err := h.A.Load(t.Context(), key)
			errUnexpected(t, err)
			c.Waiting = "stored"
			h.Mute(t, true)
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if _, err := h.A.Save(ctx, c, rev); err == nil || errors.Is(err, runner.ErrConflict) {
				t.Fatalf("got error %v for a save whose answer was lost", err)
			}
			h.Mute(t, false)
			c, _, err = h.B.Load(t.Context(), key)
			errUnexpected(t, err)
			if c.Waiting != "stored" {
				t.Error("the harness lost the save, not its answer")
			}
		}},
		{"LoadRefusesNewerSchema", func(t *testing.T, h JournalHarness) {
			c := Sample(key)
			c.Schema = campaign.Schema + 1
			create(t, h, c)
			if got, _, err := h.A.Load(t.Context(), key); err == nil {
				t.Errorf("loaded a record of schema %d", got.Schema)
			}
		}},
		{"RevisionIsVoidOnceTheConnectionBroke", func(t *testing.T, h JournalHarness) {
			saved := create(t, h, Sample(key))
			c, loaded, err := h.A.Load(t.Context(), key)
			errUnexpected(t, err)
			_, absent, err := h.A.Load(t.Context(), campaign.Key{Source: "shop-italia", RequestID: "other"})
			errUnexpected(t, err)
			h.Break(t)
			for _, rev := range []runner.Revision{saved, loaded, absent} {
				if h.A.Valid(rev) {
					t.Errorf("revision %+v is still valid", rev)
				}
				if age := h.A.Age(rev, time.Now().Add(time.Hour)); age != 0 {
					t.Errorf("revision %+v has age %s", rev, age)
				}
			}
			_, err = h.A.Save(t.Context(), c, loaded)
			conflict(t, err)
			c, rev, err := h.A.Load(t.Context(), key)
			errUnexpected(t, err)
			_, err = h.A.Save(t.Context(), c, rev)
			errUnexpected(t, err)
		}},
		{"PublishTellsInOrder", func(t *testing.T, h JournalHarness) {
			c := Sample(key)
			c.Outbox = []campaign.Event{statsEvent(1), statsEvent(2), statsEvent(3)}
			errUnexpected(t, h.A.Publish(t.Context(), c))
			want(t, h, key, "stats.1", "stats.2", "stats.3")
		}},
		{"PublishTwiceIsOnce", func(t *testing.T, h JournalHarness) {
			c := Sample(key)
			c.Outbox = []campaign.Event{statsEvent(1), statsEvent(2)}
			errUnexpected(t, h.A.Publish(t.Context(), c))
			c.Outbox = append(c.Outbox, statsEvent(3))
			errUnexpected(t, h.A.Publish(t.Context(), c))
			errUnexpected(t, h.B.Publish(t.Context(), c))
			want(t, h, key, "stats.1", "stats.2", "stats.3")
		}},
		{"PublishTellsTheLastStatisticThoughItsOrdinalIsTaken", func(t *testing.T, h JournalHarness) {
			c := Sample(key)
			c.Outbox = []campaign.Event{statsEvent(1)}
			errUnexpected(t, h.A.Publish(t.Context(), c))
			last := statsEvent(1) // a power cut took the record of the first one
			last.Stats.Sent, last.Stats.Pending, last.Last = 100, 0, true
			c.Outbox = []campaign.Event{last}
			errUnexpected(t, h.A.Publish(t.Context(), c))
			errUnexpected(t, h.B.Publish(t.Context(), c))
			want(t, h, key, "stats.1", "stats.2")
		}},
		{"PublishRefusesACostThatWasToldForAnotherDraft", func(t *testing.T, h JournalHarness) {
			c := Sample(key)
			first := costEvent(1, 1542, "0123456789abcdef")
			c.Outbox = []campaign.Event{first}
			errUnexpected(t, h.A.Publish(t.Context(), c))
			for _, second := range []campaign.Event{costEvent(1, 1543, first.QuoteID), costEvent(1, first.CampaignID, "fedcba9876543210")} {
				c.Outbox = []campaign.Event{second, costEvent(2, 1544, "0123456789abcdef")}
				for _, j := range []runner.Journal{h.A, h.B} {
					var told *runner.ToldOtherwise
					if err := j.Publish(t.Context(), c); !errors.As(err, &told) {
						t.Fatalf("got error %v, want ToldOtherwise", err)
					}
					if e := told.Event; e.Type != first.Type || e.N != 1 || e.CampaignID != first.CampaignID || e.QuoteID != first.QuoteID {
						t.Errorf("the event that is there is said to be %+v", e)
					}
				}
			}
			want(t, h, key, "cost_calculated.1")
		}},
		{"PublishTellsTheSameCostAgain", func(t *testing.T, h JournalHarness) {
			c := Sample(key)
			c.Outbox = []campaign.Event{costEvent(1, 1542, "0123456789abcdef"), costEvent(2, 1543, "0123456789abcdef")}
			errUnexpected(t, h.A.Publish(t.Context(), c))
			errUnexpected(t, h.B.Publish(t.Context(), c))
			want(t, h, key, "cost_calculated.1", "cost_calculated.2")
		}},
		{"ToldOfAKeyThatNobodyWasToldOfIsNothing", func(t *testing.T, h JournalHarness) {
			c := Sample(campaign.Key{Source: key.Source, RequestID: key.RequestID + "-2"})
			c.Outbox = []campaign.Event{statsEvent(1)}
			errUnexpected(t, h.A.Publish(t.Context(), c))
			told, err := h.B.Told(t.Context(), key)
			errUnexpected(t, err)
			if len(told) != 0 {
				t.Errorf("told %+v", told)
			}
		}},
		{"ToldIsWhatWasToldInItsOrder", func(t *testing.T, h JournalHarness) {
			c := Sample(key)
			confirmed := campaign.Event{Type: campaign.EventConfirmed, N: 1, CampaignID: 1543, Gateway: "https://gateway.example", At: c.Since, Confirmed: &campaign.Confirmation{At: c.Since}, Quote: c.Quote}
			rejected := campaign.Event{Type: campaign.EventRejected, N: 1, CampaignID: 1543, At: c.Since, Reason: &campaign.Reason{Code: campaign.ReasonNotSent, Message: "nobody"}}
			c.Outbox = []campaign.Event{
				costEvent(1, 1542, "0123456789abcdef"), costEvent(2, 1543, "fedcba9876543210"), confirmed,
				statsEvent(1), statsEvent(2), statsEvent(3), rejected,
			}
			errUnexpected(t, h.A.Publish(t.Context(), c))
			told, err := h.B.Told(t.Context(), key)
			errUnexpected(t, err)
			var got []string
			for _, e := range told {
				got = append(got, fmt.Sprintf("%s.%d of %d %s%s", e.Type, e.N, e.CampaignID, e.QuoteID, e.Gateway))
			}
			// Of the statistics the last one alone.
			if diff := cmp.Diff([]string{"cost_calculated.1 of 1542 0123456789abcdef", "cost_calculated.2 of 1543 fedcba9876543210",
				"confirmed.1 of 1543 https://gateway.example", "stats.3 of 1542 ", "rejected.1 of 1543 "}, got); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		}},
		{"ToldWithoutAnAnswerIsAnError", func(t *testing.T, h JournalHarness) {
			h.Mute(t, true)
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if told, err := h.A.Told(ctx, key); err == nil {
				t.Errorf("told %+v, though nobody answered", told)
			}
		}},
		{"PublishByTwoAtOnceIsOnce", func(t *testing.T, h JournalHarness) {
			for n := range 25 {
				c := Sample(key)
				c.Outbox = []campaign.Event{statsEvent(n + 1)}
				var group sync.WaitGroup
				errs := make([]error, 4)
				for i := range errs {
					j := []runner.Journal{h.A, h.B}[i%2]
					group.Go(func() { errs[i] = j.Publish(t.Context(), c) })
				}
				group.Wait()
				errUnexpected(t, errors.Join(errs...))
				if got := h.Told(t, key); len(got) != n+1 {
					t.Fatalf("told %d events, want %d: %v", len(got), n+1, got)
				}
			}
		}},
		{"PublishOfAnEmptyOutboxTellsNothing", func(t *testing.T, h JournalHarness) {
			errUnexpected(t, h.A.Publish(t.Context(), Sample(key)))
			want(t, h, key)
		}},
		{"PublishWithoutAnAnswerTellsOnceInTheEnd", func(t *testing.T, h JournalHarness) {
			c := Sample(key)
			c.Outbox = []campaign.Event{statsEvent(1)}
			h.Mute(t, true)
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if err := h.A.Publish(ctx, c); err == nil {
				t.Error("publish returned nil without an answer")
			}
			h.Mute(t, false)
			errUnexpected(t, h.A.Publish(t.Context(), c))
			want(t, h, key, "stats.1")
		}},
		{"ArmWakesOnceAndNotEarly", func(t *testing.T, h JournalHarness) {
			first := time.Now().Add(300 * time.Millisecond)
			second := first.Add(400 * time.Millisecond)
			errUnexpected(t, h.A.Arm(t.Context(), key, second))
			errUnexpected(t, h.A.Arm(t.Context(), key, first))
			errUnexpected(t, h.A.Arm(t.Context(), key, first))
			errUnexpected(t, h.B.Arm(t.Context(), key, first))
			wakeups := []runner.Wakeup{woken(t, h), woken(t, h)}
			slices.SortFunc(wakeups, func(a, b runner.Wakeup) int { return a.Stored.Compare(b.Stored) })
			for i, due := range []time.Time{first, second} {
				w := wakeups[i]
				if w.Key != key || w.Kind != runner.WakeTimer {
					t.Errorf("woken by %+v, want a timer of %s", w, key)
				}
				if w.Stored.Before(due) {
					t.Errorf("woken %s early", due.Sub(w.Stored))
				}
			}
			// Were one fired twice, it would come before a third that is armed now.
			third := time.Now().Add(300 * time.Millisecond)
			errUnexpected(t, h.A.Arm(t.Context(), key, third))
			if w := woken(t, h); w.Stored.Before(third) {
				t.Errorf("woken once too often, at %s", w.Stored)
			}
		}},
		{"ArmKeepsCampaignsApart", func(t *testing.T, h JournalHarness) {
			at := time.Now().Add(300 * time.Millisecond)
			keys := []string{}
			for i := range 5 {
				k := campaign.Key{Source: "shop-italia", RequestID: fmt.Sprint("c-", i)}
				errUnexpected(t, h.A.Arm(t.Context(), k, at))
			}
			for range 5 {
				keys = append(keys, woken(t, h).Key.RequestID)
			}
			slices.Sort(keys)
			if diff := cmp.Diff([]string{"c-0", "c-1", "c-2", "c-3", "c-4"}, keys); diff != "" {
				t.Errorf("woken campaigns (-want +got):\n%s", diff)
			}
		}},
		{"AgeIsZeroInDoubt", func(t *testing.T, h JournalHarness) {
			saved := create(t, h, Sample(key))
			if age := h.A.Age(saved, time.Now().Add(time.Hour)); age != 0 {
				t.Errorf("a record that this process has just written has age %s", age)
			}
			_, rev, err := h.A.Load(t.Context(), key)
			errUnexpected(t, err)
			if age := h.A.Age(rev, rev.At.Add(-time.Minute)); age != 0 {
				t.Errorf("seen before it was stored, it has age %s", age)
			}
		}},
		{"AgeCountsFromTheSaveUntilSeen", func(t *testing.T, h JournalHarness) {
			create(t, h, Sample(key))
			_, rev, err := h.A.Load(t.Context(), key)
			errUnexpected(t, err)
			if age := h.A.Age(rev, rev.At.Add(time.Nanosecond)); age != time.Nanosecond {
				t.Errorf("a nanosecond after the save the age is %s", age)
			}
		}},
		{"AgeCountsFromTheConnectionIfThatIsLater", func(t *testing.T, h JournalHarness) {
			create(t, h, Sample(key))
			begin := time.Now()
			h.Break(t)
			_, rev, err := h.A.Load(t.Context(), key)
			errUnexpected(t, err)
			age := h.A.Age(rev, rev.At.Add(time.Hour))
			if age > time.Since(begin) {
				t.Errorf("the connection is at most %s old, the age is %s", time.Since(begin), age)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// Sample is a record with something in every part that has to survive being
// stored.
func Sample(key campaign.Key) campaign.Campaign {
	at := time.Date(2026, 11, 27, 8, 0, 0, 123456789, time.UTC)
	return campaign.Campaign{
		Schema: campaign.Schema, Key: key, State: campaign.Confirming, Since: at,
		Trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		Request: campaign.Request{
			Name: "Black Friday 2026", Sender: "ShopItalia", Text: "Scopri di più: {{code}}", ListID: 87, At: at.Add(time.Hour),
		},
		Wake:  at.Add(time.Minute),
		Draft: &campaign.Bound{ID: 1542, Intended: true},
		Quote: &campaign.Quote{
			N: 1, At: at, Goal: campaign.Goal{Total: 10247, Valid: 9831, Invalid: 416, Parts: 9831},
			Price: campaign.Price{PerMessage: eur("0.035"), Total: eur("344.09"), Available: eur("1500.00"), Sufficient: true},
		},
		Attempts: []campaign.Attempt{{Op: campaign.OpConfirm, At: at, TookMS: 12, Kind: campaign.Unavailable, Breaker: "closed"}},
	}
}

func eur(amount string) campaign.Money {
	return campaign.Money{Amount: decimal.RequireFromString(amount), Currency: "EUR"}
}

func costEvent(n int, campaignID int64, quoteID string) campaign.Event {
	q := *Sample(campaign.Key{}).Quote
	q.N = n
	return campaign.Event{Type: campaign.EventCostCalculated, N: n, At: q.At, CampaignID: campaignID, Quote: &q, QuoteID: quoteID}
}

func statsEvent(n int) campaign.Event {
	return campaign.Event{
		Type: campaign.EventStats, N: n, CampaignID: 1542,
		At: time.Date(2026, 11, 27, 8, n, 0, 0, time.UTC),
		Stats: &campaign.Stats{
			Status: campaign.StatusSending, Total: 100, Sent: int64(n), Pending: int64(100 - n),
			DeliveryRate: decimal.NewNullDecimal(decimal.RequireFromString("97.06")), Cost: eur("344.09"),
		},
	}
}

func want(t *testing.T, h JournalHarness, key campaign.Key, events ...string) {
	t.Helper()
	if diff := cmp.Diff(events, h.Told(t, key), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("events in the store (-want +got):\n%s", diff)
	}
}

func woken(t *testing.T, h JournalHarness) runner.Wakeup {
	t.Helper()
	select {
	case w := <-h.Woken:
		return w
	case <-time.After(20 * time.Second):
		t.Fatal("no timer wakes within 20 s")
		return runner.Wakeup{}
	}
}
