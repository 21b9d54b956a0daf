package runnertest

import (
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/runner"
)

// ButtonHarness is a red button under test, with what the contract needs to press
// and to break.
type ButtonHarness struct {
	// A and B are two replicas on the same store.
	A, B runner.Button
	// Press returns when the hold takes effect everywhere.
	Press, Release func(t *testing.T, source, why string)
	// Break keeps A from looking.
	Break func(t *testing.T)
}

// TestButton holds a button to what the loop takes for granted. open gives one that
// is not pressed; it is called once for each subtest.
func TestButton(t *testing.T, open func(t *testing.T) ButtonHarness) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, b ButtonHarness)
	}{
		{"NothingIsHeldUnlessSomebodyPressesIt", func(t *testing.T, b ButtonHarness) {
			heldWithin(t, b.A, "shop-italia", "")
		}},
		{"OneSourceIsHeldByEverybodyAndNoOther", func(t *testing.T, b ButtonHarness) {
			b.Press(t, "shop-italia", "wrong list")
			for _, replica := range []runner.Button{b.A, b.B} {
				heldWithin(t, replica, "shop-italia", "wrong list")
				heldWithin(t, replica, "acqua-luce", "")
			}
		}},
		{"EverythingIsHeld", func(t *testing.T, b ButtonHarness) {
			b.Press(t, "*", "wrong prices")
			heldWithin(t, b.B, "acqua-luce", "wrong prices")
		}},
		{"WhoLookedJustBeforeHeedsIt", func(t *testing.T, b ButtonHarness) {
			heldWithin(t, b.A, "shop-italia", "")
			b.Press(t, "*", "wrong prices")
			if got := b.A.Held("shop-italia"); !strings.Contains(got, "wrong prices") {
				t.Errorf("it is pressed, and held because %q", got)
			}
		}},
		{"WhatIsReleasedGoesOn", func(t *testing.T, b ButtonHarness) {
			b.Press(t, "*", "wrong prices")
			b.Press(t, "shop-italia", "wrong list")
			heldWithin(t, b.A, "acqua-luce", "wrong prices")
			b.Release(t, "*", "")
			heldWithin(t, b.A, "acqua-luce", "")
			heldWithin(t, b.A, "shop-italia", "wrong list")
		}},
		{"WhoCannotLookTakesItForPressed", func(t *testing.T, b ButtonHarness) {
			heldWithin(t, b.A, "shop-italia", "")
			b.Break(t)
			heldWithin(t, b.A, "shop-italia", "nobody can say")
			heldWithin(t, b.B, "shop-italia", "")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, open(t))
		})
	}
}

// heldWithin wants a source to be held with these words, or with none not to be,
// within a second and the time of one look.
func heldWithin(t *testing.T, b runner.Button, source, words string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Second + lookTakes)
	for {
		got := b.Held(source)
		if got == "" && words == "" || words != "" && strings.Contains(got, words) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("after a second %s is held because %q, want %q", source, got, words)
		}
	}
}

// lookTakes is how long one look may take on a busy machine, also one in vain.
const lookTakes = 3 * time.Second
