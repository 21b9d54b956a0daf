package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Moments as people write them.

// momentForms says how a moment is written.
const momentForms = "write 2026-11-27 08:00, today 08:00, tomorrow 08:00 or 2026-11-27T08:00:00+01:00"

// past reads a moment that has been: 90m, 24h or 7d ago, the beginning of a day, or an
// instant.
func past(text string, zone *time.Location, now time.Time) (time.Time, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		if _, err := fmt.Sscanf(days+" .", "%d .", &n); err == nil && n >= 0 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	if day, err := dayNamed(text, zone, now); err == nil {
		return day, nil
	}
	at, err := moment(text, zone, now)
	if err != nil {
		return at, fmt.Errorf("%q is no moment: write 90m, 24h, 7d, today, yesterday, 2026-11-27 or 2026-11-27T08:00:00+01:00", text)
	}
	return at, nil
}

// moment reads an instant: with its offset, or as a day and a time in a zone. The zone
// stands behind it, as in "tomorrow 08:00 Europe/Rome", or is the one that is given; nil:
// there is none. A local time that the clocks leave out, or show twice, is an error.
func moment(text string, zone *time.Location, now time.Time) (time.Time, error) {
	for _, form := range []string{time.RFC3339Nano, "2006-01-02 15:04Z07:00", "2006-01-02 15:04:05Z07:00"} {
		if at, err := time.Parse(form, text); err == nil {
			return at, nil
		}
	}
	said := text
	if day := len(time.DateOnly); len(said) > day && said[day] == 'T' {
		said = said[:day] + " " + said[day+1:]
	}
	parts := strings.Fields(said)
	if len(parts) == 3 {
		loc, err := time.LoadLocation(parts[2])
		if err != nil || parts[2] == "Local" || parts[2] == "" {
			return time.Time{}, fmt.Errorf("%q: %q is no time zone: write UTC or a name as Europe/Rome", text, parts[2])
		}
		zone, parts = loc, parts[:2]
	}
	if len(parts) != 2 {
		return time.Time{}, fmt.Errorf("%q is no moment: %s", text, momentForms)
	}
	clock, err := time.Parse("15:04", parts[1])
	if err != nil {
		clock, err = time.Parse("15:04:05", parts[1])
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("%q: %q is no time of day: write 08:00", text, parts[1])
	}
	if zone == nil {
		return time.Time{}, fmt.Errorf("%q says no time zone: write %s Europe/Rome", text, strings.Join(parts, " "))
	}
	day, err := dayNamed(parts[0], zone, now)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q: %w", text, err)
	}
	return wallTime(day, clock, zone, text)
}

// wallTime is a time of day in a zone, on one day.
func wallTime(day, clock time.Time, zone *time.Location, text string) (time.Time, error) {
	at := time.Date(day.Year(), day.Month(), day.Day(), clock.Hour(), clock.Minute(), clock.Second(), 0, zone)
	wall := func(t time.Time) string { return t.Format("15:04:05") }
	if wall(at) != wall(clock) {
		return at, fmt.Errorf("%q: the clocks of %s leave that time out on that day", text, zone)
	}
	for _, other := range []time.Time{at.Add(-time.Hour), at.Add(-30 * time.Minute), at.Add(30 * time.Minute), at.Add(time.Hour)} {
		if wall(other) == wall(at) {
			return at, fmt.Errorf("%q comes twice in %s, when the clocks go back: write %s or %s", text, zone, at.Format(time.RFC3339), other.Format(time.RFC3339))
		}
	}
	return at, nil
}

// dayNamed is the beginning of a day: 2026-11-27, today, tomorrow or yesterday.
func dayNamed(text string, zone *time.Location, now time.Time) (time.Time, error) {
	if zone == nil {
		zone = time.UTC
	}
	today := now.In(zone)
	more := 0
	switch text {
	case "today":
	case "tomorrow":
		more = 1
	case "yesterday":
		more = -1
	default:
		day, err := time.ParseInLocation(time.DateOnly, text, zone)
		if err != nil {
			return day, errors.New(`"` + text + `" is no day: write 2026-11-27, today or tomorrow`)
		}
		return day, nil
	}
	return time.Date(today.Year(), today.Month(), today.Day()+more, 0, 0, 0, 0, zone), nil
}
