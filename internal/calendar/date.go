package calendar

import (
	"fmt"
	"time"
)

// Date is a day of the calendar, without a zone.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf is the date of an instant, in the instant's own location.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// Plus is the date n days later. UTC has no clock changes, so this is the
// calendar's own arithmetic.
func (d Date) Plus(n int) Date {
	return DateOf(time.Date(d.Year, d.Month, d.Day+n, 0, 0, 0, 0, time.UTC))
}

// Before says whether d is an earlier date than o.
func (d Date) Before(o Date) bool { return d.wall(0) < o.wall(0) }

// Weekday is the date's day of the week.
func (d Date) Weekday() Weekday { return Weekday(time.Unix(d.wall(0), 0).UTC().Weekday()) }

// LastOfMonth says whether the month ends with this day.
func (d Date) LastOfMonth() bool { return d.Plus(1).Month != d.Month }

// wall is the local date and time in seconds, as if the zone were UTC. Minus the
// offset in effect it is the instant.
func (d Date) wall(c Clock) int64 {
	return time.Date(d.Year, d.Month, d.Day, 0, int(c), 0, 0, time.UTC).Unix()
}

// IsZero says that there is no date.
func (d Date) IsZero() bool { return d == Date{} }

// String is "2026-11-30".
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// ParseDate reads what String writes.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("%q is not a date: want year-month-day, for example 2026-11-30", s)
	}
	return DateOf(t), nil
}

func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

func (d *Date) UnmarshalText(b []byte) (err error) {
	*d, err = ParseDate(string(b))
	return err
}
