package runnertest_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

func TestFakeJournal(t *testing.T) {
	t.Parallel()
	runnertest.TestJournal(t, func(t *testing.T) runnertest.JournalHarness {
		woken := make(chan runner.Wakeup, 100)
		a := runnertest.NewJournal(t, func(w runner.Wakeup) { woken <- w })
		return runnertest.JournalHarness{
			A: a, B: a.Peer(), Woken: woken,
			Told: func(_ *testing.T, key campaign.Key) (all []string) {
				for _, e := range a.Events(key) {
					all = append(all, fmt.Sprintf("%s.%d", e.Type, e.N))
				}
				return all
			},
			Requests: func(_ *testing.T, key campaign.Key) int { return a.Messages(key) },
			Ask:      func(_ *testing.T, key campaign.Key) { a.Ask(key, 1) },
			Break:    func(*testing.T) { a.Break() },
			Mute: func(_ *testing.T, mute bool) {
				a.Fault = nil
				if mute {
					a.Fault = func(string, campaign.Key) (bool, error) { return true, errors.New("no answer") }
				}
			},
		}
	})
}

var key = campaign.Key{Source: "shop-italia", RequestID: "bf-2026"}
