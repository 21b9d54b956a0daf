package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
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
	// Name is a part of the name or the description of the campaigns it strikes;
	// empty for all.
	Name string `json:"name,omitempty"`
	// After so many calls that it would strike are let pass.
	After int `json:"after,omitempty"`
	// Times it strikes; 0 means once, negative until it is removed.
	Times int `json:"times,omitempty"`

	// When says whether Cut, Status, Body and Delay come before the effect of the
	// call, which then does not happen at all (but for Delay), or after it.
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
	// Body to answer instead; empty is JSend with a Status, the documented body
	// with 429, and no change without a Status.
	Body Body `json:"body,omitempty"`
	// RetryAfter is the number of seconds in a 429, or in a Spring body; 0 leaves
	// it out.
	RetryAfter int `json:"retryAfter,omitempty"`

	// Report is the status of the campaign that an otherwise honest answer shows.
	Report string `json:"report,omitempty"`
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

// A Body is a kind of answer that nobody asked for.
type Body string

const (
	JSend     Body = "jsend"     // {"status":"fail","data":{…}}; from 500 on {"status":"error","message":…,"code":8}
	Spring    Body = "spring"    // {"status":503,"error":…,"message":…}
	HTML      Body = "html"      // the page of a proxy
	Empty     Body = "empty"     // nothing
	Malformed Body = "malformed" // JSON that breaks off in the middle
)

// Variants are things the gateway may do otherwise than UC-006 says, because the
// vendor's other pages say so, or because nobody says anything.
type Variants struct {
	NumericStatus  bool `json:"numericStatus,omitempty"`  // 0 to 4 instead of names
	ConfirmIs202   bool `json:"confirmIs202,omitempty"`   // instead of 200
	CreditIs400    bool `json:"creditIs400,omitempty"`    // insufficient credit, instead of 402
	SecondConfirm  bool `json:"secondConfirm,omitempty"`  // sends and charges again, instead of 409
	ReadyToSend    bool `json:"readyToSend,omitempty"`    // must be true before a confirm
	ReplaceUnicode bool `json:"replaceUnicode,omitempty"` // with unicode false: replace characters instead of refusing the text
	StatsNeedDates bool `json:"statsNeedDates,omitempty"` // 400 to statistics without startDate and endDate
}

func (v Variants) with(w Variants) Variants {
	return Variants{
		v.NumericStatus || w.NumericStatus, v.ConfirmIs202 || w.ConfirmIs202, v.CreditIs400 || w.CreditIs400,
		v.SecondConfirm || w.SecondConfirm, v.ReadyToSend || w.ReadyToSend, v.ReplaceUnicode || w.ReplaceUnicode,
		v.StatsNeedDates || w.StatsNeedDates,
	}
}

func (f Fault) validate() error {
	switch {
	case f.When != Before && f.When != After:
		return fmt.Errorf(`when %q is neither "" nor "after"`, f.When)
	case !slices.Contains([]Body{"", JSend, Spring, HTML, Empty, Malformed}, f.Body):
		return fmt.Errorf("body %q is none of jsend, spring, html, empty, malformed", f.Body)
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("status %d is not between 200 and 599", f.Status)
	case f.After < 0 || f.Delay < 0 || f.Later < 0 || f.RetryAfter < 0 || f.FailAfter < 0 || f.Miscount < 0:
		return fmt.Errorf("after, delay, later, retryAfter, failAfter and miscount may not be negative")
	case f.Cut && (f.Status != 0 || f.Body != ""):
		return fmt.Errorf("a connection that is cut has no status or body")
	case f.Later > 0 && f.Delay > 0:
		return fmt.Errorf("either delay or later, not both")
	}
	return nil
}

// strikes tells whether the fault replaces the answer.
func (f Fault) strikes() bool { return f.Cut || f.Status != 0 || f.Body != "" }

// answer is what the client gets: the honest answer, unless the fault replaces it.
func (f Fault) answer(op Operation, honest reply) reply {
	if f.Cut || f.Later > 0 && f.Status == 0 {
		return reply{}
	}
	if !f.strikes() {
		return honest
	}
	status := f.Status
	if status == 0 {
		status = max(honest.status, http.StatusOK)
	}
	message := "The sandbox was told to answer " + http.StatusText(status)
	switch f.Body {
	case Spring:
		return spring(status, message, f.RetryAfter)
	case HTML:
		title := fmt.Sprintf("%d %s", status, http.StatusText(status))
		return reply{status: status, html: true, body: []byte("<html><head><title>" + title +
			"</title></head><body><center><h1>" + title + "</h1></center></body></html>\n")}
	case Empty:
		return reply{status: status}
	case Malformed:
		if len(honest.body) == 0 {
			honest = ok(newObject().text("status", "fail").open("data").text(op.String(), message).shut().bytes())
		}
		return reply{status: status, body: honest.body[:len(honest.body)/2]}
	}
	switch {
	case status == http.StatusTooManyRequests && f.Body == "":
		return tooMany(f.RetryAfter)
	case status >= http.StatusInternalServerError:
		return reply{status: status, body: newObject().text("status", "error").text("message", message).number("code", 8).bytes()}
	}
	return fail(status, op.String(), message)
}

// meets tells whether the fault is meant for a call.
func (f *Fault) meets(c *call) bool {
	if f.Operation != Any && f.Operation != c.op {
		return false
	}
	if f.Campaign != 0 && (c.campaign == nil || c.campaign.id != f.Campaign) {
		return false
	}
	return f.Name == "" || strings.Contains(c.subject(), f.Name)
}

// subject is the name and description of the call's campaign; for a create, those
// that are asked for.
func (c *call) subject() string {
	if c.campaign != nil {
		return *c.campaign.subject.Load()
	}
	var asked struct{ Name, Description string }
	if c.op == Create {
		_ = json.Unmarshal(c.body, &asked) // a body that cannot be read has no subject
	}
	return asked.Name + "\n" + asked.Description
}

// faultJSON is a Fault with its durations as people write them: "1.5s".
type faultJSON struct {
	*plainFault
	Delay string `json:"delay,omitempty"`
	Later string `json:"later,omitempty"`
}

type plainFault Fault

// MarshalJSON writes durations as strings.
func (f Fault) MarshalJSON() ([]byte, error) {
	out := faultJSON{plainFault: (*plainFault)(&f)}
	if f.Delay > 0 {
		out.Delay = f.Delay.String()
	}
	if f.Later > 0 {
		out.Later = f.Later.String()
	}
	return json.Marshal(out)
}

// UnmarshalJSON refuses members that a fault does not have: a misspelt rule would
// never strike, and nobody would know why. "before" stands for the empty When.
func (f *Fault) UnmarshalJSON(b []byte) error {
	in := faultJSON{plainFault: (*plainFault)(f)}
	if err := strict(b, &in); err != nil {
		return err
	}
	if f.When == "before" {
		f.When = Before
	}
	for _, d := range []struct {
		name, text string
		into       *time.Duration
	}{{"delay", in.Delay, &f.Delay}, {"later", in.Later, &f.Later}} {
		if d.text == "" {
			continue
		}
		value, err := time.ParseDuration(d.text)
		if err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
		*d.into = value
	}
	return nil
}
