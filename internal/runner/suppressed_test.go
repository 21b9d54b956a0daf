package runner_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Who is suppressed at any moment before the intent gets nothing, and the others get what they
// were to get. Who is suppressed after it gets it: that is what the order says.
func TestWhoIsSuppressedBeforeTheIntentGetsNothing(t *testing.T) {
	t.Parallel()
	const phone = "+393331234502"
	points := []string{"prepare", "call list", "open", "admit upload", "call upload", "call count", "call create", "call calculate", "call price", "screen", "admit confirm", "save confirming"}
	for _, point := range points {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := open(t, soonCleared)
				s.ports.before = s.suppressedAt(point, phone)
				s.request(s.toItsOwn())
				s.rest()
				if c := s.record(); c.State != campaign.Completed {
					t.Fatalf("it ends as %s: %s", c.State, c.Waiting)
				}
				want := []string{"+393331234501", "+393331234503"}
				if point == "save confirming" {
					want = []string{"+393331234501", phone, "+393331234503"}
				}
				var got []string
				for _, l := range s.gateway.SeenLists() {
					if s.gateway.Messages(l.ID) == 0 {
						continue
					}
					for number := range l.Phones {
						got = append(got, number)
					}
				}
				if slices.Sort(got); !slices.Equal(got, want) {
					t.Errorf("sent to %v, want %v", got, want)
				}
			})
		})
	}
}
