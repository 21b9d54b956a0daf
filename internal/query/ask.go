package query

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/schedule"
	"github.com/staffetta-io/staffetta/internal/spelling"
)

// Ask is a question.
type Ask interface {
	// Check says what is wrong with the question, as an [*Error].
	Check() error
	// narrow restricts the question to the source's own things, or says that it asks
	// for more. The question has been checked before.
	narrow(source string) error
}

// Page says where an answer in pages goes on, and how many items a page may have.
type Page struct {
	After string `json:"after,omitempty"` // the value of next in the page before; empty: from the start
	Limit int    `json:"limit,omitempty"` // 1 to 2500; 0: as many as fit
}

// maxLimit is how many items a page may have.
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
	// Request is one of the same name, as protobuf maps it to JSON: the answer says whether
	// it is the one that stands. Empty: that is not asked.
	Request json.RawMessage `json:"request,omitempty"`
}

func (a *GetAsk) Check() error               { return checkKey(a.Key) }
func (a *GetAsk) narrow(source string) error { return ownKey(a.Key, source) }

// ListAsk asks which campaigns there are.
type ListAsk struct {
	Source    string   `json:"source,omitempty"` // empty: all
	States    []string `json:"states,omitempty"` // or open, ended; none: all
	OlderThan Duration `json:"older_than,omitzero"`
	Waiting   bool     `json:"waiting,omitempty"` // only those that wait for something
	Overdue   bool     `json:"overdue,omitempty"` // only those that were not looked at when they were due
	// Reasons are why campaigns did not end well; none: all. Since is when they were
	// asked for at the earliest; zero: at any time.
	Reasons []string  `json:"reasons,omitempty"`
	Since   time.Time `json:"since,omitzero"`
	// Newest asks for those saved last, the latest first: as many as the limit says, on
	// one page.
	Newest bool `json:"newest,omitempty"`
	// Labels are those that a campaign has to have, all of them, with these values; none:
	// all campaigns.
	Labels map[string]string `json:"labels,omitempty"`
	Page
}

// Reasons are the words that a question about campaigns may use for a reason.
func Reasons() []string {
	var names []string
	for _, r := range campaign.Reasons {
		names = append(names, string(r.Code))
	}
	return names
}

// States are the words that a question may use: all states, and two words for several.
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
			return bad("states", "state %q is none%s want %s", s, cmp.Or(spelling.Meant(s, States()), ":"), strings.Join(States(), ", "))
		}
	}
	for _, r := range a.Reasons {
		if !slices.Contains(Reasons(), r) {
			return bad("reasons", "reason %q is none of a campaign%s want some of %s", r, cmp.Or(spelling.Meant(r, Reasons()), ":"), strings.Join(Reasons(), ", "))
		}
	}
	if a.Newest && a.Limit == 0 {
		return bad("limit", "newest without a limit: say how many, 1 to %d", maxLimit)
	}
	if a.Newest && a.After != "" {
		return bad("after", "the newest are one page: ask without after, or without newest")
	}
	for name := range a.Labels {
		if !labelName.MatchString(name) {
			return bad("labels", "label %q is none: a label's name is 1 to 15 of a-z and 0-9", name)
		}
	}
	if err := checkSource(a.Source); err != nil {
		return err
	}
	return a.checkPlace()
}

// labelName is the form of a label's name, as the contract has it.
var labelName = regexp.MustCompile(`^[a-z0-9]{1,15}$`)

func (a *ListAsk) narrow(source string) error { return ownSource(&a.Source, source) }

// Takes says whether the question asks for a campaign.
func (a *ListAsk) Takes(c Campaign, now time.Time) bool {
	return (len(a.States) == 0 || slices.ContainsFunc(a.States, func(s string) bool {
		return s == string(c.State) || s == "open" && !c.State.Final() || s == "ended" && c.State.Final()
	})) &&
		(a.OlderThan <= 0 || now.Sub(c.Since) >= time.Duration(a.OlderThan)) && // one may have moved on since now
		(len(a.Reasons) == 0 || slices.Contains(a.Reasons, string(c.Reason))) &&
		!c.asked().Before(a.Since) &&
		a.labelled(c) &&
		(!a.Waiting || c.Waiting != "" || c.State == campaign.Unresolved) &&
		(!a.Overdue || c.Overdue(now))
}

// labelled says that a campaign has every label that is asked for.
func (a *ListAsk) labelled(c Campaign) bool {
	for name, value := range a.Labels {
		if has, there := c.Labels[name]; !there || has != value {
			return false
		}
	}
	return true
}

// OpenOnly says that nothing that is over can be an answer, which a list of what is open
// knows. Unresolved campaigns are on that list: a person has to look at them.
func (a *ListAsk) OpenOnly() bool {
	if a.Waiting || a.Overdue {
		return true
	}
	over := func(s string) bool {
		state := campaign.State(s)
		return s == "ended" || s != "open" && state.Final() && state != campaign.Unresolved
	}
	return len(a.States) > 0 && !slices.ContainsFunc(a.States, over)
}

// WhyAsk asks for the story of one campaign.
type WhyAsk struct {
	Key  string `json:"key"`
	Zone string `json:"zone,omitempty"` // the time zone of its sentences, as Europe/Rome; empty: UTC
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
	if err != nil || a.Zone == "Local" { // that would be the zone of the service
		return nil, bad("zone", "zone %q is none: want UTC, or a name as Europe/Rome", a.Zone)
	}
	return zone, nil
}

func (a *WhyAsk) narrow(source string) error { return ownKey(a.Key, source) }

// EventsAsk asks which events the stream still has, in its order.
type EventsAsk struct {
	Key    string `json:"key,omitempty"`    // only of this campaign
	Source string `json:"source,omitempty"` // only of this source; both empty: all
	Page
}

func (a *EventsAsk) Check() error {
	if err := checkFilter(a.Key, a.Source, checkKey); err != nil {
		return err
	}
	return a.checkPlace()
}

func (a *EventsAsk) narrow(source string) error { return ownFilter(a.Key, &a.Source, source) }

// DLQAsk asks which dead letters there are, or with an id for one whole dead letter.
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
	if err := checkFilter(a.Key, a.Source, checkKey); err != nil {
		return err
	}
	return a.checkPlace()
}

func (a *DLQAsk) narrow(source string) error { return ownFilter(a.Key, &a.Source, source) }

// BudgetAsk asks how far the budgets are spent.
type BudgetAsk struct {
	Source string `json:"source,omitempty"` // its own and those of no single source; empty: all
	On     string `json:"on,omitempty"`     // another day, 2026-11-27; empty: today
	Page

	// OwnOnly leaves out budgets of no single source: what several spend together is not
	// shown to one of them.
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

// BudgetHistoryAsk asks who set the budgets, and when.
type BudgetHistoryAsk struct {
	Source string `json:"source,omitempty"` // its own and those of no single source; empty: all
	Page

	// OwnOnly leaves out those of no single source, as [BudgetAsk] does.
	OwnOnly bool `json:"-"`
}

func (a *BudgetHistoryAsk) Check() error {
	if err := checkSource(a.Source); err != nil {
		return err
	}
	return a.check()
}

func (a *BudgetHistoryAsk) narrow(source string) error {
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
	if err := checkFilter(a.Key, a.Source, checkScheduleKey); err != nil {
		return err
	}
	return a.checkPlace()
}

func (a *SchedulesAsk) narrow(source string) error { return ownFilter(a.Key, &a.Source, source) }

// AudiencesAsk asks which lists are published under names, or with a key under one of them.
type AudiencesAsk struct {
	Key    string `json:"key,omitempty"`    // studio-bianchi.this-week
	Source string `json:"source,omitempty"` // empty: all
	Page
}

func (a *AudiencesAsk) Check() error {
	if err := checkFilter(a.Key, a.Source, checkKey); err != nil {
		return err
	}
	return a.check()
}

func (a *AudiencesAsk) narrow(source string) error { return ownFilter(a.Key, &a.Source, source) }

// OutcomeAsk asks what became of a standing order: a hold, a budget, a schedule.
type OutcomeAsk struct {
	Sequence uint64 `json:"sequence"` // where the order was stored; 0 asks whether a service answers at all

	// Source restricts the question to the orders of one source; empty: all.
	Source string `json:"-"`
}

func (a *OutcomeAsk) Check() error               { return nil }
func (a *OutcomeAsk) narrow(source string) error { a.Source = source; return nil }

// CheckAsk asks what would become of a request, without asking for it.
type CheckAsk struct {
	Request json.RawMessage `json:"request"` // a CampaignRequested in JSON; its request_id may be empty
	Price   bool            `json:"price,omitempty"`

	// Source restricts the question to the requests of one source; empty: all.
	Source string `json:"-"`
}

func (a *CheckAsk) Check() error {
	if len(a.Request) == 0 {
		return bad("request", "request: want a CampaignRequested in JSON")
	}
	return nil
}

// narrow leaves it to who reads the request to see whose it is.
func (a *CheckAsk) narrow(source string) error { a.Source = source; return nil }

// OfAnother is the answer to a source that checks another source's request.
func (a *CheckAsk) OfAnother(source string) error {
	if a.Source == "" || source == a.Source || source == "" { // one without a source breaks a rule of the contract
		return nil
	}
	return &Error{NotYours, "request.source", "source " + source + " is another one: " + a.Source + " may check its own requests"}
}

// HealthAsk asks for the health of the service.
type HealthAsk struct{}

func checkKey(key string) error {
	if _, err := campaign.ParseKey(key); err != nil {
		return bad("key", "%v", err)
	}
	return nil
}

func checkScheduleKey(key string) error {
	if _, err := schedule.ParseKey(key); err != nil {
		return bad("key", "%v", err)
	}
	return nil
}

// checkFilter checks the key and the source that a question may choose by; each may be
// empty. A key is a campaign's or a schedule's.
func checkFilter(key, source string, check func(string) error) error {
	if key != "" {
		if err := check(key); err != nil {
			return err
		}
	}
	return checkSource(source)
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

// ownKey says whether a key belongs to the source. It does not say whether there is
// such a campaign or schedule.
func ownKey(key, source string) error {
	if owner, _, _ := strings.Cut(key, "."); owner != source {
		return &Error{NotYours, "key", "key " + key + " is another source's: " + source + " may ask about its own"}
	}
	return nil
}

// ownFilter restricts the key and the source that a question chooses by to what is the
// source's.
func ownFilter(key string, asked *string, source string) error {
	if key != "" {
		if err := ownKey(key, source); err != nil {
			return err
		}
	}
	return ownSource(asked, source)
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
		return err
	}
	*d = Duration(parsed)
	return nil
}
