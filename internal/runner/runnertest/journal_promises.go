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

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// What a journal promises, one function for each row of TestJournal.

func loadOfUnknownKeyGivesTheRevisionToCreateIt(t *testing.T, h JournalHarness) {
	c, rev, err := h.A.Load(t.Context(), journalKey)
	errUnexpected(t, err)
	if c.State != "" || rev.Seq != 0 || !rev.At.IsZero() {
		t.Errorf("got state %q and revision %+v of a journalKey without a record", c.State, rev)
	}
	if !h.A.Valid(rev) {
		t.Error("the revision is not valid")
	}
	_, err = h.A.Save(t.Context(), Sample(journalKey), rev)
	errUnexpected(t, err)
}

func loadGivesWhatWasSaved(t *testing.T, h JournalHarness) {
	want := Sample(journalKey)
	saved := create(t, h, want)
	got, rev, err := h.B.Load(t.Context(), journalKey)
	errUnexpected(t, err)
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(campaign.Campaign{})); diff != "" {
		t.Errorf("the record changed on its way (-saved +loaded):\n%s", diff)
	}
	if rev.Seq != saved.Seq || rev.At.IsZero() {
		t.Errorf("got revision %+v of the record saved as %+v", rev, saved)
	}
}

func saveCreatesOnlyOnce(t *testing.T, h JournalHarness) {
	_, rev, err := h.B.Load(t.Context(), journalKey)
	errUnexpected(t, err)
	create(t, h, Sample(journalKey))
	_, err = h.B.Save(t.Context(), Sample(journalKey), rev)
	conflict(t, err)
}

func saveRefusesStaleRevision(t *testing.T, h JournalHarness) {
	create(t, h, Sample(journalKey))
	c, stale, err := h.A.Load(t.Context(), journalKey)
	errUnexpected(t, err)
	c.Waiting = "first"
	_, err = h.A.Save(t.Context(), c, stale)
	errUnexpected(t, err)
	c.Waiting = "second"
	_, err = h.A.Save(t.Context(), c, stale)
	conflict(t, err)
	c, _, err = h.A.Load(t.Context(), journalKey)
	errUnexpected(t, err)
	if c.Waiting != "first" {
		t.Errorf("a refused save left %q", c.Waiting)
	}
}

func aRequestIsSeenByEverybodyOnceItIsStored(t *testing.T, h JournalHarness) {
	for n := range 20 {
		k := campaign.Key{Source: journalKey.Source, RequestID: fmt.Sprint("r-", n)}
		for _, want := range []bool{false, true} {
			if want {
				h.Ask(t, k)
			}
			for _, j := range []runner.Journal{h.A, h.B} {
				asked, err := j.Asked(t.Context(), k)
				errUnexpected(t, err)
				if asked != want {
					t.Fatalf("%s: asked %t, want %t", k, asked, want)
				}
			}
		}
	}
}

func eraseOfWhatIsNotThereIsDone(t *testing.T, h JournalHarness) {
	create(t, h, Sample(journalKey))
	for _, j := range []runner.Journal{h.A, h.B} {
		errUnexpected(t, j.Erase(t.Context(), journalKey))
	}
	c, _, err := h.B.Load(t.Context(), journalKey)
	errUnexpected(t, err)
	if c.State == "" {
		t.Error("it has taken the record")
	}
}

// aProof is a request of our own.
var aProof = campaign.Request{Name: "Black Friday 2026", Sender: "ShopItalia", Text: "Ciao", ListID: 87}

func askForTwiceIsOnce(t *testing.T, h JournalHarness) {
	for _, j := range []runner.Journal{h.A, h.B, h.A} {
		errUnexpected(t, j.AskFor(t.Context(), journalKey, aProof))
	}
	if n := h.Requests(t, journalKey); n != 1 {
		t.Errorf("%d requests are in the stream, want 1", n)
	}
}

func askForWithoutAnAnswerAsksOnceInTheEnd(t *testing.T, h JournalHarness) {
	h.Mute(t, true)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := h.A.AskFor(ctx, journalKey, aProof); err == nil {
		t.Error("ask returned nil without an answer")
	}
	h.Mute(t, false)
	errUnexpected(t, h.A.AskFor(t.Context(), journalKey, aProof))
	if n := h.Requests(t, journalKey); n != 1 {
		t.Errorf("%d requests are in the stream, want 1", n)
	}
}

func saveReturnsTheRevisionForTheNextSave(t *testing.T, h JournalHarness) {
	rev := create(t, h, Sample(journalKey))
	for i := range 3 {
		c := Sample(journalKey)
		c.Tries = i
		next, err := h.A.Save(t.Context(), c, rev)
		errUnexpected(t, err)
		if next.Seq <= rev.Seq || !h.A.Valid(next) || !next.At.IsZero() {
			t.Fatalf("after %+v came %+v", rev, next)
		}
		rev = next
	}
}

func oneOfTwoRacingSavesWins(t *testing.T, h JournalHarness) {
	create(t, h, Sample(journalKey))
	for round := range 20 {
		var group sync.WaitGroup
		errs := make([]error, 4)
		journals := []runner.Journal{h.A, h.B, h.A, h.B}
		revs := make([]loop.Revision, len(errs))
		for i, j := range journals {
			var err error
			_, revs[i], err = j.Load(t.Context(), journalKey)
			errUnexpected(t, err)
		}
		for i, j := range journals {
			group.Go(func() {
				c := Sample(journalKey)
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
		c, _, err := h.A.Load(t.Context(), journalKey)
		errUnexpected(t, err)
		if c.Tries != won || c.Rounds != round {
			t.Fatalf("round %d was won by %d, the record is that of %d in round %d", round, won, c.Tries, c.Rounds)
		}
	}
}

func saveWithoutAnAnswerIsNoConflict(t *testing.T, h JournalHarness) {
	create(t, h, Sample(journalKey))
	c, rev, err := h.A.Load(t.Context(), journalKey)
	errUnexpected(t, err)
	c.Waiting = "stored"
	h.Mute(t, true)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := h.A.Save(ctx, c, rev); err == nil || errors.Is(err, loop.ErrConflict) {
		t.Fatalf("got error %v for a save whose answer was lost", err)
	}
	h.Mute(t, false)
	c, _, err = h.B.Load(t.Context(), journalKey)
	errUnexpected(t, err)
	if c.Waiting != "stored" {
		t.Error("the harness lost the save, not its answer")
	}
}

func loadRefusesNewerSchema(t *testing.T, h JournalHarness) {
	c := Sample(journalKey)
	c.Schema = campaign.Schema + 1
	create(t, h, c)
	if got, _, err := h.A.Load(t.Context(), journalKey); err == nil {
		t.Errorf("loaded a record of schema %d", got.Schema)
	}
}

func revisionIsVoidOnceTheConnectionBroke(t *testing.T, h JournalHarness) {
	saved := create(t, h, Sample(journalKey))
	c, loaded, err := h.A.Load(t.Context(), journalKey)
	errUnexpected(t, err)
	_, absent, err := h.A.Load(t.Context(), campaign.Key{Source: "shop-italia", RequestID: "other"})
	errUnexpected(t, err)
	h.Break(t)
	for _, rev := range []loop.Revision{saved, loaded, absent} {
		if h.A.Valid(rev) {
			t.Errorf("revision %+v is still valid", rev)
		}
		if age := h.A.Age(rev, time.Now().Add(time.Hour)); age != 0 {
			t.Errorf("revision %+v has age %s", rev, age)
		}
	}
	_, err = h.A.Save(t.Context(), c, loaded)
	conflict(t, err)
	c, rev, err := h.A.Load(t.Context(), journalKey)
	errUnexpected(t, err)
	_, err = h.A.Save(t.Context(), c, rev)
	errUnexpected(t, err)
}

func publishTellsInOrder(t *testing.T, h JournalHarness) {
	c := Sample(journalKey)
	c.Outbox = []campaign.Event{statsEvent(1), statsEvent(2), statsEvent(3)}
	errUnexpected(t, h.A.Publish(t.Context(), c))
	want(t, h, journalKey, "stats.1", "stats.2", "stats.3")
}

func publishTwiceIsOnce(t *testing.T, h JournalHarness) {
	c := Sample(journalKey)
	c.Outbox = []campaign.Event{statsEvent(1), statsEvent(2)}
	errUnexpected(t, h.A.Publish(t.Context(), c))
	c.Outbox = append(c.Outbox, statsEvent(3))
	errUnexpected(t, h.A.Publish(t.Context(), c))
	errUnexpected(t, h.B.Publish(t.Context(), c))
	want(t, h, journalKey, "stats.1", "stats.2", "stats.3")
}

func publishTellsTheLastStatisticThoughItsOrdinalIsTaken(t *testing.T, h JournalHarness) {
	c := Sample(journalKey)
	c.Outbox = []campaign.Event{statsEvent(1)}
	errUnexpected(t, h.A.Publish(t.Context(), c))
	last := statsEvent(1) // a power cut took the record of the first one
	last.Stats.Sent, last.Stats.Pending, last.Last = 100, 0, true
	c.Outbox = []campaign.Event{last}
	errUnexpected(t, h.A.Publish(t.Context(), c))
	errUnexpected(t, h.B.Publish(t.Context(), c))
	want(t, h, journalKey, "stats.1", "stats.2")
}

func publishRefusesACostThatWasToldForAnotherDraft(t *testing.T, h JournalHarness) {
	c := Sample(journalKey)
	first := costEvent(1, 1542, "0123456789abcdef")
	c.Outbox = []campaign.Event{first}
	errUnexpected(t, h.A.Publish(t.Context(), c))
	for _, second := range []campaign.Event{costEvent(1, 1543, first.QuoteID), costEvent(1, first.CampaignID, "fedcba9876543210")} {
		c.Outbox = []campaign.Event{second, costEvent(2, 1544, "0123456789abcdef")}
		for _, j := range []runner.Journal{h.A, h.B} {
			var told *runner.CostConflict
			if err := j.Publish(t.Context(), c); !errors.As(err, &told) {
				t.Fatalf("got error %v, want ToldOtherwise", err)
			}
			if e := told.Event; e.Type != first.Type || e.N != 1 || e.CampaignID != first.CampaignID || e.QuoteID != first.QuoteID {
				t.Errorf("the event that is there is said to be %+v", e)
			}
		}
	}
	want(t, h, journalKey, "cost_calculated.1")
}

func publishTellsTheSameCostAgain(t *testing.T, h JournalHarness) {
	c := Sample(journalKey)
	c.Outbox = []campaign.Event{costEvent(1, 1542, "0123456789abcdef"), costEvent(2, 1543, "0123456789abcdef")}
	errUnexpected(t, h.A.Publish(t.Context(), c))
	errUnexpected(t, h.B.Publish(t.Context(), c))
	want(t, h, journalKey, "cost_calculated.1", "cost_calculated.2")
}

func toldOfAKeyThatNobodyWasToldOfIsNothing(t *testing.T, h JournalHarness) {
	c := Sample(campaign.Key{Source: journalKey.Source, RequestID: journalKey.RequestID + "-2"})
	c.Outbox = []campaign.Event{statsEvent(1)}
	errUnexpected(t, h.A.Publish(t.Context(), c))
	told, err := h.B.Published(t.Context(), journalKey)
	errUnexpected(t, err)
	if len(told) != 0 {
		t.Errorf("told %+v", told)
	}
}

func toldIsWhatWasToldInItsOrder(t *testing.T, h JournalHarness) {
	c := Sample(journalKey)
	confirmed := campaign.Event{Type: campaign.EventConfirmed, N: 1, CampaignID: 1543, Gateway: "https://gateway.example", At: c.Since, Confirmed: &campaign.Confirmation{At: c.Since}, Quote: c.Quote}
	rejected := campaign.Event{Type: campaign.EventRejected, N: 1, CampaignID: 1543, At: c.Since, Reason: &campaign.Reason{Code: campaign.ReasonNotSent, Message: "nobody"}}
	c.Outbox = []campaign.Event{
		costEvent(1, 1542, "0123456789abcdef"), costEvent(2, 1543, "fedcba9876543210"), confirmed,
		statsEvent(1), statsEvent(2), statsEvent(3), rejected,
	}
	errUnexpected(t, h.A.Publish(t.Context(), c))
	told, err := h.B.Published(t.Context(), journalKey)
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
}

func toldWithoutAnAnswerIsAnError(t *testing.T, h JournalHarness) {
	h.Mute(t, true)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if told, err := h.A.Published(ctx, journalKey); err == nil {
		t.Errorf("told %+v, though nobody answered", told)
	}
}

func publishByTwoAtOnceIsOnce(t *testing.T, h JournalHarness) {
	for n := range 25 {
		c := Sample(journalKey)
		c.Outbox = []campaign.Event{statsEvent(n + 1)}
		var group sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			j := []runner.Journal{h.A, h.B}[i%2]
			group.Go(func() { errs[i] = j.Publish(t.Context(), c) })
		}
		group.Wait()
		errUnexpected(t, errors.Join(errs...))
		if got := h.Told(t, journalKey); len(got) != n+1 {
			t.Fatalf("told %d events, want %d: %v", len(got), n+1, got)
		}
	}
}

func publishOfAnEmptyOutboxTellsNothing(t *testing.T, h JournalHarness) {
	errUnexpected(t, h.A.Publish(t.Context(), Sample(journalKey)))
	want(t, h, journalKey)
}

func publishWithoutAnAnswerTellsOnceInTheEnd(t *testing.T, h JournalHarness) {
	c := Sample(journalKey)
	c.Outbox = []campaign.Event{statsEvent(1)}
	h.Mute(t, true)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := h.A.Publish(ctx, c); err == nil {
		t.Error("publish returned nil without an answer")
	}
	h.Mute(t, false)
	errUnexpected(t, h.A.Publish(t.Context(), c))
	want(t, h, journalKey, "stats.1")
}

func armWakesOnceAndNotEarly(t *testing.T, h JournalHarness) {
	first := time.Now().Add(300 * time.Millisecond)
	second := first.Add(400 * time.Millisecond)
	errUnexpected(t, h.A.Arm(t.Context(), journalKey, second))
	errUnexpected(t, h.A.Arm(t.Context(), journalKey, first))
	errUnexpected(t, h.A.Arm(t.Context(), journalKey, first))
	errUnexpected(t, h.B.Arm(t.Context(), journalKey, first))
	wakeups := []runner.Wakeup{woken(t, h), woken(t, h)}
	slices.SortFunc(wakeups, func(a, b runner.Wakeup) int { return a.Stored.Compare(b.Stored) })
	for i, due := range []time.Time{first, second} {
		w := wakeups[i]
		if w.Key != journalKey || w.Kind != runner.WakeTimer {
			t.Errorf("woken by %+v, want a timer of %s", w, journalKey)
		}
		if w.Stored.Before(due) {
			t.Errorf("woken %s early", due.Sub(w.Stored))
		}
	}
	// Were one fired twice, it would come before a third that is armed now.
	third := time.Now().Add(300 * time.Millisecond)
	errUnexpected(t, h.A.Arm(t.Context(), journalKey, third))
	if w := woken(t, h); w.Stored.Before(third) {
		t.Errorf("woken once too often, at %s", w.Stored)
	}
}

func armKeepsCampaignsApart(t *testing.T, h JournalHarness) {
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
}

func ageIsZeroInDoubt(t *testing.T, h JournalHarness) {
	saved := create(t, h, Sample(journalKey))
	if age := h.A.Age(saved, time.Now().Add(time.Hour)); age != 0 {
		t.Errorf("a record that this process has just written has age %s", age)
	}
	_, rev, err := h.A.Load(t.Context(), journalKey)
	errUnexpected(t, err)
	if age := h.A.Age(rev, rev.At.Add(-time.Minute)); age != 0 {
		t.Errorf("seen before it was stored, it has age %s", age)
	}
}

func ageCountsFromTheSaveUntilSeen(t *testing.T, h JournalHarness) {
	create(t, h, Sample(journalKey))
	_, rev, err := h.A.Load(t.Context(), journalKey)
	errUnexpected(t, err)
	if age := h.A.Age(rev, rev.At.Add(time.Nanosecond)); age != time.Nanosecond {
		t.Errorf("a nanosecond after the save the age is %s", age)
	}
}

func ageCountsFromTheConnectionIfThatIsLater(t *testing.T, h JournalHarness) {
	create(t, h, Sample(journalKey))
	begin := time.Now()
	h.Break(t)
	_, rev, err := h.A.Load(t.Context(), journalKey)
	errUnexpected(t, err)
	age := h.A.Age(rev, rev.At.Add(time.Hour))
	if age > time.Since(begin) {
		t.Errorf("the connection is at most %s old, the age is %s", time.Since(begin), age)
	}
}
