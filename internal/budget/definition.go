package budget

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Scope says whose spending is limited: a source's, or everybody's.
type Scope string

// Account is the scope of all sources together.
const Account Scope = "*"

// String is the scope in words.
func (s Scope) String() string {
	if s == Account {
		return "the account"
	}
	return string(s)
}

// file is the scope as a part of a record's name. A source may be called
// "account" too, so it stands behind a word of its own.
func (s Scope) file() string {
	if s == Account {
		return "account"
	}
	return "source." + string(s)
}

// Definition is a budget, and how it came to be. Its last change is in force. It
// is read for each campaign, so it does not grow: the changes before the last
// twenty have records of their own.
type Definition struct {
	Schema  int      `json:"schema"`
	Scope   Scope    `json:"scope"`
	Changes []Change `json:"changes"`           // the last 20, in order
	Earlier int      `json:"earlier,omitempty"` // how many there were before them
	Zones   []string `json:"zones,omitempty"`   // all that were ever in force, each once, the current one last
}

// Earlier is a change that is not among the last of its budget.
type Earlier struct {
	Schema int    `json:"schema"`
	Scope  Scope  `json:"scope"`
	N      int    `json:"n"` // the how-manieth, from 1
	Change Change `json:"change"`
}

// Change is what somebody laid down.
type Change struct {
	At    time.Time      `json:"at"`
	By    string         `json:"by"`
	Zone  string         `json:"zone"`           // IANA name: where its days and months begin
	Day   campaign.Money `json:"day,omitzero"`   // no currency: no limit
	Month campaign.Money `json:"month,omitzero"` // no currency: no limit
}

const (
	schema      = 1
	changesKept = 20
)

// Current is the change in force; the zero Change limits nothing.
func (d Definition) Current() Change {
	if len(d.Changes) == 0 {
		return Change{}
	}
	return d.Changes[len(d.Changes)-1]
}

// Edit is a change that somebody wants. What it does not say stays as it is.
type Edit struct {
	By         string
	Zone       string          // empty: as before
	Day, Month *campaign.Money // nil: as before; without a currency: no limit any more
}

// apply makes the change, or says why not.
func (d Definition) apply(e Edit, now time.Time) (Definition, error) {
	c := d.Current()
	c.At, c.By = now, e.By
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
		return d, errors.New("say who sets it")
	case c.Zone == "" || c.Zone == "Local":
		return d, errors.New("say in which time zone its days and months begin, for example Europe/Rome")
	case err != nil:
		return d, fmt.Errorf("%q is no time zone: give its IANA name, for example Europe/Rome", c.Zone)
	case c.Day.Amount.IsNegative() || c.Month.Amount.IsNegative():
		return d, errors.New("an amount is below zero")
	}
	if c.Day.Currency != "" && c.Month.Currency != "" && c.Day.Currency != c.Month.Currency {
		return d, fmt.Errorf("%s a day and %s a month: set both in one currency", c.Day, c.Month)
	}
	d.Schema = schema
	d.Zones = append(slices.DeleteFunc(d.zones(), func(zone string) bool { return zone == c.Zone }), c.Zone)
	drop := max(0, len(d.Changes)+1-changesKept)
	d.Earlier += drop
	d.Changes = append(slices.Clone(d.Changes[drop:]), c)
	return d, nil
}

// zones are all that were ever in force, the current one last. An earlier version
// has stored none.
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

// currency is the one that the budget was last set in.
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
