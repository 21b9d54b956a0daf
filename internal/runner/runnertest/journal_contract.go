// Package runnertest knows what the ports of package runner promise: one
// contract test for each, to be run on every implementation, and one that lives
// in memory, fails on demand and fails the test when a promise is broken. It
// refuses to know NATS and HTTP.
package runnertest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
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
	// Ask puts a request of a campaign into its stream, and returns when it is there.
	Ask func(t *testing.T, key campaign.Key)
	// Requests is how many requests of a campaign are in their stream.
	Requests func(t *testing.T, key campaign.Key) int
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
	for _, test := range []struct {
		name string
		run  func(t *testing.T, h JournalHarness)
	}{
		{"LoadOfUnknownKeyGivesTheRevisionToCreateIt", loadOfUnknownKeyGivesTheRevisionToCreateIt},
		{"LoadGivesWhatWasSaved", loadGivesWhatWasSaved},
		{"SaveCreatesOnlyOnce", saveCreatesOnlyOnce},
		{"SaveRefusesStaleRevision", saveRefusesStaleRevision},
		{"ARequestIsSeenByEverybodyOnceItIsStored", aRequestIsSeenByEverybodyOnceItIsStored},
		{"EraseOfWhatIsNotThereIsDone", eraseOfWhatIsNotThereIsDone},
		{"AskForTwiceIsOnce", askForTwiceIsOnce},
		{"AskForWithoutAnAnswerAsksOnceInTheEnd", askForWithoutAnAnswerAsksOnceInTheEnd},
		{"SaveReturnsTheRevisionForTheNextSave", saveReturnsTheRevisionForTheNextSave},
		{"OneOfTwoRacingSavesWins", oneOfTwoRacingSavesWins},
		{"SaveWithoutAnAnswerIsNoConflict", saveWithoutAnAnswerIsNoConflict},
		{"LoadRefusesNewerSchema", loadRefusesNewerSchema},
		{"RevisionIsVoidOnceTheConnectionBroke", revisionIsVoidOnceTheConnectionBroke},
		{"PublishTellsInOrder", publishTellsInOrder},
		{"PublishTwiceIsOnce", publishTwiceIsOnce},
		{"PublishTellsTheLastStatisticThoughItsOrdinalIsTaken", publishTellsTheLastStatisticThoughItsOrdinalIsTaken},
		{"PublishRefusesACostThatWasToldForAnotherDraft", publishRefusesACostThatWasToldForAnotherDraft},
		{"PublishTellsTheSameCostAgain", publishTellsTheSameCostAgain},
		{"ToldOfAKeyThatNobodyWasToldOfIsNothing", toldOfAKeyThatNobodyWasToldOfIsNothing},
		{"ToldIsWhatWasToldInItsOrder", toldIsWhatWasToldInItsOrder},
		{"ToldWithoutAnAnswerIsAnError", toldWithoutAnAnswerIsAnError},
		{"PublishByTwoAtOnceIsOnce", publishByTwoAtOnceIsOnce},
		{"PublishOfAnEmptyOutboxTellsNothing", publishOfAnEmptyOutboxTellsNothing},
		{"PublishWithoutAnAnswerTellsOnceInTheEnd", publishWithoutAnAnswerTellsOnceInTheEnd},
		{"ArmWakesOnceAndNotEarly", armWakesOnceAndNotEarly},
		{"ArmKeepsCampaignsApart", armKeepsCampaignsApart},
		{"AgeIsZeroInDoubt", ageIsZeroInDoubt},
		{"AgeCountsFromTheSaveUntilSeen", ageCountsFromTheSaveUntilSeen},
		{"AgeCountsFromTheConnectionIfThatIsLater", ageCountsFromTheConnectionIfThatIsLater},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// journalKey is the campaign of all subtests.
var journalKey = campaign.Key{Source: "shop-italia", RequestID: "bf-2026"}

func errUnexpected(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func conflict(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, loop.ErrConflict) {
		t.Fatalf("got error %v, want ErrConflict", err)
	}
}

func create(t *testing.T, h JournalHarness, c campaign.Campaign) loop.Revision {
	t.Helper()
	_, rev, err := h.A.Load(t.Context(), c.Key)
	errUnexpected(t, err)
	rev, err = h.A.Save(t.Context(), c, rev)
	errUnexpected(t, err)
	return rev
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
