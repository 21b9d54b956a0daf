package window

import (
	"fmt"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/calendar"
)

// Explain says in words, a line for each day, how Open came to its answer. It
// is for people.
func (p *Policy) Explain(from time.Time, takes time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "a sending of %s from %s, by policy %s\n", text(takes), p.local(from), p.Name)
	start, _, err := p.Open(from, takes)
	last := calendar.DateOf(start.In(p.zone))
	if err != nil {
		last = calendar.DateOf(from.In(p.zone)).Plus(6)
	}
	spans := p.spans(from)
	for d := calendar.DateOf(from.In(p.zone)); !last.Before(d); d = d.Plus(1) {
		fmt.Fprintf(&b, "  %-3s %s  %s", d.Weekday().String()[:3], d, p.describeDay(d))
		for _, s := range spans {
			if calendar.DateOf(s.start.In(p.zone)) != d && !(s.start.Before(from) && calendar.DateOf(from.In(p.zone)) == d) {
				continue
			}
			left := s.end.Sub(s.start)
			if s.start.Before(from) {
				left = s.end.Sub(from)
			}
			switch {
			case err == nil && !start.Before(s.start) && start.Before(s.end):
				fmt.Fprintf(&b, " · starts at %s", start.In(p.zone).Format("15:04"))
			case left < takes:
				fmt.Fprintf(&b, " · %s left: too short", text(left))
			}
		}
		b.WriteByte('\n')
	}
	if err != nil {
		fmt.Fprintf(&b, "never: %s\n", err)
	}
	return b.String()
}

// Provenance says which version holds at an instant, where its rules were read,
// and where the sources disagree.
func (p *Policy) Provenance(at time.Time) string {
	v, holds := p.version(calendar.DateOf(at.In(p.zone)))
	if !holds {
		return fmt.Sprintf("no version of policy %s holds at %s\n", p.Name, p.local(at))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "policy %s as of %s: %s\n", p.Name, v.Effective, p.About)
	for _, s := range v.Sources {
		fmt.Fprintf(&b, "  %s (read %s): %s\n", s.URL, s.Read, s.Says)
	}
	if v.Conflicts != "" {
		fmt.Fprintf(&b, "  where they disagree: %s\n", v.Conflicts)
	}
	return b.String()
}

// describeDay is what the policy says of a date.
func (p *Policy) describeDay(d calendar.Date) string {
	v, holds := p.version(d)
	switch hours := v.Open[d.Weekday()]; {
	case !holds:
		return "no version holds"
	case v.holiday(d) != "":
		return "shut: " + v.holiday(d)
	case len(hours) == 0:
		return "shut"
	default:
		return listed(hours)
	}
}
