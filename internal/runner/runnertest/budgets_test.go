package runnertest_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

func TestBudgetsInMemory(t *testing.T) {
	t.Parallel()
	runnertest.TestBudgets(t, func(t *testing.T) runnertest.BudgetsHarness {
		var mute atomic.Bool
		b := runnertest.NewBudgets()
		b.Fault = func(string, campaign.Key) (bool, error) {
			if mute.Load() {
				return true, errors.New("no answer")
			}
			return true, nil
		}
		return runnertest.BudgetsHarness{
			A: b, B: b,
			Set: func(t *testing.T, source, zone string, day, month campaign.Money) {
				loc, err := time.LoadLocation(zone)
				if err != nil {
					t.Fatal(err)
				}
				b.Set(source, loc, day, month)
			},
			Mute: func(_ *testing.T, on bool) { mute.Store(on) },
		}
	})
}
