package budget

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
)

// Definition is a budget and its history. The last change is in force. Each
// campaign reads it, so it must not grow: the changes before the last twenty have
// records of their own.
type Definition struct {
	Schema  int      `json:"schema"`
	Scope   Scope    `json:"scope"`
	Changes []Change `json:"changes"`           // the last 20, in order
	Earlier int      `json:"earlier,omitempty"` // how many there were before them
	Zones   []string `json:"zones,omitempty"`   // all that were ever in force, each once, the current one last
}

// Earlier is a change that no longer fits into its Definition.
type Earlier struct {
	Schema int    `json:"schema"`
	Scope  Scope  `json:"scope"`
	N      int    `json:"n"` // its ordinal, from 1
	Change Change `json:"change"`
}

// Change is one version of a budget, as a person set it.
type Change struct {
	At    time.Time      `json:"at"`
	By    string         `json:"by"`
	Actor string         `json:"actor,omitempty"` // who is proven to have; empty: nobody is
	Zone  string         `json:"zone"`            // IANA name: where its days and months begin
	Day   campaign.Money `json:"day,omitzero"`    // no currency: no limit
	Month campaign.Money `json:"month,omitzero"`  // no currency: no limit
	// Order names the order that it obeys, which may come again; empty: none does.
	Order string `json:"order,omitempty"`
}

// String is what is laid down, in words.
func (c Change) String() string {
	amount := func(m campaign.Money) string {
		if m.Currency == "" {
			return "no limit"
		}
		return m.String()
	}
	return fmt.Sprintf("%s a day, %s a month, in %s", amount(c.Day), amount(c.Month), c.Zone)
}

const (
	schema      = 1
	changesKept = 20
)

// Current is the change in force; the zero Change has no limit.
func (d Definition) Current() Change {
	if len(d.Changes) == 0 {
		return Change{}
	}
	return d.Changes[len(d.Changes)-1]
}

// Edit is a change that a person asks for. What it does not mention stays as it
// is.
type Edit struct {
	By         string
	Zone       string          // empty: as before
	Day, Month *campaign.Money // nil: as before; without a currency: no limit any more

	Actor, Order string // as in [Change]
	After        *int   // how many changes there were when it was decided; nil: any number
	Remove       bool   // take both limits away, if there are any
}

// Count is how many changes there have been.
func (d Definition) Count() int { return d.Earlier + len(d.Changes) }

// Obeyed is the change that an order has made: the how-manieth it is, and the one
// before it. Zero: it has made none, or one that has fallen out of the last twenty.
func (d Definition) Obeyed(order string) (n int, c, before Change) {
	for i, c := range d.Changes {
		if order == "" || c.Order != order {
			continue
		}
		if i > 0 {
			before = d.Changes[i-1]
		}
		return d.Earlier + i + 1, c, before
	}
	return 0, Change{}, Change{}
}

// refuse says that an order cannot be obeyed.
func refuse(field, format string, args ...any) error {
	return &loop.Refusal{Field: field, Note: fmt.Sprintf(format, args...)}
}

// apply makes the change, or says why it is refused.
func (d Definition) apply(e Edit, now time.Time) (Definition, error) {
	c := d.Current()
	switch none := c.Day.Currency == "" && c.Month.Currency == ""; {
	case e.After != nil && *e.After != d.Count() && d.Count() == 0:
		return d, refuse("after_changes", "there is no budget: nobody has changed it, not %d times", *e.After)
	case e.After != nil && *e.After != d.Count():
		return d, refuse("after_changes", "it was changed meanwhile, by %s at %s: %s; look at it, and say again what you want", c.By, c.At.Format(time.RFC3339), c)
	case e.Remove && d.Count() == 0:
		return d, refuse("", "there is no budget: nothing is removed")
	case e.Remove && none:
		return d, refuse("", "it has no limit already, by %s since %s", c.By, c.At.Format(time.RFC3339))
	case e.Remove:
		e.Day, e.Month = new(campaign.Money), new(campaign.Money)
	}
	c.At, c.By, c.Actor, c.Order = now, e.By, e.Actor, e.Order
	if e.Zone != "" {
		c.Zone = e.Zone
	}
	if e.Day != nil {
		c.Day = *e.Day
	}
	if e.Month != nil {
		c.Month = *e.Month
	}
	switch _, err := time.LoadLocation(c.Zone); {
	case strings.TrimSpace(e.By) == "":
		return d, refuse("by", "say who sets it")
	case c.Zone == "" || c.Zone == "Local":
		return d, refuse("zone", "say in which time zone its days and months begin, for example Europe/Rome")
	case err != nil:
		return d, refuse("zone", "%q is no time zone: give its IANA name, for example Europe/Rome", c.Zone)
	case c.Day.Amount.IsNegative() || c.Month.Amount.IsNegative():
		return d, refuse("", "an amount is below zero")
	}
	if c.Day.Currency != "" && c.Month.Currency != "" && c.Day.Currency != c.Month.Currency {
		return d, refuse("", "%s a day and %s a month: set both in one currency", c.Day, c.Month)
	}
	d.Schema = schema
	d.Zones = append(slices.DeleteFunc(d.zones(), func(zone string) bool { return zone == c.Zone }), c.Zone)
	drop := max(0, len(d.Changes)+1-changesKept)
	d.Earlier += drop
	d.Changes = append(slices.Clone(d.Changes[drop:]), c)
	return d, nil
}

// zones are all that were ever in force, the current one last. Records of an
// earlier version have none.
func (d Definition) zones() []string {
	if d.Zones != nil {
		return slices.Clone(d.Zones)
	}
	var all []string
	for _, c := range d.Changes {
		all = append(slices.DeleteFunc(all, func(zone string) bool { return zone == c.Zone }), c.Zone)
	}
	return all
}

// currency is the one in which the budget was last set.
func (d Definition) currency() string {
	for _, c := range slices.Backward(d.Changes) {
		for _, m := range []campaign.Money{c.Day, c.Month} {
			if m.Currency != "" {
				return m.Currency
			}
		}
	}
	return ""
}
