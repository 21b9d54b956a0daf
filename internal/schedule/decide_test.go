package schedule_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/calendar"
	"github.com/staffetta-io/staffetta/internal/schedule"
)

// testdata/decisions.txt is every policy × every situation as a table: a daily
// schedule at 09:00, what has happened, and what is decided. -rewrite writes
// it; its diff is the review.
func TestDecisions(t *testing.T) {
	t.Parallel()
	type policy struct {
		overlap schedule.Overlap
		catchUp schedule.CatchUp
	}
	policies := []policy{
		{schedule.SkipOverlap, schedule.CatchUpNone}, {schedule.SkipOverlap, schedule.CatchUpLast},
		{schedule.Queue, schedule.CatchUpNone}, {schedule.Queue, schedule.CatchUpLast}, {schedule.Queue, schedule.CatchUpAll},
	}
	var b strings.Builder
	b.WriteString("# Every policy × every situation: a daily schedule at 09:00 UTC, caught up with within 30h,\n# worth sending for 48h. Written by `go test ./internal/schedule -rewrite`.\n")
	for _, situation := range situations {
		fmt.Fprintf(&b, "\n%s\n", situation.name)
		for _, p := range policies {
			s := monday()
			s.ID, s.Zone, s.Weekdays = "daily", "UTC", nil
			s.Overlap, s.CatchUp, s.ExpiresAfter = p.overlap, p.catchUp, calendar.Duration(48*time.Hour)
			if p.catchUp != schedule.CatchUpNone {
				s.CatchUpWithin = calendar.Duration(30 * time.Hour)
			}
			r, err := schedule.New(s, "anna", at(t, "2026-11-22T12:00:00Z"))
			if err != nil {
				t.Fatal(err)
			}
			r = r.Decide(schedule.Facts{Now: at(t, "2026-11-22T12:00:00Z"), Ended: true}).Next
			fmt.Fprintf(&b, "  overlap %-6s catch up %-5s → %s\n", p.overlap, p.catchUp, situation.live(t, r))
		}
	}
	golden(t, "decisions.txt", b.String())
}

// situations are lives of a schedule whose first occurrence is on the 23rd.
var situations = []struct {
	name string
	live func(*testing.T, schedule.Record) string
}{
	{"too early", func(t *testing.T, r schedule.Record) string {
		_, said := decide(t, r, "2026-11-23T08:59:59.999Z", true)
		return said
	}},
	{"due", func(t *testing.T, r schedule.Record) string {
		_, said := decide(t, r, "2026-11-23T09:00:00Z", true)
		return said
	}},
	{"due, and decided again before it was delivered", func(t *testing.T, r schedule.Record) string {
		r, _ = decide(t, r, "2026-11-23T09:00:00Z", true)
		_, said := decide(t, r, "2026-11-23T09:00:01Z", false)
		return said
	}},
	{"ten minutes late: a restart", func(t *testing.T, r schedule.Record) string {
		_, said := decide(t, r, "2026-11-23T09:10:00Z", true)
		return said
	}},
	{"due, and the previous campaign has not ended", func(t *testing.T, r schedule.Record) string {
		r, _ = decide(t, r, "2026-11-23T09:00:00Z", true)
		_, said := decide(t, r, "2026-11-24T09:00:00Z", false)
		return said
	}},
	{"an hour later it has ended", func(t *testing.T, r schedule.Record) string {
		r, _ = decide(t, r, "2026-11-23T09:00:00Z", true)
		r, _ = decide(t, r, "2026-11-24T09:00:00Z", false)
		_, said := decide(t, r, "2026-11-24T10:00:00Z", true)
		return said
	}},
	{"it does not end for three days", func(t *testing.T, r schedule.Record) string {
		r, _ = decide(t, r, "2026-11-23T09:00:00Z", true)
		r, _ = decide(t, r, "2026-11-24T09:00:00Z", false)
		r, _ = decide(t, r, "2026-11-25T09:00:00Z", false)
		_, said := decide(t, r, "2026-11-26T09:00:00Z", false)
		return said
	}},
	{"an outage of three hours", func(t *testing.T, r schedule.Record) string {
		_, said := decide(t, r, "2026-11-23T12:00:00Z", true)
		return said
	}},
	{"an outage of three days, ended at 12:00", func(t *testing.T, r schedule.Record) string {
		_, said := decide(t, r, "2026-11-26T12:00:00Z", true)
		return said
	}},
	{"an outage of three days, ended at 09:05", func(t *testing.T, r schedule.Record) string {
		_, said := decide(t, r, "2026-11-26T09:05:00Z", true)
		return said
	}},
	{"paused over three days, then resumed", func(t *testing.T, r schedule.Record) string {
		r = r.Pause("berta", at(t, "2026-11-22T13:00:00Z"))
		r, said := decide(t, r, "2026-11-22T13:00:00Z", true)
		if said != "nothing" && said != "never again" {
			t.Errorf("a paused schedule decides: %s", said)
		}
		r = r.Resume("berta", at(t, "2026-11-25T12:00:00Z"))
		_, said = decide(t, r, "2026-11-25T12:00:00Z", true)
		return fmt.Sprintf("%s; left out before: %d", said, r.LeftOut)
	}},
	{"due and not decided when somebody moves it to 10:00", func(t *testing.T, r schedule.Record) string {
		s := r.Schedule
		s.At = 10 * 60
		r, err := r.Change(s, "berta", at(t, "2026-11-23T09:30:00Z"))
		if err != nil {
			t.Fatal(err)
		}
		_, said := decide(t, r, "2026-11-23T09:30:00Z", true)
		return fmt.Sprintf("%s; left out before: %d", said, r.LeftOut)
	}},
	{"after its last date", func(t *testing.T, r schedule.Record) string {
		s := r.Schedule
		s.End = calendar.Date{Year: 2026, Month: 11, Day: 23}
		r, err := r.Change(s, "berta", at(t, "2026-11-22T12:00:00Z"))
		if err != nil {
			t.Fatal(err)
		}
		_, said := decide(t, r, "2026-11-23T09:00:00Z", true)
		return said
	}},
}

// decide decides and says in words what was decided.
func decide(t *testing.T, r schedule.Record, now string, ended bool) (schedule.Record, string) {
	t.Helper()
	d := r.Decide(schedule.Facts{Now: at(t, now), Ended: ended})
	var words []string
	if d.Fire != nil {
		words = append(words, fmt.Sprintf("ask for %s until %s", d.Fire.ID, d.Fire.ExpiresAt.Format("02T15:04")))
	}
	for _, s := range d.Skip {
		words = append(words, fmt.Sprintf("leave out %s (%s)", strings.TrimPrefix(s.ID, "daily-"), s.Reason))
	}
	if n := len(d.Next.Waiting); n > 0 {
		words = append(words, fmt.Sprintf("%d waiting", n))
	}
	switch {
	case d.Next.Wake.IsZero():
		words = append(words, "never again")
	case d.Save:
		words = append(words, "wake at "+d.Next.Wake.Format("02T15:04"))
	}
	if len(words) == 0 {
		words = append(words, "nothing")
	}
	return reload(t, d.Next), strings.Join(words, ", ")
}

func TestDecide(t *testing.T) {
	t.Parallel()
	begin := func(t *testing.T, set func(*schedule.Schedule)) schedule.Record {
		s := monday()
		set(&s)
		r, err := schedule.New(s, "anna", at(t, "2026-11-22T12:00:00Z"))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}

	t.Run("AsksWithTheRequestAsItWasDecided", func(t *testing.T) {
		t.Parallel()
		r := begin(t, func(*schedule.Schedule) {})
		r, _ = decide(t, r, "2026-11-23T08:00:00Z", true)
		other := monday()
		other.Request = []byte(`{"name":"Another"}`)
		r, err := r.Change(other, "berta", at(t, "2026-11-23T08:00:01Z"))
		if err != nil {
			t.Fatal(err)
		}
		if r.Owed == nil || strings.Contains(string(r.Owed.Request), "Another") {
			t.Errorf("what was owed became %+v", r.Owed)
		}
	})

	t.Run("LetsOnlySoManyWait", func(t *testing.T) {
		t.Parallel()
		r := begin(t, func(s *schedule.Schedule) {
			s.Weekdays, s.Overlap, s.ExpiresAfter = nil, schedule.Queue, calendar.Duration(31*24*time.Hour)
			s.CatchUp, s.CatchUpWithin = schedule.CatchUpAll, s.ExpiresAfter-calendar.Duration(time.Hour)
		})
		r, _ = decide(t, r, "2026-11-23T08:00:00Z", true)
		r.Waiting = nil
		for range 40 {
			r.Waiting = append(r.Waiting, schedule.Occurrence{ID: "x", At: at(t, "2026-11-23T08:00:00Z")})
		}
		r.Waiting = r.Waiting[:32]
		_, said := decide(t, r, "2026-11-24T08:00:00Z", false)
		if want := "leave out monday-reminder-20261124T0900 (crowded), 32 waiting"; !strings.Contains(said, want) {
			t.Errorf("it decides: %s\nwant %s", said, want)
		}
	})

	t.Run("TellsOfATimeThatItsDaySkips", func(t *testing.T) {
		t.Parallel()
		s := monday()
		s.Weekdays, s.At, s.MissingTime = nil, 2*60+30, schedule.SkipMissing
		r, err := schedule.New(s, "anna", at(t, "2027-03-27T12:00:00Z"))
		if err != nil {
			t.Fatal(err)
		}
		_, said := decide(t, r, "2027-03-28T01:30:00Z", true)
		if want := "leave out monday-reminder-20270328T0230 (no_such_time), wake at 29T00:30"; said != want {
			t.Errorf("it decides: %s\nwant %s", said, want)
		}
	})

	t.Run("WaitsTenMinutesForAListAndTellsThatThereIsNone", func(t *testing.T) {
		t.Parallel()
		r := begin(t, func(*schedule.Schedule) {})
		lacking := func(instant string) schedule.Decision {
			return r.Decide(schedule.Facts{Now: at(t, instant), Ended: true, Lacks: "the list is of last week"})
		}
		first := lacking("2026-11-23T08:00:00Z")
		if first.Fire != nil || len(first.Skip) > 0 || !first.Next.Wake.Equal(at(t, "2026-11-23T08:01:00Z")) {
			t.Errorf("at its instant: %+v, want a look a minute later", first)
		}
		r = reload(t, first.Next)
		if d := r.Decide(schedule.Facts{Now: at(t, "2026-11-23T08:09:00Z"), Ended: true}); d.Fire == nil {
			t.Errorf("a list has come: %+v, want it asked for", d)
		}
		late := lacking("2026-11-23T08:10:00Z")
		if late.Fire != nil || len(late.Skip) != 1 || late.Skip[0].Reason != schedule.TooOld || late.Skip[0].Why != "the list is of last week" || len(late.Next.Untold) != 1 {
			t.Errorf("ten minutes later: %+v, want it left out, and owed as an event", late)
		}
		if d := late.Next.Decide(schedule.Facts{Now: at(t, "2026-11-23T08:10:01Z"), Ended: true}); !d.Save || d.Next.Untold != nil || d.Next.LeftOut != 1 {
			t.Errorf("once it is told: %+v, want that saved", d)
		}
	})

	t.Run("OwesNoEventOfWhatPeopleCause", func(t *testing.T) {
		t.Parallel()
		r := begin(t, func(*schedule.Schedule) {})
		r = r.Pause("berta", at(t, "2026-11-23T07:00:00Z")).Resume("berta", at(t, "2026-12-01T07:00:00Z"))
		if r.LeftOut != 2 || r.Untold != nil {
			t.Errorf("left out %d, owed %+v, want 2 and none", r.LeftOut, r.Untold)
		}
	})

	t.Run("ChangesNothingItIsGiven", func(t *testing.T) {
		t.Parallel()
		r := begin(t, func(s *schedule.Schedule) { s.Overlap = schedule.Queue })
		r, _ = decide(t, r, "2026-11-23T08:00:00Z", true)
		r, _ = decide(t, r, "2026-11-30T08:00:00Z", false)
		before := reload(t, r)
		decide(t, r, "2026-12-25T08:00:00Z", true)
		r.Resume("berta", at(t, "2026-12-25T08:00:00Z"))
		if after := reload(t, r); fmt.Sprintf("%+v", after) != fmt.Sprintf("%+v", before) {
			t.Errorf("it became %+v, was %+v", after, before)
		}
	})

	t.Run("IsNotMisledByASlowClock", func(t *testing.T) {
		t.Parallel()
		r := begin(t, func(*schedule.Schedule) {})
		r, _ = decide(t, r, "2026-11-23T08:00:00Z", true)
		r, _ = decide(t, r, "2026-11-23T08:00:01Z", false)
		d := r.Decide(schedule.Facts{Now: at(t, "2026-11-23T07:59:58Z"), Ended: true})
		if d.Save || d.Fire != nil || !d.Next.Decided.Equal(r.Decided) {
			t.Errorf("a slow replica decides %+v", d)
		}
	})
}

// The metric of what is left out has every reason.
func TestReasonsAreAllThatAreDecided(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("record.go")
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Concat(schedule.Reasons, []schedule.Reason{schedule.WhenPaused, schedule.Changed})
	declared := regexp.MustCompile(`Reason += "(\w+)"`).FindAllStringSubmatch(string(file), -1)
	if len(declared) != len(want) {
		t.Errorf("%d reasons are declared, %d are in a list", len(declared), len(want))
	}
	for _, m := range declared {
		if !slices.Contains(want, schedule.Reason(m[1])) {
			t.Errorf("%s is in no list", m[1])
		}
	}
}
