package campaign

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
)

// Forget takes out of a record what was said to people: name, description, text and
// the gateway's words, which may quote it. The quote, the confirmation, the end, who
// asked, agreed and cancelled, and what it cost stay: they are the proof.
type Forget struct {
	By    string
	Actor string // as in CancelAsked
}

func (Forget) input() {}

// Forgotten says who had a campaign forgotten, and when.
type Forgotten struct {
	By    string    `json:"by"`
	Actor string    `json:"actor,omitempty"` // as in Cancel
	At    time.Time `json:"at"`
}

// Forgettable says that it has ended, and that nobody has to look for it any more.
func (c Campaign) Forgettable() bool {
	switch c.State {
	case Completed, Rejected, Cancelled, Failed:
		return true
	}
	return false
}

// forget takes somebody's wish that the text be forgotten.
func (t *turn) forget(in Forget) Decision {
	switch {
	case !t.c.Forgettable():
		return Decision{Next: t.c, Refused: fmt.Sprintf(
			"campaign %s is %s: only what has ended for good can be forgotten", t.c.Key, t.c.State)}
	case t.c.Forgotten != nil:
		return Decision{Next: t.c} // the same wish again
	case t.c.unsettled():
		return Decision{Next: t.c, Refused: fmt.Sprintf("campaign %s has ended, and its cost is not in the budgets yet: forget it in a minute", t.c.Key)}
	}
	t.c.Forgotten = &Forgotten{By: in.By, Actor: in.Actor, At: t.now}
	r := &t.c.Request
	r.Said = r.said()
	r.Name, r.Description, r.Text = "", "", ""
	if t.c.Reason != nil {
		why := *t.c.Reason
		why.Gateway = ""
		t.c.Reason = &why
	}
	kept := make([]Attempt, len(t.c.Attempts))
	for i, a := range t.c.Attempts {
		if a.Kind != OK {
			a.Note = ""
		}
		kept[i] = a
	}
	t.c.Attempts = kept
	return t.save()
}

// said stands for name, description and text: what is forgotten is still recognised
// when it is asked for again.
func (r Request) said() string {
	if r.Said != "" {
		return r.Said
	}
	h := sha256.New()
	for _, part := range [...]string{r.Name, r.Description, r.Text} {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part)) // the lengths keep "a"+"bc" from being "ab"+"c"
	}
	return hex.EncodeToString(h.Sum(nil))
}
