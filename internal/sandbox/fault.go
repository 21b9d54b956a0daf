package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Fault is a rule by which the sandbox misbehaves. It says which calls it
// strikes, how often, and what happens to them. The zero Fault strikes the next
// call of any kind and does nothing to it.
type Fault struct {
	// ID is given by AddFault.
	ID int `json:"id"`

	// Operation it strikes; Any for all.
	Operation Operation `json:"operation"`
	// Campaign id it strikes; 0 for all.
	Campaign int `json:"campaign,omitempty"`
	// Name is a part of the name or the description of the campaigns it strikes, and
	// of the names of the contact lists; empty for all.
	Name string `json:"name,omitempty"`
	// After so many calls that it would strike are let pass.
	After int `json:"after,omitempty"`
	// Times it strikes; 0 means once, negative until it is removed.
	Times int `json:"times,omitempty"`
	// For is how long it strikes on the sandbox's clock, from its first strike on;
	// as often as there are calls, unless Times says otherwise.
	For time.Duration `json:"-"`

	// When says whether Cut, Status, Body, Answer and Delay come before the effect
	// of the call, which then does not happen at all (but for Delay), or after it.
	When Moment `json:"when,omitempty"`
	// Delay holds the call back: in Before its effect too, even when the client
	// has gone away meanwhile; in After only the answer. In real time.
	Delay time.Duration `json:"-"`
	// Later cuts the connection at once (or answers Status) and lets the call take
	// effect when so much time has passed on the sandbox's clock.
	Later time.Duration `json:"-"`
	// Cut the connection without an answer.
	Cut bool `json:"cut,omitempty"`
	// Status to answer instead; 0 leaves it alone.
	Status int `json:"status,omitempty"`
	// Body to answer instead. Empty: no change without a Status or with a 2xx, the
	// documented body with 429, else the gateway's envelope.
	Body Body `json:"body,omitempty"`
	// Answer is the body to answer instead, word by word; $id in it is the campaign
	// of the call. In JSON a text stands for itself, anything else is sent as JSON.
	Answer string `json:"-"`
	// RetryAfter is the number of seconds in a 429, or in a Spring body; 0 leaves
	// it out.
	RetryAfter int `json:"retryAfter,omitempty"`

	// Say are members of an otherwise honest answer that say something else, by
	// their path: "text", "stats.total". null takes one out.
	Say map[string]json.RawMessage `json:"say,omitempty"`
	// Report is the status of the campaign that an otherwise honest answer shows.
	Report string `json:"report,omitempty"`
	// Stale reads show a campaign as it was before its confirm.
	Stale bool `json:"stale,omitempty"`
	// Miscount is how many delivered messages an otherwise honest statistic
	// leaves out.
	Miscount int `json:"miscount,omitempty"`
	// Fail lets a confirm take effect and the campaign end as FAILED after
	// FailAfter messages.
	Fail      bool `json:"fail,omitempty"`
	FailAfter int  `json:"failAfter,omitempty"`
	// Variants are switched on for the calls it strikes.
	Variants Variants `json:"variants,omitzero"`

	// Met and Struck count the calls so far that it was meant for, and that it
	// struck.
	Met    int `json:"met"`
	Struck int `json:"struck"`
}

// A Moment is before or after the effect of a call.
type Moment string

const (
	Before Moment = ""
	After  Moment = "after"
)

func (f Fault) validate() error {
	switch {
	case f.When != Before && f.When != After:
		return fmt.Errorf(`when %q is neither "" nor "after"`, f.When)
	case f.Body != "" && !slices.Contains(bodies, f.Body):
		return fmt.Errorf("body %q is none of %s", f.Body, names(bodies))
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("status %d is not between 200 and 599", f.Status)
	case f.After < 0 || f.For < 0 || f.Delay < 0 || f.Later < 0 || f.RetryAfter < 0 || f.FailAfter < 0 || f.Miscount < 0:
		return fmt.Errorf("after, for, delay, later, retryAfter, failAfter and miscount may not be negative")
	case f.Cut && (f.Status != 0 || f.Body != "" || f.Answer != ""):
		return fmt.Errorf("a connection that is cut has no status, body or answer")
	case f.Answer != "" && f.Body != "" && f.Body != Endless:
		return fmt.Errorf("either body or answer, not both; only an endless body may begin with an answer")
	case f.Later > 0 && f.Delay > 0:
		return fmt.Errorf("either delay or later, not both")
	}
	return f.Variants.validate()
}

// strikes tells whether the fault replaces the answer.
func (f Fault) strikes() bool { return f.Cut || f.Status != 0 || f.Body != "" || f.Answer != "" }

// meets tells whether the fault is meant for a call.
func (f *Fault) meets(c *call) bool {
	if !f.Operation.covers(c.op) {
		return false
	}
	if f.Campaign != 0 && (c.campaign == nil || c.campaign.id != f.Campaign) {
		return false
	}
	return f.Name == "" || strings.Contains(c.subject(), f.Name)
}

// subject is the name and description of the call's campaign; for a create, those
// that are asked for; for a call about contact lists, their names.
func (c *call) subject() string {
	if c.campaign != nil {
		return *c.campaign.subject.Load()
	}
	var asked struct{ Name, Description string }
	switch {
	case c.op == Create, c.op == Lists && c.r.Method == http.MethodPost:
		_ = json.Unmarshal(c.body, &asked) // a body that cannot be read has no subject
	case c.op == Lists, c.op == Upload:
		asked.Name = c.listNames()
	}
	return asked.Name + "\n" + asked.Description
}

// listNames are the names of the lists that a call is about, and what it searches for.
func (c *call) listNames() string {
	q := c.r.URL.Query()
	names := []string{q.Get("search")}
	ids, _, _ := idsOf(q, "ids")
	if id, err := strconv.Atoi(q.Get("id")); err == nil {
		ids = append(ids, id)
	}
	if c.op == Upload {
		u, _ := readUpload(c) // one that cannot be read is about no list
		ids = append(ids, u.list)
	}
	for _, id := range ids {
		names = append(names, c.nameOf(id))
	}
	return strings.Join(names, "\n")
}

// faultJSON is a Fault with its durations as people write them, "1.5s", and its
// answer as JSON or text.
type faultJSON struct {
	*plainFault
	For    string          `json:"for,omitempty"`
	Delay  string          `json:"delay,omitempty"`
	Later  string          `json:"later,omitempty"`
	Answer json.RawMessage `json:"answer,omitempty"`
}

type plainFault Fault

// durations pairs the texts with what they stand for.
func (in *faultJSON) durations() []durationMember {
	return []durationMember{{"for", &in.For, &in.plainFault.For}, {"delay", &in.Delay, &in.plainFault.Delay}, {"later", &in.Later, &in.plainFault.Later}}
}

type durationMember struct {
	name  string
	text  *string
	value *time.Duration
}

// MarshalJSON writes durations as strings.
func (f Fault) MarshalJSON() ([]byte, error) {
	out := faultJSON{plainFault: (*plainFault)(&f)}
	for _, d := range out.durations() {
		if *d.value > 0 {
			*d.text = d.value.String()
		}
	}
	if f.Answer != "" {
		out.Answer = appendString(nil, f.Answer)
	}
	return json.Marshal(out)
}

// UnmarshalJSON refuses members that a fault does not have: a misspelt rule would
// never strike, and give no sign of it. "before" stands for the empty When.
func (f *Fault) UnmarshalJSON(b []byte) error {
	in := faultJSON{plainFault: (*plainFault)(f)}
	if err := strict(b, &in); err != nil {
		return err
	}
	if f.When == "before" {
		f.When = Before
	}
	for _, d := range in.durations() {
		if *d.text == "" {
			continue
		}
		value, err := time.ParseDuration(*d.text)
		if err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
		*d.value = value
	}
	if bytes.HasPrefix(in.Answer, []byte(`"`)) {
		return json.Unmarshal(in.Answer, &f.Answer)
	}
	f.Answer = string(in.Answer)
	return nil
}
