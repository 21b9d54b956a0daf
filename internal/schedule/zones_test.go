package schedule_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/calendar"
	"github.com/staffetta-io/staffetta/internal/calendar/calendartest"
	"github.com/staffetta-io/staffetta/internal/schedule"
)

func TestMain(m *testing.M) { calendartest.Main(m) }

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// change is one transition of a zone.
type change struct {
	at            int64 // Unix seconds
	before, after int   // offsets in seconds
}

// changes finds every transition from one instant to another, to the second,
// by looking and halving. It knows no periods, no rules and no calendar.
func changes(loc *time.Location, from, to time.Time) (list []change) {
	type clock struct {
		name   string
		offset int
	}
	look := func(unix int64) (c clock) {
		c.name, c.offset = time.Unix(unix, 0).In(loc).Zone()
		return c
	}
	const step = 12 * 3600
	for a := from.Unix(); a < to.Unix(); a += step {
		b := a + step
		if look(a) == look(b) {
			continue
		}
		lo, hi := a, b
		for hi-lo > 1 {
			if mid := lo + (hi-lo)/2; look(mid) == look(lo) {
				lo = mid
			} else {
				hi = mid
			}
		}
		list = append(list, change{at: hi, before: look(lo).offset, after: look(hi).offset})
	}
	return list
}

// clocks is what a clock on the wall shows in the days around a transition:
// for each minute of local time, the instants at which it is shown.
type clocks struct {
	from int64 // the first minute
	at   [][]int64
}

// watch reads the clock minute by minute.
func watch(loc *time.Location, around int64) clocks {
	const days = 3 * 86400
	from := around - around%60 - days
	c := clocks{from/60 - 24*60, make([][]int64, 2*days/60+2*24*60)}
	all := make([]int64, 2*days/60)
	for i := range all {
		at := from + int64(i)*60
		_, offset := time.Unix(at, 0).In(loc).Zone()
		all[i] = at
		list := &c.at[(at+int64(offset))/60-c.from]
		if *list == nil {
			*list = all[i : i+1 : i+1]
		} else {
			*list = append(*list, at)
		}
	}
	return c
}

// shown are the instants at which a wall time is shown.
func (c clocks) shown(wall int64) []int64 { return c.at[wall/60-c.from] }

// policies are the four ways to deal with clock changes.
var policies = []schedule.Schedule{
	{MissingTime: schedule.Shift, RepeatedTime: schedule.First},
	{MissingTime: schedule.Shift, RepeatedTime: schedule.LastOfBoth},
	{MissingTime: schedule.SkipMissing, RepeatedTime: schedule.First},
	{MissingTime: schedule.SkipMissing, RepeatedTime: schedule.LastOfBoth},
}

// past has the changes of the years that are over walked, too: many more of them, and nobody
// schedules anything there.
var past = flag.Bool("past", false, "walk the changes of clocks from 1973 on")

// Every transition of every zone from 2026 to 2036: daily schedules at the
// times of day around it, compared with what a clock on the wall shows. The
// years before are walked with -past: they hold what governments can think of.
func TestEveryTransitionOfEveryZone(t *testing.T) {
	t.Parallel()
	t.Run("2026To2036", func(t *testing.T) {
		t.Parallel()
		walkTransitions(t, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2037, 1, 1, 0, 0, 0, 0, time.UTC), policies)
	})
	t.Run("1973To2026", func(t *testing.T) {
		t.Parallel()
		if !*past {
			t.Skip("skipped: two hundred thousand schedules of years that are over; run go test ./internal/schedule -run TestEveryTransitionOfEveryZone -past")
		}
		// Before, some offsets have seconds.
		walkTransitions(t, time.Date(1973, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), policies[1:3])
	})
}

func walkTransitions(t *testing.T, from, to time.Time, policies []schedule.Schedule) {
	zones, transitions, checked := 0, 0, 0
	same := map[string]int{} // transitions, by the rules: many zones are another's second name
	for _, name := range calendartest.Every(t) {
		loc := zone(t, name)
		zones++
		rules, err := os.ReadFile(filepath.Join(os.Getenv("ZONEINFO"), name))
		if err != nil {
			t.Fatal(err)
		}
		if n, walked := same[string(rules)]; walked {
			transitions += n
			continue
		}
		before := transitions
		for _, c := range changes(loc, from, to) {
			transitions++
			shown := watch(loc, c.at)
			for _, at := range timesAround(c) {
				for _, s := range policies {
					s.Key = schedule.Key{Source: "test", ID: "daily"}
					s.Zone, s.At = name, at
					s = s.WithDefaults()
					if err := aroundTheChange(s, shown, c); err != nil {
						t.Fatalf("%s, change at %s from %+d to %+d, daily at %s, missing %s, repeated %s:\n%v", name,
							time.Unix(c.at, 0).UTC().Format(time.RFC3339), c.before, c.after, at, s.MissingTime, s.RepeatedTime, err)
					}
					checked++
				}
			}
		}
		same[string(rules)] = transitions - before
	}
	t.Logf("%d zones, %d different; %d transitions; %d schedules around them", zones, len(same), transitions, checked)
}

// timesAround are the times of day worth looking at: the edges of what is
// skipped or repeated, its middle, and a time that is neither.
func timesAround(c change) []calendar.Clock {
	clock := func(wall int) calendar.Clock { return calendar.Clock((wall/60%1440 + 1440) % 1440) }
	first, second := int(c.at)+c.before, int(c.at)+c.after // the wall before and after the change
	low, high := min(first, second), max(first, second)
	times := []calendar.Clock{clock(low - 60), clock(low), clock((low + high) / 2), clock(high - 60), clock(high)}
	if noon := calendar.Clock(12 * 60); times[2] != noon {
		times = append(times, noon)
	}
	return times
}

// aroundTheChange compares the occurrences of three days with the clocks.
func aroundTheChange(s schedule.Schedule, shown clocks, c change) error {
	const day = 86400
	type want struct {
		local string
		at    int64
	}
	var wants []want
	for d := -1; d <= 1; d++ {
		// A date on the line of local dates, whether the zone has it or not.
		middle := time.Unix(c.at+int64(c.before), 0).UTC()
		date := time.Date(middle.Year(), middle.Month(), middle.Day()+d, 0, int(s.At), 0, 0, time.UTC)
		local, found := date.Format("2006-01-02T15:04"), shown.shown(date.Unix())
		switch {
		case len(found) == 0 && (s.MissingTime == schedule.SkipMissing || c.after-c.before >= day):
			continue
		case len(found) == 0:
			wants = append(wants, want{local, date.Unix() - int64(c.before)})
		case s.RepeatedTime == schedule.LastOfBoth:
			wants = append(wants, want{local, found[len(found)-1]})
		default:
			wants = append(wants, want{local, found[0]})
		}
	}
	got := s.Next(time.Unix(wants[0].at-1, 0), len(wants))
	for i, w := range wants {
		switch {
		case i >= len(got):
			return fmt.Errorf("there is no occurrence for %s", w.local)
		case got[i].Local != w.local || got[i].At.Unix() != w.at:
			return fmt.Errorf("got %s at %s, want %s at %s", got[i].Local, got[i].At.Format(time.RFC3339), w.local, time.Unix(w.at, 0).UTC().Format(time.RFC3339))
		case i > 0 && !got[i].At.After(got[i-1].At):
			return fmt.Errorf("%s is not after %s", got[i].ID, got[i-1].ID)
		}
	}
	return nil
}
