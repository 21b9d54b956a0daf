package campaign

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
)

// Forget removes from a record what was written to people: name, description and text,
// and the gateway's words, which may quote them. The proof stays: the quote, the
// confirmation, the end, the cost, and the names of those that asked, approved and
// cancelled.
type Forget struct {
	By    string
	Actor string // as in Cancel
}

func (Forget) input() {}

// Forgotten says by whose command a campaign was forgotten, and when.
type Forgotten struct {
	By    string    `json:"by"`
	Actor string    `json:"actor,omitempty"` // as in Cancellation
	At    time.Time `json:"at"`
}

// ByRetention stands in By if no person forgot the campaign: its text had been kept for
// as long as it may be.
const ByRetention = "retention.text"

// outlived says that a campaign's text has been kept for as long as it may be. What it
// still owes is published and settled first.
func (t *transition) outlived() bool {
	return t.Retention > 0 && t.c.State.Forgettable() && t.c.Forgotten == nil && !t.c.unsettled() &&
		t.c.Wake.IsZero() && !t.now.Before(t.c.Since.Add(t.Retention))
}

// erased forgets the campaign's text after its messages are erased. The order matters:
// after a crash between the two, the record is not yet forgotten, so it is found again.
// Without an answer nothing is stored, and the next sweep finds it.
func (t *transition) erased(o Outcome) Decision {
	t.c.run = run{}
	if o.Kind != OK {
		return Decision{Next: t.c}
	}
	return t.forget(Forget{By: ByRetention})
}

// forget takes a person's wish that the text is forgotten.
func (t *transition) forget(in Forget) Decision {
	switch {
	case !t.c.State.Forgettable():
		return Decision{Next: t.c, Objection: fmt.Sprintf(
			"campaign %s is %s: only what has ended for good can be forgotten", t.c.Key, t.c.State)}
	case t.c.Forgotten != nil:
		return Decision{Next: t.c} // the same wish again
	case t.c.unsettled():
		return Decision{Next: t.c, Objection: fmt.Sprintf("campaign %s has ended, and its cost is not in the budgets yet: forget it in a minute", t.c.Key)}
	}
	t.c = t.c.Untold()
	t.c.Forgotten = &Forgotten{By: in.By, Actor: in.Actor, At: t.now}
	if t.c.uncleared() {
		t.c.Wake = t.nextDue() // its people are removed now, too
	}
	return t.save()
}

// Untold is the campaign without what was written to people: name, description and text,
// and the gateway's words, which may quote them.
func (c Campaign) Untold() Campaign {
	r := &c.Request
	if r.Known() {
		r.Said = r.digest()
	}
	r.Name, r.Description, r.Text = "", "", ""
	if c.Reason != nil {
		why := *c.Reason
		why.Gateway = ""
		c.Reason = &why
	}
	kept := make([]Attempt, len(c.Attempts))
	for i, a := range c.Attempts {
		if a.Kind != OK {
			a.Note = ""
		}
		kept[i] = a
	}
	c.Attempts = kept
	return c
}

// Known says that the record knows what was asked for. A record that was rebuilt from
// its events does not, and one that a cancel left does not either.
func (r Request) Known() bool { return r.Name != "" || r.Said != "" }

// digest stands for name, description and text, so that a forgotten request is still
// recognised when it comes again.
func (r Request) digest() string {
	if r.Said != "" {
		return r.Said
	}
	h := sha256.New()
	for _, part := range [...]string{r.Name, r.Description, r.Text} {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part)) // the lengths keep "a"+"bc" from being "ab"+"c"
	}
	return hex.EncodeToString(h.Sum(nil))
}
