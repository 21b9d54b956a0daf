package cli

import (
	"strings"
	"testing"
	"time"
)

func TestMoments(t *testing.T) {
	t.Parallel()
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 30, 23, 30, 0, 0, time.UTC) // in Rome it is 1 December
	for _, tt := range []struct {
		text string
		zone *time.Location
		want string // an instant in UTC, or a part of the error
	}{
		{"2026-12-24T08:00:00+01:00", nil, "2026-12-24T07:00:00Z"},
		{"2026-12-24 08:00+01:00", nil, "2026-12-24T07:00:00Z"},
		{"2026-12-24 08:00 Europe/Rome", nil, "2026-12-24T07:00:00Z"},
		{"2026-12-24T08:00 Europe/Rome", nil, "2026-12-24T07:00:00Z"},
		{"tomorrow 08:00 Europe/Rome", nil, "2026-12-02T07:00:00Z"},
		{"tomorrow 08:00 UTC", nil, "2026-12-01T08:00:00Z"},
		{"today 08:00", rome, "2026-12-01T07:00:00Z"},
		{"tomorrow 08:00", nil, `"tomorrow 08:00" says no time zone: write tomorrow 08:00 Europe/Rome`},
		{"tomorrow 9am", rome, `"9am" is no time of day: write 08:00`},
		{"tomorrow 08:00 Rome", nil, `"Rome" is no time zone: write UTC or a name as Europe/Rome`},
		{"someday 08:00", rome, `"someday" is no day: write 2026-11-27, today or tomorrow`},
		{"soon", rome, `"soon" is no moment: write 2026-11-27 08:00, `},
		{"2026-03-29 02:30", rome, "the clocks of Europe/Rome leave that time out on that day"},
		{"2026-10-25 02:30", rome, "comes twice in Europe/Rome, when the clocks go back: write 2026-10-25T02:30:00+0"},
	} {
		at, err := moment(tt.text, tt.zone, now)
		got := at.UTC().Format(time.RFC3339)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, tt.want) {
			t.Errorf("%q is %s, want %s", tt.text, got, tt.want)
		}
	}
	for text, want := range map[string]string{
		"90m": "2026-11-30T22:00:00Z", "7d": "2026-11-23T23:30:00Z", "today": "2026-11-30T23:00:00Z", "yesterday": "2026-11-29T23:00:00Z",
		"2026-11-27": "2026-11-26T23:00:00Z", "2026-11-27 09:00": "2026-11-27T08:00:00Z", "2026-11-27T08:00:00Z": "2026-11-27T08:00:00Z",
	} {
		if at, err := past(text, rome, now); err != nil || at.UTC().Format(time.RFC3339) != want {
			t.Errorf("%q was %s (%v), want %s", text, at, err, want)
		}
	}
	if _, err := past("xd", rome, now); err == nil {
		t.Error("xd is a moment")
	}
}
