package budget

import (
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// The records, by name. The names are keys of a bucket: tokens and dots.
const (
	definitions = "definition."
	ledgers     = "ledger."
)

func definitionName(s Scope) string { return definitions + s.file() }

// line is one budget in one period: what is laid down, and its ledger's name.
type line struct {
	scope  Scope
	kind   string // day or month
	period string // 2026-11-27 or 2026-11
	zone   string
	limit  campaign.Money // no currency: none is laid down
	ledger string
	before []string // ledgers of the same budget that were in use under another zone
}

// String is the budget and its period in words: "shop-italia, day 2026-11-27".
func (l line) String() string { return l.scope.String() + ", " + l.kind + " " + l.period }

// kinds are the periods there are, and how an instant names its own.
var kinds = []struct{ name, layout string }{{"day", time.DateOnly}, {"month", "2006-01"}}

// lines are the budgets of a definition that an instant falls under, the day
// before the month.
func (d Definition) lines(at time.Time) []line {
	var all []line
	for _, kind := range kinds {
		var l line
		seen := map[string]bool{}
		for i := len(d.Changes) - 1; i >= 0; i-- {
			c := d.Changes[i]
			zone, err := time.LoadLocation(c.Zone)
			if err != nil {
				continue // it was one when it was set
			}
			period := at.In(zone).Format(kind.layout)
			name := ledgers + d.Scope.file() + "." + period
			if l.ledger == "" {
				l = line{scope: d.Scope, kind: kind.name, period: period, zone: c.Zone, limit: c.limit(kind.name), ledger: name}
			} else if !seen[name] {
				l.before = append(l.before, name)
			}
			seen[name] = true
		}
		if l.ledger != "" {
			all = append(all, l)
		}
	}
	return all
}

func (c Change) limit(kind string) campaign.Money {
	if kind == "day" {
		return c.Day
	}
	return c.Month
}
