package runner_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// life is a full story whose every point is broken in every way.
type life struct {
	name string
	set  func(*service) // how the gateway is; nil: well
	live func(*service)

	// points are the calls of the undisturbed story. A new call of the runner
	// changes the list, and so gets broken too.
	points string
	// ends are the states in which the story may end, and how many messages
	// each phone has got then.
	ends map[campaign.State]int
}

var lives = []life{
	{
		name: "Immediate",
		live: func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, save completed`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		name: "ConfirmLostThenAnotherDraft",
		set: func(s *service) {
			confirms := 0
			s.gateway.Fault = func(call campaign.Call) runnertest.Fault {
				if call.Op == campaign.OpConfirm {
					if confirms++; confirms == 1 {
						return runnertest.Fault{Break: runnertest.Lost}
					}
				}
				return runnertest.Fault{}
			}
		},
		live: func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, admit status, call status, save confirming, arm,
			load, admit status, call status, save abandoning, admit delete, call delete,
			admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, save completed`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		name: "ScheduledThenCancelled",
		live: func(s *service) {
			r := blackFriday()
			r.At = time.Now().Add(48 * time.Hour)
			s.request(r)
			time.Sleep(24 * time.Hour)
			s.cancel()
			s.rest()
		},
		points: `load, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, save confirmed, arm,
			load, save cancelling, admit delete, call delete, save cancelled, publish cancelled, save cancelled,
			load`,
		ends: map[campaign.State]int{campaign.Cancelled: 0},
	},
	{
		name: "NoCreditAtTheConfirm",
		set: func(s *service) {
			s.gateway.Fault = func(call campaign.Call) runnertest.Fault {
				if call.Op == campaign.OpConfirm {
					return runnertest.Fault{Break: runnertest.Refused, HTTP: 402}
				}
				return runnertest.Fault{}
			}
		},
		live: func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, admit status, call status, save confirming, arm,
			load, admit status, call status, save rejecting, admit delete, call delete, save rejected, publish rejected, save rejected`,
		ends: map[campaign.State]int{campaign.Rejected: 0},
	},
	{
		name: "TheGatewaySaysFailed",
		set:  func(s *service) { s.gateway.Fails = true },
		live: func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save failed, publish stats, publish failed, save failed`,
		ends: map[campaign.State]int{campaign.Failed: 1},
	},
}

// walk lives the life with something wrong at the points named, and returns
// the points it passed.
func (l life) walk(t *testing.T, breaks map[int]wrong) (seen []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.ports.breaks = breaks
		if l.set != nil {
			l.set(s)
		}
		l.live(s)
		seen = s.ports.seen

		story := func() string { return tell(seen, breaks) }
		c := s.record()
		want, expected := l.ends[c.State]
		if !expected {
			t.Fatalf("it ends as %q (%s)\n%s", c.State, c.Waiting, story())
		}
		if n := s.gateway.Messages(list); n != want {
			t.Errorf("it ends as %s and each phone got %d messages, want %d\n%s", c.State, n, want, story())
		}
		effective := 0
		for _, seen := range s.gateway.Seen() {
			effective += seen.Confirms
		}
		if effective > 1 {
			t.Errorf("%d confirms took effect\n%s", effective, story())
		}
		events := s.journal.Events(key)
		if err := runnertest.Orderly(events); err != nil {
			t.Errorf("%v\n%s", err, story())
		}
		if err := complete(c, events); err != nil {
			t.Errorf("%v\n%s", err, story())
		}
		if len(c.Outbox) > 0 {
			t.Errorf("the final record still owes %d events\n%s", len(c.Outbox), story())
		}
		if n := s.journal.Armed(key); n != 0 {
			t.Errorf("%d timers are left\n%s", n, story())
		}
	})
	return seen
}

// complete says which event of a final record the world was not told.
func complete(c campaign.Campaign, events []campaign.Event) error {
	have := map[campaign.EventType]int{}
	for _, e := range events {
		have[e.Type]++
	}
	want := map[campaign.EventType]int{campaign.EventCostCalculated: c.Quotes, campaign.EventStats: c.StatsN}
	if c.Confirmed != nil {
		want[campaign.EventConfirmed] = 1
	}
	switch c.State {
	case campaign.Rejected, campaign.Cancelled, campaign.Failed, campaign.Unresolved:
		want[campaign.EventType(c.State)] = 1
	}
	for event, n := range want {
		if have[event] != n {
			return fmt.Errorf("the record told %d %s, the stream has %d", n, event, have[event])
		}
	}
	return nil
}

// tell is what was passed, and what went wrong there.
func tell(seen []string, breaks map[int]wrong) string {
	var b strings.Builder
	for i, point := range seen {
		fmt.Fprintf(&b, "  %3d %s", i, point)
		if what, ok := breaks[i]; ok {
			fmt.Fprintf(&b, "   ← %s", what)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Every call of a full story fails in every way, once. The list of points is
// part of the test: a call that is new must be added to it, and is then broken
// like the others.
func TestEveryCrashPoint(t *testing.T) {
	t.Parallel()
	for _, l := range lives {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			points := l.walk(t, nil)
			if diff := cmp.Diff(splitPoints(l.points), points); diff != "" {
				t.Fatalf("the story passes other points than listed (-listed +passed):\n%s", diff)
			}
			walked := 0
			for i := range points {
				for _, what := range wrongs {
					l.walk(t, map[int]wrong{i: what})
					walked++
					if t.Failed() {
						t.Fatalf("broken at %d (%s): %s", i, points[i], what)
					}
				}
			}
			t.Logf("%d points × %d ways = %d stories", len(points), len(wrongs), walked)
		})
	}
}

// What repairs a crash can itself crash: every pair of points of the story and
// of what followed upon its first crash.
func TestEveryPairOfCrashPoints(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of stories")
	}
	t.Parallel()
	l := lives[0]
	first := l.walk(t, nil)
	for _, half := range [][2]int{{0, len(first) / 2}, {len(first) / 2, len(first)}} {
		t.Run(fmt.Sprintf("From%dTo%d", half[0], half[1]), func(t *testing.T) {
			t.Parallel()
			walked := 0
			for i := half[0]; i < half[1]; i++ {
				for _, a := range wrongs {
					second := len(l.walk(t, map[int]wrong{i: a}))
					for j := i + 1; j < second; j++ {
						for _, b := range wrongs {
							l.walk(t, map[int]wrong{i: a, j: b})
							walked++
							if t.Failed() {
								t.Fatalf("broken at %d (%s) and at %d (%s)", i, a, j, b)
							}
						}
					}
				}
			}
			t.Logf("%d stories", walked)
		})
	}
}

func splitPoints(list string) []string {
	points := strings.Split(list, ",")
	for i, p := range points {
		points[i] = strings.TrimSpace(p)
	}
	return slices.Clip(points)
}
