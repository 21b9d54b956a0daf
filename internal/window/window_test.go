package window_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/staffetta-io/staffetta/internal/calendar"
	"github.com/staffetta-io/staffetta/internal/calendar/calendartest"
	"github.com/staffetta-io/staffetta/internal/window"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/explain.txt anew")

func TestMain(m *testing.M) { calendartest.Main(m) }

// example is the file that we ship.
func example(t testing.TB) window.Policy {
	t.Helper()
	data, err := os.ReadFile("../../policies/example-it.json")
	if err != nil {
		t.Fatal(err)
	}
	p, err := window.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// always is a policy that never shuts by itself.
func always(zone string, change func(map[string]any)) string {
	open := map[string]any{}
	for _, d := range []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"} {
		open[d] = []string{"00:00-24:00"}
	}
	version := map[string]any{
		"effective": "2020-01-01", "open": open,
		"sources": []any{map[string]any{"url": "https://rules.example/sms", "says": "so", "read": "2026-11-23"}},
	}
	if change != nil {
		change(version)
	}
	data, err := json.Marshal(map[string]any{"schema": 1, "name": "test", "about": "a test", "zone": zone, "versions": []any{version}})
	if err != nil {
		panic(err)
	}
	return string(data)
}

func read(t testing.TB, text string) window.Policy {
	t.Helper()
	p, err := window.Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// in reads a local time.
func in(t interface{ Fatal(...any) }, zone, s string) time.Time {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	v, err := time.ParseInLocation("2006-01-02 15:04", s, loc)
	if err != nil {
		t.Fatal(err)
	}
	return v.UTC()
}

// testdata/explain.txt is what people are told, case by case.
func TestExplain(t *testing.T) {
	t.Parallel()
	italy := example(t)
	night := read(t, always("Europe/Rome", func(v map[string]any) {
		v["open"] = map[string]any{"saturday": []string{"22:00-24:00"}, "sunday": []string{"00:00-05:00"}}
	}))
	split := read(t, always("Europe/Rome", func(v map[string]any) {
		v["open"] = map[string]any{"monday": []string{"09:00-12:30", "15:00-18:00"}, "tuesday": []string{"09:00-12:30"}}
	}))
	var b strings.Builder
	b.WriteString("# What people are told. Written by `go test ./internal/window -rewrite`.\n")
	for _, at := range []string{"2025-10-04 10:00", "2026-11-27 08:00"} {
		fmt.Fprintf(&b, "\n## what is behind it at %s\n%s", at, italy.Provenance(in(t, "Europe/Rome", at)))
	}
	for _, c := range []struct {
		about  string
		policy window.Policy
		from   string
		takes  time.Duration
	}{
		{"at once", italy, "2026-11-27 08:00", 20 * time.Minute},
		{"a minute too early", italy, "2026-11-27 07:59", 20 * time.Minute},
		{"it fits to the minute", italy, "2026-11-27 21:40", 20 * time.Minute},
		{"it does not fit by a minute", italy, "2026-11-27 21:41", 20 * time.Minute},
		{"Saturday evening: Sunday is in between", italy, "2026-11-28 21:50", time.Hour},
		{"Christmas Eve: two holidays and a Sunday are in between", italy, "2026-12-24 22:00", time.Hour},
		{"Easter Monday", italy, "2027-03-29 10:00", time.Hour},
		{"4 October 2027 is a holiday since 2026", italy, "2027-10-04 10:00", time.Hour},
		{"4 October 2025 was none", italy, "2025-10-04 10:00", time.Hour},
		{"longer than any window", italy, "2026-11-27 08:00", 15 * time.Hour},
		{"before the policy holds", italy, "2024-11-01 08:00", time.Hour},
		{"the night is an hour shorter when clocks go forward: 6 hours do not last from 22:00 to 05:00", night, "2027-03-27 22:00", 6*time.Hour + 30*time.Minute},
		{"the night is an hour longer when clocks go back: 8 hours last from 22:00 to 05:00", night, "2026-10-24 20:00", 8 * time.Hour},
		{"a lunch break", split, "2026-11-30 11:00", 2 * time.Hour},
		{"longer than what is left of the morning and than the afternoon", split, "2026-11-30 11:00", 3*time.Hour + 15*time.Minute},
	} {
		from := in(t, c.policy.Zone, c.from)
		_, why, err := c.policy.Open(from, c.takes)
		fmt.Fprintf(&b, "\n## %s\n%s", c.about, c.policy.Explain(from, c.takes))
		switch {
		case err != nil:
			fmt.Fprintf(&b, "error: %v\n", err)
		case why == "":
			b.WriteString("why: -\n")
		default:
			fmt.Fprintf(&b, "why: %s\n", why)
		}
	}
	const file = "testdata/explain.txt"
	if *rewrite {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s (-file +now); -rewrite writes it anew:\n%s", file, diff)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	t.Run("NeverIsAnErrorOfItsOwn", func(t *testing.T) {
		t.Parallel()
		p := example(t)
		_, _, err := p.Open(in(t, "Europe/Rome", "2026-11-27 08:00"), 24*time.Hour)
		if _, ok := errors.AsType[*window.NoOpeningError](err); !ok {
			t.Errorf("got %v", err)
		}
	})
	t.Run("WaitsForTheFirstVersion", func(t *testing.T) {
		t.Parallel()
		p := example(t)
		start, why, err := p.Open(in(t, "Europe/Rome", "2024-12-30 12:00"), time.Hour)
		if want := in(t, "Europe/Rome", "2025-01-02 08:00"); err != nil || !start.Equal(want) || !strings.Contains(why, "holds from 2025-01-01 on") {
			t.Errorf("%s, %q, %v; want %s", start, why, err, want)
		}
	})
	t.Run("KnowsEveryEasterUntil2040", func(t *testing.T) {
		t.Parallel()
		p := read(t, always("UTC", func(v map[string]any) {
			v["holidays"] = []any{map[string]any{"day": "easter", "name": "Easter"}}
		}))
		for day := range strings.FieldsSeq("2021-04-04 2022-04-17 2023-04-09 2024-03-31 2025-04-20 2026-04-05 2027-03-28 2028-04-16 2029-04-01 2030-04-21 " +
			"2031-04-13 2032-03-28 2033-04-17 2034-04-09 2035-03-25 2036-04-13 2037-04-05 2038-04-25 2039-04-10 2040-04-01") {
			start, _, err := p.Open(in(t, "UTC", day+" 00:00"), time.Minute)
			if want := in(t, "UTC", day+" 00:00").AddDate(0, 0, 1); err != nil || !start.Equal(want) {
				t.Errorf("%s: opens at %s (%v), want %s", day, start, err, want)
			}
		}
	})

	// The answer is compared with a clock that is read minute by minute.
	t.Run("IsTheFirstInstantFromWhichEveryMinuteIsOpen", rapid.MakeCheck(func(t *rapid.T) {
		zone := rapid.SampledFrom([]string{"UTC", "Europe/Rome", "America/Havana", "Australia/Lord_Howe", "America/Nuuk", "Antarctica/Troll"}).Draw(t, "zone")
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		open := map[string][]string{}
		var shut [7][24 * 60]bool
		for d := range 7 {
			var hours []string
			// Edges where clocks jump, and anywhere.
			edge := rapid.OneOf(rapid.IntRange(0, 24*60), rapid.SampledFrom([]int{0, 30, 60, 119, 120, 150, 179, 180, 1380, 1410, 1439, 1440}))
			edges := rapid.SliceOfNDistinct(edge, 0, 6, rapid.ID).Draw(t, "edges")
			slices.Sort(edges)
			for i := 0; i+1 < len(edges); i += 2 {
				to := calendar.Clock(edges[i+1]).String() // 24:00 is said so
				hours = append(hours, calendar.Clock(edges[i]).String()+"-"+to)
				for m := edges[i]; m < edges[i+1]; m++ {
					shut[d][m] = true // open, for now
				}
			}
			if hours != nil {
				open[calendar.Weekday(d).String()] = hours
			}
			for m := range shut[d] {
				shut[d][m] = !shut[d][m]
			}
		}
		if len(open) == 0 {
			t.Skip("never open")
		}
		p := func() window.Policy {
			p, err := window.Read([]byte(always(zone, func(v map[string]any) { v["open"] = open })))
			if err != nil {
				t.Fatal(err)
			}
			return p
		}()
		// The days before the clock changes of these zones.
		day := rapid.SampledFrom([]string{"2026-03-08", "2026-03-28", "2026-03-29", "2026-04-04", "2026-10-03", "2026-10-24", "2026-10-25", "2026-10-31", "2026-11-01", "2026-12-24"}).Draw(t, "day")
		from := in(t, "UTC", day+" 00:00").Add(time.Duration(rapid.IntRange(-1440, 1440).Draw(t, "minute")) * time.Minute)
		takes := time.Duration(rapid.IntRange(0, 700).Draw(t, "takes")) * time.Minute

		start, why, err := p.Open(from, takes)
		run, want := time.Duration(0), time.Time{}
		for at := from; at.Before(from.AddDate(0, 0, 20)); at = at.Add(time.Minute) {
			local := at.In(loc)
			if shut[local.Weekday()][local.Hour()*60+local.Minute()] {
				run = 0
				continue
			}
			run += time.Minute
			if run >= max(takes, time.Minute) {
				want = at.Add(time.Minute - run)
				break
			}
		}
		switch {
		case want.IsZero() && err == nil:
			t.Fatalf("opens at %s, and it never does", start)
		case want.IsZero():
		case err != nil || !start.Equal(want):
			t.Fatalf("from %s for %s: opens at %s (%v), want %s", from, takes, start, err, want)
		case (why == "") != start.Equal(from):
			t.Fatalf("it waits from %s until %s, and says %q", from, start, why)
		}
	}))
}

func TestRead(t *testing.T) {
	t.Parallel()
	set := func(key string, value any) string {
		return always("Europe/Rome", func(v map[string]any) { v[key] = value })
	}
	for _, test := range []struct{ name, text, want string }{
		{"RefusesAFieldItDoesNotKnow", set("colour", "blue"), `unknown field "colour"`},
		{"RefusesAnUnknownZone", always("Europe/Roma", nil), "did you mean Europe/Rome?"},
		{"RefusesANewerSchema", strings.Replace(always("UTC", nil), `"schema":1`, `"schema":2`, 1), "schema 2: this version knows schema 1"},
		{"RefusesARuleWithoutASource", set("sources", []any{}), "versions[0].sources: there is none: say where the rule was read"},
		{"RefusesASourceThatNobodyCanCheck", set("sources", []any{map[string]any{"url": "https://rules.example", "says": "so"}}), "want url, says and read"},
		{"RefusesARuleWithoutADate", set("effective", "1.1.2026"), `"1.1.2026" is not a date`},
		{"RefusesHoursOverMidnight", set("open", map[string]any{"monday": []string{"22:00-06:00"}}), "over midnight, write two"},
		{"RefusesHoursThatOverlap", set("open", map[string]any{"monday": []string{"08:00-12:00", "11:00-18:00"}}), "begins before 08:00-12:00 ends"},
		{"RefusesADayThatIsNone", set("open", map[string]any{"lundi": []string{"08:00-12:00"}}), `"lundi" is not a day of the week`},
		{"RefusesAPolicyThatNeverOpens", set("open", map[string]any{}), "no day is open"},
		{"RefusesAHolidayThatIsNoDay", set("holidays", []any{map[string]any{"day": "02-30", "name": "x"}}), `day "02-30": want month-day`},
		{"RefusesAHolidayByEasterWithoutASign", set("holidays", []any{map[string]any{"day": "easter1", "name": "x"}}), `day "easter1"`},
		{"RefusesTwoPoliciesInAFile", always("UTC", nil) + always("UTC", nil), "one file holds one policy"},
		{"RefusesAPolicyOfNothing", `{}`, "name: want letters"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, err := window.Read([]byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v\nwant one with %q", err, test.want)
			}
		})
	}
	t.Run("WritesWhatItRead", func(t *testing.T) {
		t.Parallel()
		p := example(t)
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		again := read(t, string(data))
		if at := in(t, "UTC", "2026-12-24 22:00"); again.Explain(at, time.Hour)+again.Provenance(at) != p.Explain(at, time.Hour)+p.Provenance(at) {
			t.Error("it became another policy")
		}
	})
}
