package query

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/schedule"
)

// Ask is a question.
type Ask interface {
	// Check says what is wrong with it, as an [*Error].
	Check() error
	// narrow keeps it to what is a source's own, or says that it asks for more. The
	// question has been checked.
	narrow(source string) error
}

// Page says where an answer that has parts goes on, and how many it may have.
type Page struct {
	After string `json:"after,omitempty"` // what the page before said is next; empty: from the start
	Limit int    `json:"limit,omitempty"` // 1 to 2500; 0: as many as there is room for
}

// maxLimit is how many parts an answer may have.
const maxLimit = 2500

func (p Page) check() error {
	if p.Limit < 0 || p.Limit > maxLimit {
		return bad("limit", "limit %d: want 1 to %d", p.Limit, maxLimit)
	}
	return nil
}

// Place is where the page begins in a stream.
func (p Page) Place() (uint64, error) {
	if p.After == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(p.After, 10, 64)
	if err != nil {
		return 0, bad("after", "after %q: want what the page before said is next", p.After)
	}
	return n, nil
}

func (p Page) checkPlace() error {
	if err := p.check(); err != nil {
		return err
	}
	_, err := p.Place()
	return err
}

// GetAsk asks for the record of one campaign.
type GetAsk struct {
	Key string `json:"key"` // shop-italia.black-friday-2026
}

func (a *GetAsk) Check() error               { return checkKey(a.Key) }
func (a *GetAsk) narrow(source string) error { return ownKey(a.Key, source) }

// ListAsk asks which campaigns there are.
type ListAsk struct {
	Source    string   `json:"source,omitempty"` // empty: all
	States    []string `json:"states,omitempty"` // or open, ended; none: all
	OlderThan Duration `json:"older_than,omitzero"`
	Waiting   bool     `json:"waiting,omitempty"` // only those that wait for something
	Overdue   bool     `json:"overdue,omitempty"` // only those that nobody looked at when they were due
	Page
}

// States are what a question may name: those there are, and two names for several.
func States() []string {
	var names []string
	for _, s := range campaign.States {
		names = append(names, string(s))
	}
	return append(names, "open", "ended")
}

func (a *ListAsk) Check() error {
	for _, s := range a.States {
		if !slices.Contains(States(), s) {
			return bad("states", "state %q is none: want %s", s, strings.Join(States(), ", "))
		}
	}
	if err := checkSource(a.Source); err != nil {
		return err
	}
	return a.checkPlace()
}

func (a *ListAsk) narrow(source string) error { return ownSource(&a.Source, source) }

// Takes says whether a campaign is asked for.
func (a *ListAsk) Takes(c Campaign, now time.Time) bool {
	return (len(a.States) == 0 || slices.ContainsFunc(a.States, func(s string) bool {
		return s == string(c.State) || s == "open" && !c.State.Final() || s == "ended" && c.State.Final()
	})) &&
		now.Sub(c.Since) >= time.Duration(a.OlderThan) &&
		(!a.Waiting || c.Waiting != "" || c.State == campaign.Unresolved) &&
		(!a.Overdue || c.Overdue(now))
}

// WhyAsk asks for the story of one campaign.
type WhyAsk struct {
	Key  string `json:"key"`
	Zone string `json:"zone,omitempty"` // of the instants in its sentences, as Europe/Rome; empty: UTC
}

func (a *WhyAsk) Check() error {
	if _, err := a.Location(); err != nil {
		return err
	}
	return checkKey(a.Key)
}

// Location is the zone.
func (a *WhyAsk) Location() (*time.Location, error) {
	zone, err := time.LoadLocation(a.Zone)
	if err != nil || a.Zone == "Local" { // which would be the answerer's
		return nil, bad("zone", "zone %q is none: want UTC, or a name as Europe/Rome", a.Zone)
	}
	return zone, nil
}

func (a *WhyAsk) narrow(source string) error { return ownKey(a.Key, source) }

// DLQAsk asks which dead letters there are, or with an id for one of them, whole.
type DLQAsk struct {
	ID        uint64   `json:"id,omitempty"`
	Key       string   `json:"key,omitempty"`    // only those about this campaign
	Source    string   `json:"source,omitempty"` // empty: all
	Reasons   []string `json:"reasons,omitempty"`
	OlderThan Duration `json:"older_than,omitzero"`
	NewerThan Duration `json:"newer_than,omitzero"`
	Page
}

func (a *DLQAsk) Check() error {
	if a.Key != "" {
		if err := checkKey(a.Key); err != nil {
			return err
		}
	}
	if err := checkSource(a.Source); err != nil {
		return err
	}
	return a.checkPlace()
}

func (a *DLQAsk) narrow(source string) error {
	if a.Key != "" {
		if err := ownKey(a.Key, source); err != nil {
			return err
		}
	}
	return ownSource(&a.Source, source)
}

// BudgetAsk asks how far the budgets are spent.
type BudgetAsk struct {
	Source string `json:"source,omitempty"` // its own and the account's; empty: all
	On     string `json:"on,omitempty"`     // another day, 2026-11-27; empty: today
	Page

	// OwnOnly leaves out the account's: what all spend together is not a source's
	// business.
	OwnOnly bool `json:"-"`
}

func (a *BudgetAsk) Check() error {
	if _, err := a.Day(); err != nil {
		return err
	}
	if err := checkSource(a.Source); err != nil {
		return err
	}
	return a.check()
}

// Day is the day; zero: today.
func (a *BudgetAsk) Day() (time.Time, error) {
	if a.On == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, a.On)
	if err != nil {
		return day, bad("on", "on %q is no day: write 2026-11-27", a.On)
	}
	return day, nil
}

func (a *BudgetAsk) narrow(source string) error {
	a.OwnOnly = true
	return ownSource(&a.Source, source)
}

// SchedulesAsk asks which schedules there are, or with a key for one of them.
type SchedulesAsk struct {
	Key    string `json:"key,omitempty"`    // studio-bianchi.monday-reminder
	Source string `json:"source,omitempty"` // empty: all
	Page
}

func (a *SchedulesAsk) Check() error {
	if a.Key != "" {
		if _, err := schedule.ParseKey(a.Key); err != nil {
			return bad("key", "%v", err)
		}
	}
	if err := checkSource(a.Source); err != nil {
		return err
	}
	return a.checkPlace()
}

func (a *SchedulesAsk) narrow(source string) error {
	if a.Key != "" {
		if err := ownKey(a.Key, source); err != nil {
			return err
		}
	}
	return ownSource(&a.Source, source)
}

// HealthAsk asks how the service is.
type HealthAsk struct{}

func (*HealthAsk) Check() error        { return nil }
func (*HealthAsk) narrow(string) error { return nil }

func checkKey(key string) error {
	if _, err := campaign.ParseKey(key); err != nil {
		return bad("key", "%v", err)
	}
	return nil
}

func checkSource(source string) error {
	if source == "" {
		return nil
	}
	if _, err := campaign.ParseKey(source + ".x"); err != nil || strings.Contains(source, ".") {
		return bad("source", "source %q: want a source alone, as shop-italia", source)
	}
	return nil
}

// ownKey says whether what has the key is the source's. Whether there is such a thing
// is not said.
func ownKey(key, source string) error {
	if owner, _, _ := strings.Cut(key, "."); owner != source {
		return &Error{NotYours, "key", "key " + key + " is another source's: " + source + " may ask about its own"}
	}
	return nil
}

func ownSource(asked *string, source string) error {
	if *asked != "" && *asked != source {
		return &Error{NotYours, "source", "source " + *asked + " is another one: " + source + " may ask about its own"}
	}
	*asked = source
	return nil
}

// Duration is written as 90s, 15m or 24h.
type Duration time.Duration

func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return bad("", "%q is no duration: want 90s, 15m or 24h", text)
	}
	*d = Duration(parsed)
	return nil
}
