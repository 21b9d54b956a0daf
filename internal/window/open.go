package window

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/calendar"
)

// searchDays is how many days ahead an opening is searched.
const searchDays = 31

// NoOpeningError says that no window is long enough for a sending, and what can
// be done.
type NoOpeningError struct{ words string }

func (e *NoOpeningError) Error() string { return e.words }

// Open is the first instant, not before from, at which a sending of this length
// fits into one window from its start to its end. If it is later than from, why
// says what is in the way and until when the campaign waits. A sending that fits
// nowhere within a month is a [*NoOpeningError].
func (p *Policy) Open(from time.Time, takes time.Duration) (start time.Time, why string, err error) {
	longest := span{}
	for _, s := range p.spans(from) {
		begin := s.start
		if begin.Before(from) {
			begin = from
		}
		if s.end.Sub(begin) >= takes {
			if begin.Equal(from) {
				return from, "", nil
			}
			return begin, fmt.Sprintf("waits until %s: %s", p.local(begin), p.obstacle(from, takes)), nil
		}
		if s.end.Sub(s.start) > longest.end.Sub(longest.start) {
			longest = s
		}
	}
	if first := p.Versions[0].Effective; calendar.DateOf(from.In(p.zone)).Before(first) {
		return time.Time{}, "", &NoOpeningError{fmt.Sprintf("policy %s holds from %s on and says nothing of %s: add a version that does", p.Name, first, p.local(from))}
	}
	if longest.start.IsZero() {
		return time.Time{}, "", &NoOpeningError{fmt.Sprintf("policy %s is shut for %d days from %s: look at its holidays and versions", p.Name, searchDays, p.local(from))}
	}
	return time.Time{}, "", &NoOpeningError{fmt.Sprintf("the sending takes %s, and policy %s is open for at most %s at a time (from %s): send to a smaller list, or in several campaigns",
		text(takes), p.Name, text(longest.end.Sub(longest.start)), p.local(longest.start))}
}

// obstacle says why a sending cannot begin at an instant.
func (p *Policy) obstacle(at time.Time, takes time.Duration) string {
	if why := p.closedBecause(at); why != "" {
		return fmt.Sprintf("at %s %s", p.local(at), why)
	}
	for _, s := range p.spans(at) {
		if !s.start.After(at) {
			return fmt.Sprintf("the sending takes %s, and from %s until %s, when policy %s shuts, are only %s",
				text(takes), p.local(at), s.end.In(p.zone).Format("15:04"), p.Name, text(s.end.Sub(at)))
		}
	}
	return ""
}

// closedBecause says why nothing may be sent at an instant; empty: it may.
func (p *Policy) closedBecause(at time.Time) string {
	local := at.In(p.zone)
	date := calendar.DateOf(local)
	v, holds := p.version(date)
	if !holds {
		return fmt.Sprintf("policy %s holds from %s on", p.Name, p.Versions[0].Effective)
	}
	if name := v.holiday(date); name != "" {
		return fmt.Sprintf("it is %s, on which policy %s is shut", name, p.Name)
	}
	hours := v.Open[date.Weekday()]
	if len(hours) == 0 {
		return fmt.Sprintf("policy %s is shut: it is not open on a %s", p.Name, time.Weekday(date.Weekday()))
	}
	clock := calendar.Clock(local.Hour()*60 + local.Minute())
	if slices.ContainsFunc(hours, func(h Hours) bool { return h.has(clock) }) {
		return ""
	}
	return fmt.Sprintf("policy %s is shut: on a %s it is open %s", p.Name, time.Weekday(date.Weekday()), listed(hours))
}

// span is a stretch of time that is open throughout, before its end.
type span struct{ start, end time.Time }

// spans are the open stretches that end after an instant, within searchDays.
//
// Whether the policy is open depends on the local date and time alone. So it can
// only change where a date or hours begin or end, or clocks change. Between two
// such edges one check is enough.
func (p *Policy) spans(from time.Time) []span {
	var list []span
	edges := p.edges(from)
	for i := range len(edges) - 1 {
		if p.closedBecause(edges[i]) != "" {
			continue
		}
		if n := len(list); n > 0 && list[n-1].end.Equal(edges[i]) {
			list[n-1].end = edges[i+1] // over midnight
			continue
		}
		list = append(list, span{edges[i], edges[i+1]})
	}
	return slices.DeleteFunc(list, func(s span) bool { return !s.end.After(from) })
}

// edges are the instants at which the policy may open or shut, in order.
func (p *Policy) edges(from time.Time) []time.Time {
	var edges []time.Time
	first := calendar.DateOf(from.In(p.zone)).Plus(-1)
	for n := range searchDays + 2 {
		date := first.Plus(n)
		clocks := []calendar.Clock{0}
		if v, holds := p.version(date); holds {
			for _, h := range v.Open[date.Weekday()] {
				clocks = append(clocks, h.From, h.To)
			}
		}
		for _, c := range clocks {
			if c == midnight {
				continue // where the next date begins
			}
			found, _, _ := calendar.Instants(date, c, p.zone)
			edges = append(edges, found...)
		}
		noon := time.Date(date.Year, date.Month, date.Day, 12, 0, 0, 0, time.UTC)
		if change := calendar.Change(noon.AddDate(0, 0, -1), noon, p.zone); !change.IsZero() {
			edges = append(edges, change)
		}
	}
	slices.SortFunc(edges, time.Time.Compare)
	return slices.CompactFunc(edges, time.Time.Equal)
}

// local is an instant in the words of the recipients' zone.
func (p *Policy) local(t time.Time) string {
	return t.In(p.zone).Format("Mon 2006-01-02 15:04") + " " + p.Zone
}

func text(d time.Duration) string { return calendar.Duration(d.Round(time.Second)).String() }

func listed(hours []Hours) string {
	var words strings.Builder
	for i, h := range hours {
		if i > 0 {
			words.WriteString(" and ")
		}
		words.WriteString(h.String())
	}
	return words.String()
}
