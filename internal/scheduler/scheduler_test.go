package scheduler_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/calendar"
	"github.com/staffetta-io/staffetta/internal/schedule"
)

// daily is every day at 09:00 UTC. Bubbles begin at midnight of 2000-01-01.
func daily() schedule.Schedule {
	return schedule.Schedule{Key: key, Request: json.RawMessage(`{"name":"Reminder"}`), Zone: "UTC", At: 9 * 60}
}

func (w *harness) add(set func(*schedule.Schedule)) {
	s := daily()
	if set != nil {
		set(&s)
	}
	r, err := schedule.New(s, "anna", time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(r)
}

// until lets time pass.
func until(t string) {
	at, err := time.Parse("2006-01-02T15:04", t)
	if err != nil {
		panic(err)
	}
	time.Sleep(time.Until(at))
	synctest.Wait()
}

// set changes how the world is while it lives.
func (w *harness) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// wants compares what is in the stream, as "<date> at <time asked>".
func (w *harness) wants(want ...string) {
	w.t.Helper()
	var got []string
	for _, r := range w.asked {
		got = append(got, strings.TrimSuffix(strings.TrimPrefix(r.id, "daily-"), "T0900")+" at "+r.at.Format("02T15:04"))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("asked for (-want +got):\n%s\n%s", diff, w.transcript())
	}
}

func (w *harness) transcript() string {
	var b strings.Builder
	for i, point := range w.points {
		fmt.Fprintf(&b, "  %3d %s", i, point)
		if what, ok := w.failures[i]; ok {
			fmt.Fprintf(&b, "   ← %s", what)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// crashCase is a story whose every point is broken in every way, and must end as if
// nothing had happened.
type crashCase struct {
	name   string
	live   func(*harness)
	points string // the calls of the undisturbed story
	want   []string
	out    int // how many are left out
}

var crashCases = []crashCase{
	{
		name: "ThreeDays",
		live: func(w *harness) { w.add(nil); until("2000-01-03T10:00") },
		points: `load, save, arm,
			load, save, ask daily-20000101T0900, save, arm,
			load, ended, save, ask daily-20000102T0900, save, arm,
			load, ended, save, ask daily-20000103T0900, save, arm`,
		want: []string{"20000101 at 01T09:00", "20000102 at 02T09:00", "20000103 at 03T09:00"},
	},
	{
		name: "UntilItsLastDate",
		live: func(w *harness) {
			w.add(func(s *schedule.Schedule) { s.End = calendar.Date{Year: 2000, Month: 1, Day: 1} })
			until("2000-01-09T10:00")
			if r := w.record(); !r.Wake.IsZero() || r.Owed != nil || len(w.timers) > 0 {
				w.t.Errorf("it does not rest: wake %s, owed %v, %d timers", r.Wake, r.Owed, len(w.timers))
			}
		},
		points: `load, save, arm, load, save, ask daily-20000101T0900, save`,
		want:   []string{"20000101 at 01T09:00"},
	},
	{
		name: "CampaignsOfTwentyFiveHoursInAQueue",
		live: func(w *harness) {
			w.takes = 24*time.Hour + 90*time.Second
			w.add(func(s *schedule.Schedule) { s.Overlap = schedule.Queue })
			until("2000-01-02T10:00")
		},
		points: `load, save, arm,
			load, save, ask daily-20000101T0900, save, arm,
			load, ended, save, arm,
			load, ended, save, arm,
			load, ended, save, ask daily-20000102T0900, save, arm`,
		want: []string{"20000101 at 01T09:00", "20000102 at 02T09:02"},
	},
	{
		name: "ADayWithoutAList",
		live: func(w *harness) {
			w.named, w.lacks = true, "the newest list is too old"
			w.add(nil)
			until("2000-01-01T08:00")
			w.set(func() { w.points = nil })
			until("2000-01-01T12:00")
			w.set(func() { w.lacks = "" })
			until("2000-01-02T10:00")
			if !slices.Equal(w.told, []string{"daily-20000101T0900"}) {
				w.t.Errorf("told to be left out are %v\n%s", w.told, w.transcript())
			}
		},
		points: strings.Repeat("load, lacks, save, arm, ", 10) + `load, lacks, save,
			tell daily-20000101T0900, lacks, save, arm,
			load, lacks, save, ask daily-20000102T0900, lacks, save, arm`,
		want: []string{"20000102 at 02T09:00"},
		out:  1,
	},
	{
		name: "TwoDaysOfOutageCaughtUpWith",
		live: func(w *harness) {
			s := daily()
			s.Overlap, s.CatchUp, s.ExpiresAfter = schedule.Queue, schedule.CatchUpAll, calendar.Duration(72*time.Hour)
			s.CatchUpWithin = calendar.Duration(71 * time.Hour)
			r, err := schedule.New(s, "anna", time.Now())
			if err != nil {
				w.t.Fatal(err)
			}
			until("2000-01-02T12:00")
			w.takes = time.Minute
			w.write(r)
			until("2000-01-02T13:00")
		},
		points: `load, save, ask daily-20000101T0900, save, arm,
			load, ended, save, ask daily-20000102T0900, save, arm`,
		want: []string{"20000101 at 02T12:00", "20000102 at 02T12:01"},
	},
}

// run lives the life with something wrong at the points named, and returns
// the points it passed. Minutes may differ from the undisturbed story: a
// worker that died is noticed after a while.
func (l crashCase) run(t *testing.T, breaks map[int]failure) (seen []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := open(t)
		w.failures = breaks
		l.live(w)
		if len(breaks) == 0 {
			w.wants(l.want...)
		}
		var ids, want []string
		for _, r := range w.asked {
			ids = append(ids, r.id)
			if late := time.Duration(r.at.Minute()) * time.Minute; late > 4*time.Minute {
				t.Errorf("%s is asked for at %s\n%s", r.id, r.at, w.transcript())
			}
		}
		for _, line := range l.want {
			date, _, _ := strings.Cut(line, " ")
			want = append(want, "daily-"+date+"T0900")
		}
		if !slices.Equal(ids, want) {
			t.Errorf("asked for %v, want %v\n%s", ids, want, w.transcript())
		}
		if r := w.record(); r.Fired != len(want) || r.LeftOut != l.out || r.Untold != nil || r.Owed != nil {
			t.Errorf("the record counts %d asked for, %d left out, owes %v\n%s", r.Fired, r.LeftOut, r.Owed, w.transcript())
		}
		seen = w.points
	})
	return seen
}

// Every call of a full story fails in every way, once. The list of points is
// part of the test: a call that is new must be added to it, and is then broken
// like the others.
func TestEveryCrashPoint(t *testing.T) {
	t.Parallel()
	for _, l := range crashCases {
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

// What repairs a crash can itself crash.
func TestEveryPairOfCrashPoints(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: thousands of stories; run go test ./internal/scheduler -run TestEveryPairOfCrashPoints, without -short")
	}
	t.Parallel()
	for _, l := range crashCases {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			walked := 0
			for i := range l.run(t, nil) {
				for _, a := range failures {
					for j := i + 1; j < len(l.run(t, map[int]failure{i: a})); j++ {
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

func TestHandle(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T, *harness){
		"LeavesOutWhatOverlaps": func(t *testing.T, w *harness) {
			w.takes = 30 * time.Hour
			w.add(nil)
			until("2000-01-04T10:00")
			w.wants("20000101 at 01T09:00", "20000103 at 03T09:00")
			if !slices.Equal(w.leftOut, []schedule.Reason{schedule.Overlapped, schedule.Overlapped}) {
				t.Errorf("told of %v, want two overlaps", w.leftOut)
			}
			if r := w.record(); r.LeftOut != 2 || r.Skipped[0].Reason != schedule.Overlapped {
				t.Errorf("left out: %+v", r.Skipped)
			}
		},
		"GivesUpARequestThatCanNeverBeAskedForAndGoesOn": func(t *testing.T, w *harness) {
			w.unaskable = true
			w.add(nil)
			until("2000-01-01T12:00")
			w.set(func() { w.unaskable = false })
			until("2000-01-02T12:00")
			w.wants("20000102 at 02T09:00")
			r := w.record()
			if r.Fired != 1 || r.LeftOut != 1 || r.Skipped[0].Reason != schedule.Unaskable || !strings.Contains(r.Skipped[0].Why, "text: must not be empty") {
				t.Errorf("asked for %d, left out %+v", r.Fired, r.Skipped)
			}
		},
		"OfARemovedScheduleRests": func(t *testing.T, w *harness) {
			w.add(nil)
			w.set(func() { w.data = nil })
			until("2000-01-03T10:00")
			w.wants()
		},
		"RestsWhilePausedAndGoesOnAfterwards": func(t *testing.T, w *harness) {
			w.add(nil)
			until("2000-01-01T12:00")
			w.write(w.record().Pause("berta", time.Now()))
			until("2000-01-03T12:00")
			if len(w.timers) > 1 {
				t.Errorf("%d timers are armed", len(w.timers))
			}
			w.write(w.record().Resume("berta", time.Now()))
			until("2000-01-04T12:00")
			w.wants("20000101 at 01T09:00", "20000104 at 04T09:00")
		},
		"SetsNoTimerForWhatHasBecomeDueMeanwhile": func(t *testing.T, w *harness) {
			w.takes = 24*time.Hour + 90*time.Second
			w.add(func(s *schedule.Schedule) { s.Overlap = schedule.Queue })
			until("2000-01-01T12:00")
			w.set(func() { w.slow = 70 * time.Second }) // longer than the pause between two looks at what waits
			until("2000-01-02T12:00")
			w.wants("20000101 at 01T09:00", "20000102 at 02T09:03")
		},
		"TwoReplicasAskOnce": func(t *testing.T, w *harness) {
			w.add(nil)
			go func() { time.Sleep(9 * time.Hour); w.deliver() }()
			go func() { time.Sleep(9 * time.Hour); w.deliver() }()
			until("2000-01-01T10:00")
			w.wants("20000101 at 01T09:00")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(t, open(t)) })
		})
	}
}
