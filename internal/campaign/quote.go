package campaign

import (
	"fmt"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/sms"
)

// Goal is the gateway's answer to calculate: how many recipients, and how many parts.
type Goal struct {
	Total   int64 `json:"total"`   // everything in the list
	Valid   int64 `json:"valid"`   // recipients that would get the message
	Invalid int64 `json:"invalid"` // duplicates, malformed numbers, opt-outs
	Parts   int64 `json:"parts"`   // SMS parts over all valid recipients
}

// differs says how the figures contradict each other; empty: they do not.
func (g Goal) differs() string {
	if g.Valid+g.Invalid == g.Total {
		return ""
	}
	return fmt.Sprintf("the gateway counts %d valid and %d invalid recipients, and %d in all", g.Valid, g.Invalid, g.Total)
}

// differs says which field the answer to configure repeats differently from what it was
// told; empty: none. A different kind of line ending does not count.
func (e *Echo) differs(r Request, list int64) string {
	lines := strings.NewReplacer("\r\n", "\n", "\r", "\n")
	switch {
	case e == nil:
		return ""
	case e.Text != nil && lines.Replace(*e.Text) != lines.Replace(r.Text):
		return fmt.Sprintf("the gateway repeats another text than was asked for: %q", *e.Text)
	case e.Sender != nil && *e.Sender != r.Sender:
		return fmt.Sprintf("the gateway repeats the sender %q, %q was asked for", *e.Sender, r.Sender)
	case e.ListID != nil && *e.ListID != list:
		return fmt.Sprintf("the gateway repeats contact list %d, %d was asked for", *e.ListID, list)
	}
	return ""
}

// Price is the gateway's answer to price: what it would cost.
type Price struct {
	PerMessage Money `json:"per_message"`
	Total      Money `json:"total"`
	Available  Money `json:"available"` // credit of the account
	Sufficient bool  `json:"sufficient"`
}

// Quote is the gateway's answer to calculate and price, for exactly this text, sender
// and list. Nothing is confirmed without a quote.
type Quote struct {
	N     int       `json:"n"` // its ordinal among the campaign's quotes, from 1
	Goal  Goal      `json:"goal"`
	Price Price     `json:"price"`
	At    time.Time `json:"at"`
	// Audience stands for exactly the people that were uploaded; empty: the list was there
	// before.
	Audience string `json:"audience,omitempty"`
}

// TextReport is how the text decides the bill. The text is measured as it was asked
// for, with its placeholders not filled in.
type TextReport struct {
	Encoding   sms.Encoding `json:"encoding"`
	Units      int          `json:"units"`
	Parts      int          `json:"parts"`                // of one message
	Odd        string       `json:"odd,omitempty"`        // the first character that forces UCS-2
	Position   int          `json:"position,omitempty"`   // its position in characters, from 1
	Substitute string       `json:"substitute,omitempty"` // what could be written instead
	Advice     string       `json:"advice,omitempty"`     // what to do about it, in words
	Differs    string       `json:"differs,omitempty"`    // from the gateway's parts, in words
	// The placeholders that the gateway fills in, and what only looks like one.
	Placeholders []string `json:"placeholders,omitempty"`
	Lookalikes   []string `json:"lookalikes,omitempty"`
}

// report compares a text with what the gateway counted.
func report(r Request, goal Goal) TextReport {
	size := sms.Measure(r.Text)
	t := TextReport{Encoding: size.Encoding, Units: size.Units, Parts: size.Parts,
		Placeholders: sms.Placeholders(r.Text), Lookalikes: sms.Lookalikes(r.Text)}
	if odd, found := sms.FirstOdd(r.Text); found {
		t.Odd, t.Position, t.Substitute, t.Advice = odd.Text, odd.Position, odd.Instead, odd.Advice()
	}
	if ours := goal.Valid * int64(size.Parts); ours != goal.Parts && !strings.Contains(r.Text, "{{") {
		t.Differs = fmt.Sprintf("the gateway estimates %d parts for %d recipients, the text itself makes %d", goal.Parts, goal.Valid, ours)
	}
	return t
}

// Confirmation says that the gateway has accepted the campaign.
type Confirmation struct {
	At       time.Time `json:"at"`
	For      time.Time `json:"for,omitzero"` // zero: immediately
	ReadBack bool      `json:"read_back,omitempty"`
}
