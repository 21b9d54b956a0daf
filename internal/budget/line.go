package budget

import (
	"fmt"
	"slices"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// The records, by name. The names are keys of a bucket: tokens and dots.
const (
	definitions = "definition."
	changes     = "change."
	ledgers     = "ledger."
)

func definitionName(s Scope) string { return definitions + s.file() }

// changeName sorts as the changes came.
func changeName(s Scope, n int) string { return fmt.Sprintf("%s%s.%06d", changes, s.file(), n) }

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
		for _, name := range slices.Backward(d.zones()) {
			zone, err := time.LoadLocation(name)
			if err != nil {
				continue // it was one when it was set
			}
			period := at.In(zone).Format(kind.layout)
			ledger := ledgers + d.Scope.file() + "." + period
			switch {
			case l.ledger == "":
				l = line{scope: d.Scope, kind: kind.name, period: period, zone: name, limit: d.Current().limit(kind.name), ledger: ledger}
			case ledger != l.ledger && !slices.Contains(l.before, ledger):
				l.before = append(l.before, ledger)
			}
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
