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

func definitionName(s Scope) string { return s.recordName(definitions) }

// changeName makes names that sort in the order of the changes.
func changeName(s Scope, n int) string { return fmt.Sprintf("%s.%06d", s.recordName(changes), n) }

// budgetPeriod is one budget in one period: its limit, and the name of its
// ledger.
type budgetPeriod struct {
	who    string // whose it is, in words
	kind   string // day or month
	period string // 2026-11-27 or 2026-11
	zone   string
	limit  campaign.Money // no currency: there is none
	ledger string
	before []string // ledgers of the same budget that were in use under another zone
}

// String is the budget and its period in words: "shop-italia, day 2026-11-27".
func (l budgetPeriod) String() string { return l.who + ", " + l.kind + " " + l.period }

// periodKinds are the kinds of period, and how each names the period of an
// instant.
var periodKinds = []struct{ name, layout string }{{"day", time.DateOnly}, {"month", "2006-01"}}

// periodsAt are the budgets of a definition that an instant falls under, the day
// before the month.
func (d Definition) periodsAt(at time.Time) []budgetPeriod {
	var all []budgetPeriod
	for _, kind := range periodKinds {
		var l budgetPeriod
		for _, name := range slices.Backward(d.zones()) {
			zone, err := time.LoadLocation(name)
			if err != nil {
				continue // it was valid when it was set
			}
			period := at.In(zone).Format(kind.layout)
			ledger := d.Scope.recordName(ledgers) + "." + period
			switch {
			case l.ledger == "":
				l = budgetPeriod{who: d.Scope.String(), kind: kind.name, period: period, zone: name, limit: d.Current().limit(kind.name), ledger: ledger}
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
