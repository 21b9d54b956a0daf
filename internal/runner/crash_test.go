package runner_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// run lives the life with something wrong at the points named, and returns
// the points it passed.
func (l crashCase) run(t *testing.T, breaks map[int]failure) (seen []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, l.rules)
		s.ports.breaks = breaks
		if l.set != nil {
			l.set(s)
		}
		l.live(s)
		seen = s.ports.points()

		story := func() string { return describePoints(seen, breaks) }
		c := s.record()
		want, expected := l.ends[c.State]
		if !expected {
			t.Fatalf("it ends as %q (%s)\n%s", c.State, c.Waiting, story())
		}
		n := s.gateway.Messages(list)
		for _, l := range s.gateway.SeenLists() {
			n += s.gateway.Messages(l.ID)
			if !l.Gone || len(l.Phones) > 3 {
				t.Errorf("list %d is gone: %t; of three people it has %v\n%s", l.ID, l.Gone, l.Phones, story())
			}
		}
		for _, p := range c.Proofs {
			if n := s.journal.Messages(p.Key(key)); len(c.Proofs) != 1 || n != 1 {
				t.Errorf("%d proofs are known, and %d requests of one are in the stream\n%s", len(c.Proofs), n, story())
			}
		}
		if _, err := s.claims.Claim(t.Context(), campaign.DefaultAccount, *s.another("last", "+393331234501,C1", "+393331234502,C2", "+393331234503,C3")); err != nil {
			t.Errorf("its people are still held: %v\n%s", err, story())
		}
		if left := s.people.Left(key); left != 0 {
			t.Errorf("%d recipients are still kept\n%s", left, story())
		}
		if n != want {
			t.Errorf("it ends as %s and each phone got %d messages, want %d\n%s", c.State, n, want, story())
		}
		effective := 0
		for _, seen := range s.gateway.Seen() {
			effective += seen.Confirms
		}
		if effective > 1 {
			t.Errorf("%d confirms took effect\n%s", effective, story())
		}
		if s.gateway.Harmed() {
			t.Errorf("somebody else's campaign was changed\n%s", story())
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
		usage, err := s.budgets.UsageOfAll(t.Context(), c.ChargedAt(), 1)
		if err != nil || s.ports.budgeted && len(usage) != 1 {
			t.Fatalf("usage %v, error %v", usage, err)
		}
		for _, u := range usage {
			if !u.Spent.Amount.Equal(c.Cost().Amount) || u.Open > 0 {
				t.Errorf("it cost %s, and the budget has %s of it, and %d reservations\n%s", c.Cost(), u.Spent, u.Open, story())
			}
		}
		if n := s.journal.Armed(key); n != 0 {
			t.Errorf("%d timers are left\n%s", n, story())
		}
	})
	return seen
}

// complete says which event of a final record was not published.
func complete(c campaign.Campaign, events []campaign.Event) error {
	have := map[campaign.EventType]int{}
	for _, e := range events {
		have[e.Type]++
	}
	want := map[campaign.EventType]int{campaign.EventAudiencePrepared: c.PreparedN, campaign.EventCostCalculated: c.Quotes, campaign.EventStats: c.StatsN, campaign.EventUnresolved: c.UnresolvedN}
	if c.Confirmed != nil {
		want[campaign.EventConfirmed] = 1
	}
	switch c.State {
	case campaign.Rejected, campaign.Cancelled, campaign.Failed:
		want[campaign.EventType(c.State)] = 1
	}
	for event, n := range want {
		if have[event] != n {
			return fmt.Errorf("the record told %d %s, the stream has %d", n, event, have[event])
		}
	}
	return nil
}

// describePoints is what was passed, and what went wrong there.
func describePoints(seen []string, breaks map[int]failure) string {
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
	for _, l := range slices.Concat(crashCases, peopleCases) {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			points := l.run(t, nil)
			if diff := cmp.Diff(splitPoints(l.points), points); diff != "" {
				t.Fatalf("the story passes other points than listed (-listed +passed):\n%s", diff)
			}
			walked := 0
			for i := range points {
				for _, what := range failures {
					l.run(t, map[int]failure{i: what})
					walked++
					if t.Failed() {
						t.Fatalf("broken at %d (%s): %s", i, points[i], what)
					}
				}
			}
			t.Logf("%d points × %d ways = %d stories", len(points), len(failures), walked)
		})
	}
}

// Every call that the runner can make to its ports is made in one of the lives, and
// broken there: each call, each event, each state that is stored. A new one is missing
// here until there is a life with it.
func TestEveryCallHasACrashPoint(t *testing.T) {
	t.Parallel()
	want := map[string]bool{"load": true, "arm": true, "told": true, "asked": true, "ask": true, "open": true, "screen": true, "release": true}
	for _, op := range named(t, "Op") {
		if !slices.Contains(campaign.Ops, campaign.Op(op)) {
			t.Errorf("campaign.Ops lacks %s", op)
		}
		switch op := campaign.Op(op); {
		case op.To() == campaign.ToLedger:
			want[string(op)] = true // which admits every call
		case op == campaign.OpErase, op.To() == campaign.ToPeople:
			want[string(op)] = true
		case op.To() == campaign.ToStreams:
			// its points are the journal's: "told"
		case op == campaign.OpAdmit:
			want["admit confirm"] = true
		default:
			want["admit "+string(op)], want["call "+string(op)] = true, true
		}
	}
	for _, kind := range named(t, "Kind") {
		if !slices.Contains(campaign.Kinds, campaign.Kind(kind)) {
			t.Errorf("campaign.Kinds lacks %s", kind)
		}
	}
	for _, event := range named(t, "EventType") {
		want["publish "+event] = true
	}
	for _, state := range named(t, "State") {
		want["save "+state] = true
	}
	have := map[string]bool{}
	for _, l := range slices.Concat(crashCases, peopleCases) {
		for _, point := range splitPoints(l.points) {
			have[point] = true
		}
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("the lives pass other points than there are (-there are +passed):\n%s", diff)
	}
}

// named are the constants that campaign has of one of its types. They are read from
// its source, so that none can be forgotten in a list.
func named(t *testing.T, typeName string) (values []string) {
	t.Helper()
	files, err := filepath.Glob("../campaign/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			constants, ok := d.(*ast.GenDecl)
			if !ok || constants.Tok != token.CONST {
				continue
			}
			for _, s := range constants.Specs {
				c := s.(*ast.ValueSpec)
				if of, ok := c.Type.(*ast.Ident); !ok || of.Name != typeName {
					continue
				}
				for _, v := range c.Values {
					value, err := strconv.Unquote(v.(*ast.BasicLit).Value)
					if err != nil {
						t.Fatalf("%s: %v", c.Names[0], err)
					}
					values = append(values, value)
				}
			}
		}
	}
	if len(values) == 0 {
		t.Fatalf("campaign has no constant of the type %s", typeName)
	}
	return values
}

// What repairs a crash can itself crash: every pair of a point of the story and a point
// after its first crash.
func TestEveryPairOfCrashPoints(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: thousands of stories; run go test ./internal/runner -run TestEveryPairOfCrashPoints, without -short")
	}
	t.Parallel()
	l := crashCases[0]
	first := l.run(t, nil)
	for _, half := range [][2]int{{0, len(first) / 2}, {len(first) / 2, len(first)}} {
		t.Run(fmt.Sprintf("From%dTo%d", half[0], half[1]), func(t *testing.T) {
			t.Parallel()
			walked := 0
			for i := half[0]; i < half[1]; i++ {
				for _, a := range failures {
					second := len(l.run(t, map[int]failure{i: a}))
					for j := i + 1; j < second; j++ {
						for _, b := range failures {
							l.run(t, map[int]failure{i: a, j: b})
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

// opens is a send window that opens at an instant, and stays open.
type opens time.Time

func (o opens) Open(from time.Time, _ time.Duration) (time.Time, string, error) {
	if at := time.Time(o); from.Before(at) {
		return at, "it opens at " + at.Format(time.RFC3339), nil
	}
	return from, "", nil
}
