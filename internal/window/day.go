package window

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/calendar"
)

// Hours are a part of a day: from the first time on, before the second.
type Hours struct {
	From, To calendar.Clock
}

// midnight is the end of a day.
const midnight = calendar.Clock(24 * 60)

// String is "08:00-21:00".
func (h Hours) String() string { return h.From.String() + "-" + h.To.String() }

func (h Hours) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

func (h *Hours) UnmarshalText(b []byte) error {
	from, to, _ := strings.Cut(string(b), "-")
	var err error
	if h.From, err = calendar.ParseClock(from); err != nil {
		return fmt.Errorf("hours %q: %w", b, err)
	}
	if h.To = midnight; to != "24:00" {
		if h.To, err = calendar.ParseClock(to); err != nil {
			return fmt.Errorf("hours %q: %w", b, err)
		}
	}
	if h.To <= h.From {
		return fmt.Errorf("hours %q: they end before they begin: over midnight, write two, each on its day", b)
	}
	return nil
}

func (h Hours) has(c calendar.Clock) bool { return h.From <= c && c < h.To }

// YearDay is a day that comes every year, by date ("12-25") or by Easter
// ("easter", "easter+1", "easter-2"), or one that comes once ("2026-12-07").
type YearDay struct {
	date   calendar.Date // Year 0: every year
	easter bool
	after  int // easter: days after it
}

func (y YearDay) String() string {
	switch {
	case y.easter && y.after == 0:
		return "easter"
	case y.easter:
		return fmt.Sprintf("easter%+d", y.after)
	case y.date.Year == 0:
		return fmt.Sprintf("%02d-%02d", y.date.Month, y.date.Day)
	}
	return y.date.String()
}

func (y YearDay) MarshalText() ([]byte, error) { return []byte(y.String()), nil }

func (y *YearDay) UnmarshalText(b []byte) (err error) {
	s := string(b)
	if rest, ok := strings.CutPrefix(s, "easter"); ok {
		*y = YearDay{easter: true}
		if rest != "" {
			y.after, err = strconv.Atoi(rest)
		}
		if err == nil && (rest == "" || strings.ContainsAny(rest[:1], "+-")) {
			return nil
		}
	} else if len(s) == len("12-25") {
		// A leap year, so that 29 February is a day.
		if d, err := calendar.ParseDate("2000-" + s); err == nil {
			*y = YearDay{date: calendar.Date{Month: d.Month, Day: d.Day}}
			return nil
		}
	} else if d, err := calendar.ParseDate(s); err == nil {
		*y = YearDay{date: d}
		return nil
	}
	return fmt.Errorf("day %q: want month-day (12-25), easter, easter+1, or year-month-day", s)
}

func (y YearDay) is(d calendar.Date) bool {
	switch {
	case y.easter:
		return easter(d.Year).Plus(y.after) == d
	case y.date.Year == 0:
		return y.date.Month == d.Month && y.date.Day == d.Day
	}
	return y.date == d
}

// easter is Easter Sunday of the Gregorian calendar, by the rule that Meeus
// gives as anonymous.
func easter(year int) calendar.Date {
	a, b, c := year%19, year/100, year%100
	h := (19*a + b - b/4 - (b-(b+8)/25+1)/3 + 15) % 30
	l := (32 + 2*(b%4) + 2*(c/4) - h - c%4) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return calendar.Date{Year: year, Month: time.Month(n / 31), Day: n%31 + 1}
}
