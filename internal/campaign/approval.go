package campaign

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Need is what a quoted campaign waits for, why, and until when.
type Need struct {
	For   NeedKind  `json:"for"`
	Why   string    `json:"why"` // in a sentence
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`          // then it is rejected, or for a window looked at again
	Again time.Time `json:"again,omitzero"` // no draft is made before then; zero: it has one
}

// NeedKind sorts what a campaign can wait for.
type NeedKind string

const (
	NeedApproval NeedKind = "approval"
	NeedCredit   NeedKind = "credit"
	NeedWindow   NeedKind = "window"
	NeedInstant  NeedKind = "instant"
)

// NeedKinds lists everything that a campaign can wait for.
var NeedKinds = []NeedKind{NeedApproval, NeedCredit, NeedWindow, NeedInstant}

// Approval is a person's yes to one quote, and to no other.
type Approval struct {
	QuoteID string    `json:"quote_id"`
	By      string    `json:"by"`
	Actor   string    `json:"actor,omitempty"` // the name that was proven; empty: none was
	At      time.Time `json:"at"`
	Quote   Quote     `json:"quote"` // the quote that the person saw
	// Proof is the request id of a proof that had reached a phone before, and that this
	// person had asked for; empty: there was none.
	Proof string `json:"proof,omitempty"`
}

// Approve is a person's yes to a quote.
type Approve struct {
	QuoteID string
	By      string
	Actor   string // as in Cancel
	Proof   string // as in Approval
}

// Decline is a person's no to a quote.
type Decline struct {
	QuoteID string
	By      string
	Actor   string // as in Cancel
	Why     string
}

func (Approve) input() {}
func (Decline) input() {}

// QuoteID stands for exactly this text, sender, list (or people), recipients, parts, price
// and currency. If one of them changes, the id changes. It is short enough to be read out
// on the phone.
func QuoteID(r Request, q Quote) string {
	b := make([]byte, 0, 512)
	for _, part := range [...]string{
		r.Text, r.Sender, strconv.FormatInt(r.ListID, 10), strconv.FormatBool(r.Unicode),
		strconv.FormatInt(q.Goal.Valid, 10), strconv.FormatInt(q.Goal.Parts, 10),
		q.Price.PerMessage.Amount.String(), q.Price.Total.Amount.String(), q.Price.Total.Currency,
	} {
		b = strconv.AppendInt(b, int64(len(part)), 10) // the lengths keep "a"+"bc" from being "ab"+"c"
		b = append(append(b, ':'), part...)
	}
	if q.Audience != "" {
		b = append(append(b, "people:"...), q.Audience...) // the list's number is new for each list of the same people
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// covers says that the approval is good for a quote: it is the approved one, or differs
// from it by no more than is tolerated.
func (a *Approval) covers(r Request, q Quote, tolerance int64) bool {
	switch {
	case a == nil:
		return false
	case a.QuoteID == QuoteID(r, q):
		return true
	case tolerance == 0:
		return false
	}
	was, is := a.Quote.Goal, q.Goal
	return a.Quote.Price.PerMessage.Equal(q.Price.PerMessage) &&
		q.Price.Total.within(a.Quote.Price.Total.plus(tolerance)) &&
		drift(was.Valid, is.Valid) <= tolerance && drift(was.Parts, is.Parts) <= tolerance
}

// moved says in words what makes an approval void: each figure that differs from the
// approved one.
func (a *Approval) moved(q Quote) string {
	var what []string
	say := func(name, was, is string) {
		if was != is {
			what = append(what, fmt.Sprintf("%s %s instead of %s", name, is, was))
		}
	}
	count := func(n int64) string { return strconv.FormatInt(n, 10) }
	say("recipients are", count(a.Quote.Goal.Valid), count(q.Goal.Valid))
	say("parts are", count(a.Quote.Goal.Parts), count(q.Goal.Parts))
	say("the price of one is", a.Quote.Price.PerMessage.String(), q.Price.PerMessage.String())
	say("the total is", a.Quote.Price.Total.String(), q.Price.Total.String())
	return strings.Join(what, ", ")
}

// drift is the difference of two counts in percent, rounded up.
func drift(was, is int64) int64 {
	d := is - was
	if d < 0 {
		d = -d
	}
	if d == 0 {
		return 0
	}
	return (d*100 + max(was, 1) - 1) / max(was, 1)
}

// approve takes a person's yes. The draft has waited, so it is deleted, and a new one
// is quoted: what is confirmed is what the gateway quotes now, if the approval covers
// it. The approval is only noted here, and the campaign's timer does the rest. So a
// worker on the lane of commands makes no calls to the gateway for it, and the next
// command need not wait.
func (t *transition) approve(in Approve) Decision {
	if a := t.c.Approval; a != nil && a.QuoteID == in.QuoteID && (a.By == in.By || !t.c.State.Final()) {
		return Decision{Next: t.c} // the same yes again
	}
	if no := t.notAwaited(in.QuoteID); no != "" {
		return Decision{Next: t.c, Objection: no}
	}
	t.c.Approval = &Approval{QuoteID: in.QuoteID, By: in.By, Actor: in.Actor, At: t.now, Quote: *t.c.Quote, Proof: in.Proof}
	t.c.Need = nil
	t.emit(Event{Type: EventApproved, N: t.c.ApprovalN, QuoteID: in.QuoteID, Approval: t.c.Approval})
	t.giveUp(Abandoning, nil)
	return t.wait(approvalLead, in.By+" approved it: it is quoted once more")
}

// decline takes a person's no.
func (t *transition) decline(in Decline) Decision {
	if why := t.c.Reason; why != nil && why.Code == ReasonDeclined && (why.By == in.By || !t.c.State.Final()) {
		return Decision{Next: t.c} // the same no again
	}
	if no := t.notAwaited(in.QuoteID); no != "" {
		return Decision{Next: t.c, Objection: no}
	}
	why := Reason{Code: ReasonDeclined, By: in.By, Actor: in.Actor, Message: in.By + " declined it"}
	if in.Why != "" {
		why.Message += ": " + in.Why
	}
	t.c.Need = nil
	t.giveUp(Rejecting, &why)
	return t.wait(approvalLead, in.By+" declined it: its draft is withdrawn")
}

// approvalLead is how soon the campaign's timer goes on after the command.
const approvalLead = time.Second

// notAwaited says why no approval of this quote is awaited; empty: one is.
func (t *transition) notAwaited(id string) string {
	switch {
	case t.c.State != Quoted || t.c.Need == nil || t.c.Need.For != NeedApproval:
		return fmt.Sprintf("campaign %s does not wait for an approval, it is %s", t.c.Key, t.c.State)
	case !t.now.Before(t.c.Need.Until):
		return fmt.Sprintf("campaign %s could be answered until %s, and nobody had: ask again under a new request id", t.c.Key, t.c.Need.Until.Format(time.RFC3339))
	case id != QuoteID(t.c.Request, *t.c.Quote):
		return fmt.Sprintf("quote %s is not the one that campaign %s waits with, which is %s: look at it again", id, t.c.Key, QuoteID(t.c.Request, *t.c.Quote))
	}
	return ""
}
