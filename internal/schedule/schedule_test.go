package schedule_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/calendar"
	"github.com/staffetta-io/staffetta/internal/calendar/calendartest"
	"github.com/staffetta-io/staffetta/internal/schedule"
)

var rewrite = flag.Bool("rewrite", false, "write testdata anew")

// monday is Studio Bianchi's reminder: every Monday at 09:00 Europe/Rome.
func monday() schedule.Schedule {
	return schedule.Schedule{
		Key:     schedule.Key{Source: "studio-bianchi", ID: "monday-reminder"},
		Request: json.RawMessage(`{"name":"Promemoria","sender":"Bianchi","text":"A domani!","contactListId":"87"}`),
		Zone:    "Europe/Rome", At: 9 * 60, Weekdays: []calendar.Weekday{calendar.Weekday(time.Monday)},
	}
}

// at reads an instant, or fails.
func at(t testing.TB, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v.UTC()
}

// lines is a schedule's next occurrences, a line each.
func lines(s schedule.Schedule, after time.Time, n int) (list []string) {
	for _, o := range s.Next(after, n) {
		line := o.ID + " " + o.At.Format(time.RFC3339)
		if o.Note != "" {
			line += " " + o.Note
		}
		list = append(list, line)
	}
	return list
}

func TestNext(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		set   func(*schedule.Schedule)
		after string
		want  []string
	}{
		{"KeepsTheLocalTimeOverAClockChange", nil, "2026-10-12T00:00:00Z", []string{
			"monday-reminder-20261012T0900 2026-10-12T07:00:00Z",
			"monday-reminder-20261019T0900 2026-10-19T07:00:00Z",
			"monday-reminder-20261026T0900 2026-10-26T08:00:00Z",
		}},
		{"LeavesOutTheInstantItBeginsAt", nil, "2026-11-30T08:00:00Z", []string{
			"monday-reminder-20261207T0900 2026-12-07T08:00:00Z",
		}},
		{"ShiftsATimeThatIsSkipped", func(s *schedule.Schedule) { s.Weekdays, s.At = nil, 2*60+30 }, "2027-03-26T12:00:00Z", []string{
			"monday-reminder-20270327T0230 2027-03-27T01:30:00Z",
			"monday-reminder-20270328T0230 2027-03-28T01:30:00Z 02:30 does not come on this day: shifted to 03:30",
			"monday-reminder-20270329T0230 2027-03-29T00:30:00Z",
		}},
		{"SkipsATimeThatIsSkipped", func(s *schedule.Schedule) { s.Weekdays, s.At, s.MissingTime = nil, 2*60+30, schedule.SkipMissing }, "2027-03-26T12:00:00Z", []string{
			"monday-reminder-20270327T0230 2027-03-27T01:30:00Z",
			"monday-reminder-20270329T0230 2027-03-29T00:30:00Z",
		}},
		{"TakesTheFirstOfARepeatedTime", func(s *schedule.Schedule) { s.Weekdays, s.At = nil, 2*60+30 }, "2026-10-24T12:00:00Z", []string{
			"monday-reminder-20261025T0230 2026-10-25T00:30:00Z 02:30 comes twice on this day: the first",
			"monday-reminder-20261026T0230 2026-10-26T01:30:00Z",
		}},
		{"TakesTheLastOfARepeatedTime", func(s *schedule.Schedule) {
			s.Weekdays, s.At, s.RepeatedTime = nil, 2*60+30, schedule.LastOfBoth
		}, "2026-10-24T12:00:00Z", []string{
			"monday-reminder-20261025T0230 2026-10-25T01:30:00Z 02:30 comes twice on this day: the last",
			"monday-reminder-20261026T0230 2026-10-26T01:30:00Z",
		}},
		{"ShiftsPastMidnight", func(s *schedule.Schedule) { s.Weekdays, s.At, s.Zone = nil, 23*60+30, "America/Nuuk" }, "2027-03-27T12:00:00Z", []string{
			"monday-reminder-20270327T2330 2027-03-28T01:30:00Z 23:30 does not come on this day: shifted to 00:30",
			"monday-reminder-20270328T2330 2027-03-29T00:30:00Z",
		}},
		{"FindsYesterdaysThatWasShiftedPastMidnight", func(s *schedule.Schedule) { s.Weekdays, s.At, s.Zone = nil, 23*60+30, "America/Nuuk" }, "2027-03-28T01:15:00Z", []string{
			"monday-reminder-20270327T2330 2027-03-28T01:30:00Z 23:30 does not come on this day: shifted to 00:30",
		}},
		{"LeavesOutADayThatAZoneSkipped", func(s *schedule.Schedule) { s.Weekdays, s.Zone = nil, "Pacific/Apia" }, "2011-12-29T00:00:00Z", []string{
			"monday-reminder-20111229T0900 2011-12-29T19:00:00Z",
			"monday-reminder-20111231T0900 2011-12-30T19:00:00Z",
		}},
		{"KnowsTheLastDayOfEveryMonth", func(s *schedule.Schedule) { s.Weekdays, s.Days = nil, []calendar.Day{calendar.Last} }, "2028-01-01T00:00:00Z", []string{
			"monday-reminder-20280131T0900 2028-01-31T08:00:00Z",
			"monday-reminder-20280229T0900 2028-02-29T08:00:00Z",
			"monday-reminder-20280331T0900 2028-03-31T07:00:00Z",
			"monday-reminder-20280430T0900 2028-04-30T07:00:00Z",
		}},
		{"PassesOverMonthsWithoutTheDay", func(s *schedule.Schedule) { s.Weekdays, s.Days = nil, []calendar.Day{1, 31} }, "2027-01-20T00:00:00Z", []string{
			"monday-reminder-20270131T0900 2027-01-31T08:00:00Z",
			"monday-reminder-20270201T0900 2027-02-01T08:00:00Z",
			"monday-reminder-20270301T0900 2027-03-01T08:00:00Z",
			"monday-reminder-20270331T0900 2027-03-31T07:00:00Z",
			"monday-reminder-20270401T0900 2027-04-01T07:00:00Z",
		}},
		{"WaitsEightYearsForALeapDay", func(s *schedule.Schedule) {
			s.Weekdays, s.Days, s.Start = nil, []calendar.Day{29}, calendar.Date{Year: 2097, Month: 2, Day: 1}
			s.End = calendar.Date{Year: 2097, Month: 2, Day: 28}
		}, "2096-03-01T00:00:00Z", nil},
		{"KeepsToStartAndEnd", func(s *schedule.Schedule) {
			s.Start, s.End = calendar.Date{Year: 2026, Month: 12, Day: 7}, calendar.Date{Year: 2026, Month: 12, Day: 14}
		}, "2026-01-01T00:00:00Z", []string{
			"monday-reminder-20261207T0900 2026-12-07T08:00:00Z",
			"monday-reminder-20261214T0900 2026-12-14T08:00:00Z",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := monday()
			if test.set != nil {
				test.set(&s)
			}
			n := max(len(test.want), 1)
			if !s.End.IsZero() {
				n = 100
			}
			if diff := cmp.Diff(test.want, lines(s.WithDefaults(), at(t, test.after), n)); diff != "" {
				t.Errorf("the calendar (-want +got):\n%s", diff)
			}
		})
	}
}

// Where clocks go back at midnight, a day has two midnights and 25 hours. A
// schedule that looks for the next midnight by adding to the last one finds
// the same midnight again, and again.
func TestTheDayOfTwoMidnights(t *testing.T) {
	t.Parallel()
	s := monday()
	s.Zone, s.At, s.Weekdays = "America/Havana", 0, nil
	want := []string{
		"monday-reminder-20261031T0000 2026-10-31T04:00:00Z",
		"monday-reminder-20261101T0000 2026-11-01T04:00:00Z 00:00 comes twice on this day: the first",
		"monday-reminder-20261102T0000 2026-11-02T05:00:00Z",
	}
	if diff := cmp.Diff(want, lines(s.WithDefaults(), at(t, "2026-10-30T12:00:00Z"), 3)); diff != "" {
		t.Errorf("the calendar (-want +got):\n%s", diff)
	}
	r, err := schedule.New(s, "anna", at(t, "2026-10-30T12:00:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	r = r.Decide(schedule.Facts{Now: r.Wake, Ended: true}).Next
	for _, id := range []string{"20261031", "20261101", "20261102", "20261103"} {
		d := r.Decide(schedule.Facts{Now: r.Wake, Ended: true})
		if d.Fire == nil || d.Fire.ID != "monday-reminder-"+id+"T0000" {
			t.Fatalf("at %s it asks for %+v, want that of %s", r.Wake, d.Fire, id)
		}
		r = d.Next
	}
}

// Ten years of midnights in every zone: one for each date, none twice.
func TestEveryMidnightOfEveryZone(t *testing.T) {
	t.Parallel()
	from, to := calendar.Date{Year: 2026, Month: 1, Day: 1}, calendar.Date{Year: 2035, Month: 12, Day: 31}
	const dates = 3652
	total := 0
	walked := map[string]bool{} // by the rules: many zones are another's second name
	for _, name := range calendartest.Every(t) {
		rules, err := os.ReadFile(filepath.Join(os.Getenv("ZONEINFO"), name))
		if err != nil {
			t.Fatal(err)
		}
		if walked[string(rules)] {
			continue
		}
		walked[string(rules)] = true
		s := monday()
		s.Zone, s.At, s.Weekdays, s.Start, s.End = name, 0, nil, from, to
		list := s.WithDefaults().Next(at(t, "2025-12-01T00:00:00Z"), dates+1)
		if len(list) != dates {
			t.Fatalf("%s has %d midnights in %d dates", name, len(list), dates)
		}
		ids := map[string]bool{}
		for i, o := range list {
			if ids[o.ID] || i > 0 && !o.At.After(list[i-1].At) {
				t.Fatalf("%s: %s at %s after %s", name, o.ID, o.At, list[i-1].At)
			}
			ids[o.ID] = true
		}
		total += len(list)
	}
	t.Logf("%d midnights", total)
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		set  func(*schedule.Schedule)
		want string // in the error; empty: none
	}{
		{"AcceptsEveryMonday", func(s *schedule.Schedule) {}, ""},
		{"RefusesASourceThatIsNoToken", func(s *schedule.Schedule) { s.Source = "studio bianchi" }, `source "studio bianchi": character ' ' is not allowed`},
		{"RefusesAnIDThatLeavesNoRoom", func(s *schedule.Schedule) { s.ID = strings.Repeat("x", 41) }, "want 1 to 40 characters, got 41"},
		{"RefusesNoRequest", func(s *schedule.Schedule) { s.Request = nil }, "request: there is none: give the campaign to ask for"},
		{"RefusesNoZone", func(s *schedule.Schedule) { s.Zone = "" }, `zone "": there is none: give an IANA name`},
		{"RefusesTheMachinesZone", func(s *schedule.Schedule) { s.Zone = "Local" }, `zone "Local": there is no such zone`},
		{"RefusesAPathAsAZone", func(s *schedule.Schedule) { s.Zone = "../../etc/passwd" }, "there is no such zone"},
		{"RefusesACommentAsAZone", func(s *schedule.Schedule) { s.Zone = "#" }, "there is no such zone"},
		{"NamesTheZoneOfACity", func(s *schedule.Schedule) { s.Zone = "Rome" }, "did you mean Europe/Rome?"},
		{"NamesTheZoneOfACityInItsOwnLanguage", func(s *schedule.Schedule) { s.Zone = "Europe/Roma" }, "did you mean Europe/Rome?"},
		{"NamesTheZoneInSmallLetters", func(s *schedule.Schedule) { s.Zone = "europe/rome" }, "did you mean Europe/Rome?"},
		{"NamesTheZoneWithABlank", func(s *schedule.Schedule) { s.Zone = "America/New York" }, "did you mean America/New_York?"},
		{"RefusesATimeAfterMidnight", func(s *schedule.Schedule) { s.At = 1440 }, "at: 1440 minutes after midnight"},
		{"RefusesWeekdaysAndDays", func(s *schedule.Schedule) { s.Days = []calendar.Day{13} }, "set one, or make two schedules"},
		{"RefusesADayNoMonthHas", func(s *schedule.Schedule) { s.Weekdays, s.Days = nil, []calendar.Day{32} }, "days: there is no day 32: want 1 to 31, or last"},
		{"RefusesAnEndBeforeItsStart", func(s *schedule.Schedule) {
			s.Start, s.End = calendar.Date{Year: 2027, Month: 2, Day: 1}, calendar.Date{Year: 2027, Month: 1, Day: 31}
		}, "end 2027-01-31: it is before start 2027-02-01: swap them"},
		{"RefusesAnUnknownPolicy", func(s *schedule.Schedule) { s.Overlap = "allow" }, `overlap "allow": want one of ["skip" "queue"]`},
		{"RefusesACatchUpWithoutALimit", func(s *schedule.Schedule) { s.CatchUp = schedule.CatchUpLast }, "catch_up_within: catch_up last needs a limit"},
		{"RefusesALimitWithoutACatchUp", func(s *schedule.Schedule) { s.CatchUpWithin = calendar.Duration(time.Hour) }, "catch_up_within 1h: nothing is caught up with"},
		{"RefusesToCatchUpWithWhatHasExpired", func(s *schedule.Schedule) {
			s.CatchUp, s.CatchUpWithin = schedule.CatchUpLast, calendar.Duration(24*time.Hour)
		}, "catch_up_within 24h: it is not less than expires_after 24h"},
		{"RefusesToCatchUpWithAllAndSkipAllButOne", func(s *schedule.Schedule) {
			s.CatchUp, s.CatchUpWithin = schedule.CatchUpAll, calendar.Duration(time.Hour)
		}, "set overlap to queue, or catch_up to last"},
		{"RefusesAnExpiryThatIsOverAtOnce", func(s *schedule.Schedule) { s.ExpiresAfter = calendar.Duration(10 * time.Minute) }, "expires_after 10m: want more than 10m and at most 744h"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := monday()
			test.set(&s)
			err := s.Validate()
			switch {
			case test.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got error %v\nwant one with %q", err, test.want)
			}
		})
	}

	t.Run("SaysEverythingAtOnce", func(t *testing.T) {
		t.Parallel()
		err := schedule.Schedule{Zone: "Rome", At: -1}.Validate()
		if err == nil || len(strings.Split(err.Error(), "\n")) != 5 {
			t.Errorf("want source, id, request, zone and at, got:\n%v", err)
		}
	})

	t.Run("RefusesAScheduleThatNeverComes", func(t *testing.T) {
		t.Parallel()
		s := monday()
		s.Weekdays, s.Days = nil, []calendar.Day{30}
		s.Start, s.End = calendar.Date{Year: 2027, Month: 2, Day: 1}, calendar.Date{Year: 2027, Month: 2, Day: 28}
		if _, err := schedule.New(s, "anna", at(t, "2026-11-23T00:00:00Z")); err == nil || !strings.Contains(err.Error(), "it has no occurrence after 2026-11-23T00:00:00Z") {
			t.Errorf("got %v", err)
		}
	})
}

// The record is read by people, and by the next version.
func TestRecordAsJSON(t *testing.T) {
	t.Parallel()
	s := monday()
	s.Start, s.CatchUp, s.CatchUpWithin = calendar.Date{Year: 2026, Month: 11, Day: 1}, schedule.CatchUpLast, calendar.Duration(6*time.Hour)
	r, err := schedule.New(s, "anna", at(t, "2026-10-20T10:00:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	r = r.Decide(schedule.Facts{Now: at(t, "2026-11-10T10:00:00Z"), Ended: true}).Next
	r = r.Decide(schedule.Facts{Now: at(t, "2026-11-16T08:00:00Z"), Ended: true}).Next
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "record.json", string(data)+"\n")
	reload(t, r)
}

// golden compares with a file of testdata, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-file +now); -rewrite writes it anew:\n%s", name, diff)
	}
}
