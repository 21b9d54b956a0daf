package runner_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// Saving is in doubt from the first record that could not be saved, until a new record
// is saved, or for a minute. Meanwhile no draft is begun that is not recorded first.
func TestRecordsAreDoubted(t *testing.T) {
	t.Parallel()
	other := func(n int) campaign.Key {
		return campaign.Key{Source: key.Source, RequestID: fmt.Sprintf("other-%d", n)}
	}
	for name, test := range map[string]struct {
		err   error
		after func(t *testing.T, ask func(campaign.Key), journal *runnertest.Journal)
		doubt bool
	}{
		"AtOnce":       {err: errors.New("the store is full"), doubt: true},
		"NotForItself": {err: runner.ErrBroken},
		"NotAfterAMinute": {err: errors.New("the store is full"),
			after: func(*testing.T, func(campaign.Key), *runnertest.Journal) { time.Sleep(time.Minute) }},
		"NotAfterANewOne": {err: errors.New("the store is full"),
			after: func(t *testing.T, ask func(campaign.Key), j *runnertest.Journal) { j.Fault = nil; ask(other(1)) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := open(t, campaign.Rules{})
				ask := func(k campaign.Key) {
					s.runner.Handle(t.Context(), runner.Wakeup{Key: k, Kind: runner.WakeRequest, Request: blackFriday(), Stored: time.Now()})
				}
				s.journal.Fault = func(op string, _ campaign.Key) (bool, error) {
					if op == "save" {
						return false, test.err
					}
					return true, nil
				}
				ask(other(0))
				if test.after != nil {
					test.after(t, ask, s.journal)
				}
				if s.runner.Recording() == test.doubt {
					t.Errorf("doubted: %v, want %v", !test.doubt, test.doubt)
				}
				before := len(s.gateway.Seen())
				ask(other(2))
				if leaked := len(s.gateway.Seen()) - before; test.doubt && leaked > 0 {
					t.Errorf("%d drafts were begun that could not be recorded", leaked)
				}
			})
		})
	}
}
