package calendar

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Weekday is a day of the week; as text it is "monday".
type Weekday time.Weekday

func (w Weekday) String() string { return strings.ToLower(time.Weekday(w).String()) }

// ParseWeekday reads a day's English name, or its first three letters.
func ParseWeekday(s string) (Weekday, error) {
	for w := time.Sunday; w <= time.Saturday; w++ {
		if name := w.String(); strings.EqualFold(s, name) || strings.EqualFold(s, name[:3]) {
			return Weekday(w), nil
		}
	}
	return 0, fmt.Errorf("%q is not a day of the week: want monday, tuesday … sunday", s)
}

func (w Weekday) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

func (w *Weekday) UnmarshalText(b []byte) (err error) {
	*w, err = ParseWeekday(string(b))
	return err
}

// Day is a day of the month, 1 to 31, or Last.
type Day int

// Last is the last day of a month, whichever it is.
const Last Day = -1

func (d Day) String() string {
	if d == Last {
		return "last"
	}
	return strconv.Itoa(int(d))
}

// ParseDay reads what String writes.
func ParseDay(s string) (Day, error) {
	if s == "last" {
		return Last, nil
	}
	if n, err := strconv.Atoi(s); err == nil && n >= 1 && n <= 31 {
		return Day(n), nil
	}
	return 0, fmt.Errorf("%q is not a day of the month: want 1 to 31, or last", s)
}

func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

func (d *Day) UnmarshalText(b []byte) (err error) {
	*d, err = ParseDay(string(b))
	return err
}
