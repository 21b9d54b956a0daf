package runner_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// An event that breaks the contract is a mistake of ours, and to repeat it does not
// help. The message is not delivered again for it. If nothing else knows what it asks,
// it is put aside. If it has a record, the record waits for the sweep, which finds it
// due.
func TestABrokenEventIsNotTriedForEver(t *testing.T) {
	broken := func(s *service, broken string, from campaign.State) {
		s.journal.Fault = func(op string, _ campaign.Key) (bool, error) {
			c, _ := s.journal.Record(key)
			if op == broken && c.State == from {
				return false, fmt.Errorf("%w: total.currency", runner.ErrBroken)
			}
			return true, nil
		}
	}
	once := func(s *service, command campaign.Input) {
		w := runner.Wakeup{Key: key, Kind: runner.WakeRequest, Request: blackFriday(), RequestedAt: time.Now(), Stored: time.Now()}
		if command != nil {
			w.Kind, w.Command = runner.WakeCommand, command
		}
		s.handle(w)
	}
	last := func(t *testing.T, s *service) loop.Verdict {
		t.Helper()
		for _, v := range s.verdicts {
			if v.Do == loop.Retry {
				t.Errorf("it is to come again: %+v", v)
			}
		}
		if len(s.verdicts) == 0 {
			t.Fatal("nothing was delivered")
		}
		return s.verdicts[len(s.verdicts)-1]
	}
	aside := func(t *testing.T, s *service) {
		t.Helper()
		if v := last(t, s); v.Do != loop.Bury || v.Reason != deadletter.Broken || !strings.HasSuffix(v.Note, "total.currency") {
			t.Errorf("verdict %+v, want that it is put aside, and why", v)
		}
	}
	waits := func(t *testing.T, s *service, state campaign.State) {
		t.Helper()
		if v := last(t, s); v.Do != loop.Ack {
			t.Errorf("verdict %+v", v)
		}
		c := s.record()
		if c.State != state || c.Wake.IsZero() {
			t.Errorf("it is %s, to be woken at %v: nobody goes on with it", c.State, c.Wake)
		}
		// A corrected version is started, and the sweep wakes what is due.
		s.journal.Fault, s.verdicts = nil, nil
		time.Sleep(10 * time.Minute)
		s.deliver(runner.Wakeup{Key: key, Kind: runner.WakeTimer, Stored: time.Now()})
		s.rest()
		if c := s.record(); c.State != campaign.Completed || len(c.Outbox) > 0 {
			t.Errorf("in the end it is %s, and owes %v", c.State, c.Outbox)
		}
		if confirms := s.count("call confirm"); confirms != 1 {
			t.Errorf("%d confirms, want one", confirms)
		}
	}
	tests(t, map[string]func(*testing.T, *service){
		"AFirstRequestIsPutAside": func(t *testing.T, s *service) {
			broken(s, "save", "")
			once(s, nil)
			aside(t, s)
		},
		"ACommandIsPutAside": func(t *testing.T, s *service) {
			r := blackFriday()
			r.Limits.Approval = true
			s.request(r)
			s.waitsFor(campaign.NeedApproval)
			s.verdicts = nil
			broken(s, "save", campaign.Quoted)
			once(s, campaign.Approve{By: "anna", QuoteID: campaign.QuoteID(r, *s.record().Quote)})
			aside(t, s)
		},
		"WhatHasARecordWaitsForTheSweep": func(t *testing.T, s *service) {
			broken(s, "save", campaign.Drafted)
			once(s, nil)
			waits(t, s, campaign.Drafted)
		},
		"SoDoesWhatIsConfirmed": func(t *testing.T, s *service) {
			broken(s, "save", campaign.Confirming)
			once(s, nil)
			waits(t, s, campaign.Confirming)
		},
		"SoDoesWhatIsSavedAndCannotBeTold": func(t *testing.T, s *service) {
			broken(s, "publish", campaign.Confirming)
			once(s, nil)
			waits(t, s, campaign.Confirming)
		},
		"AnythingElseComesAgain": func(t *testing.T, s *service) {
			s.journal.Fault = func(op string, _ campaign.Key) (bool, error) { return op != "save", errors.New("full") }
			if v := s.runner.Handle(t.Context(), runner.Wakeup{Key: key, Kind: runner.WakeRequest, Request: blackFriday(), Stored: time.Now()}); v.Do != loop.Retry {
				t.Errorf("verdict %+v", v)
			}
		},
	})
}
