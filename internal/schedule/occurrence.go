package schedule

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/staffetta-io/staffetta/internal/calendar"
)

// Occurrence is one time at which the calendar asks for the campaign. The same
// date and time of day is always the same occurrence: its id is the request id of
// its campaign, which exists once.
type Occurrence struct {
	ID    string    `json:"id"`             // "monday-reminder-20261130T0900"
	Local string    `json:"local"`          // by the rule: "2026-11-30T09:00"
	At    time.Time `json:"at"`             // the instant, UTC
	Note  string    `json:"note,omitempty"` // what the clock change made of it
}

// Next are the first n occurrences after an instant; fewer if the schedule ends
// before. It reads the calendar only: a pause changes nothing here.
func (s Schedule) Next(after time.Time, n int) []Occurrence {
	var list []Occurrence
	for o, exists := range s.after(after) {
		if len(list) == n {
			break
		}
		if exists {
			list = append(list, o)
		}
	}
	return list
}

// maxGap is the most days that pass without an occurrence: from one 29 February
// to the next over a year like 2100. A schedule that finds none in so many
// days has none.
const maxGap = 8*366 + 1

// after yields the occurrences after an instant, in the order of their
// instants, which is that of their dates. One that does not exist, because
// its day skips its time and it is not to be shifted, comes with false.
func (s Schedule) after(t time.Time) iter.Seq2[Occurrence, bool] {
	return func(yield func(Occurrence, bool) bool) {
		loc, err := calendar.Load(s.Zone)
		if err != nil {
			return
		}
		// A shifted time may lie on the next day, so the day before is looked
		// at as well.
		date := calendar.DateOf(t.In(loc)).Plus(-1)
		if date.Before(s.Start) {
			date = s.Start
		}
		for none := 0; none <= maxGap; none++ {
			if !s.End.IsZero() && s.End.Before(date) {
				return
			}
			if s.on(date) {
				none = 0
				if o, exists := s.occurrence(date, loc); o.At.After(t) && !yield(o, exists) {
					return
				}
			}
			date = date.Plus(1)
		}
	}
}

// on says whether the rule names this date.
func (s Schedule) on(d calendar.Date) bool {
	switch {
	case len(s.Weekdays) > 0:
		return slices.Contains(s.Weekdays, d.Weekday())
	case len(s.Days) > 0:
		return slices.Contains(s.Days, calendar.Day(d.Day)) || d.LastOfMonth() && slices.Contains(s.Days, calendar.Last)
	}
	return true
}

// occurrence finds the instant of a date's time of day. It says false if
// there is none; the instant is then where it would have been.
func (s Schedule) occurrence(d calendar.Date, loc *time.Location) (o Occurrence, exists bool) {
	o.Local = fmt.Sprintf("%sT%s", d, s.At)
	o.ID = fmt.Sprintf("%s-%04d%02d%02dT%02d%02d", s.ID, d.Year, d.Month, d.Day, s.At/60, s.At%60)
	found, shifted, skipped := calendar.Instants(d, s.At, loc)
	switch {
	case len(found) == 1:
		o.At = found[0]
	case len(found) > 1 && s.RepeatedTime == LastOfBoth:
		o.At = found[len(found)-1]
		o.Note = fmt.Sprintf("%s comes twice on this day: the last", s.At)
	case len(found) > 1:
		o.At = found[0]
		o.Note = fmt.Sprintf("%s comes twice on this day: the first", s.At)
	default:
		o.At = shifted
		o.Note = fmt.Sprintf("%s does not come on this day: shifted to %s", s.At, shifted.In(loc).Format("15:04"))
		// Where a whole day is skipped, as Samoa did in 2011, a shift would
		// make two occurrences of the next one.
		if s.MissingTime == SkipMissing || skipped >= 24*time.Hour {
			o.Note = fmt.Sprintf("%s does not come on this day", s.At)
			return o, false
		}
	}
	return o, true
}
