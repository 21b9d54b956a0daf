package campaign

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Hold is why a quoted campaign waits, and until when.
type Hold struct {
	For   HoldKind  `json:"for"`
	Why   string    `json:"why"` // in a sentence
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`          // then it is rejected
	Again time.Time `json:"again,omitzero"` // no draft is made before; zero: it has one
}

// HoldKind sorts what a campaign can wait for.
type HoldKind string

const (
	HoldApproval HoldKind = "approval"
	HoldCredit   HoldKind = "credit"
	HoldWindow   HoldKind = "window"
)

// Approval is somebody's word for one quote, and for nothing else.
type Approval struct {
	QuoteID string    `json:"quote_id"`
	By      string    `json:"by"`
	Actor   string    `json:"actor,omitempty"` // who proved to be the speaker; empty: nobody did
	At      time.Time `json:"at"`
	Quote   Quote     `json:"quote"` // what was seen
}

// Approve is somebody's yes to a quote, Decline a no.
type Approve struct {
	QuoteID string
	By      string
	Actor   string // as in CancelAsked
}

// Decline is somebody's no to a quote.
type Decline struct {
	QuoteID string
	By      string
	Actor   string // as in CancelAsked
	Why     string
}

func (Approve) input() {}
func (Decline) input() {}

// QuoteID stands for exactly this text, sender, list, recipients, parts, price
// and currency: if one of them moves it is another id. It is short enough to
// be read out on the phone.
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
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// covers says that what was approved still is what would be sent: the same
// quote, or one that has drifted no further than is tolerated.
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

// moved says what makes an approval void, in words: each figure that is not what
// was approved.
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

// drift is by how many percent two counts differ, rounded up.
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

// approve takes somebody's yes. The draft has waited, so it is thrown away and
// quoted anew: what is confirmed is what the gateway says now, if that still
// is what was approved. It is only noted here, and its timer does the rest: who
// hears commands calls no gateway for it, and the next command does not wait.
func (t *turn) approve(in Approve) Decision {
	if a := t.c.Approval; a != nil && a.QuoteID == in.QuoteID && (a.By == in.By || !t.c.State.Final()) {
		return Decision{Next: t.c} // the same yes again
	}
	if no := t.unasked(in.QuoteID); no != "" {
		return Decision{Next: t.c, Refused: no}
	}
	t.c.Approval = &Approval{QuoteID: in.QuoteID, By: in.By, Actor: in.Actor, At: t.now, Quote: *t.c.Quote}
	t.c.Hold = nil
	t.emit(Event{Type: EventApproved, N: t.c.ApprovalN, QuoteID: in.QuoteID, Approval: t.c.Approval})
	t.giveUp(Abandoning, nil)
	return t.wait(handOver, in.By+" approved it: it is quoted once more")
}

// decline takes somebody's no.
func (t *turn) decline(in Decline) Decision {
	if why := t.c.Reason; why != nil && why.Code == ReasonDeclined && (why.By == in.By || !t.c.State.Final()) {
		return Decision{Next: t.c} // the same no again
	}
	if no := t.unasked(in.QuoteID); no != "" {
		return Decision{Next: t.c, Refused: no}
	}
	why := Reason{Code: ReasonDeclined, By: in.By, Actor: in.Actor, Message: in.By + " declined it"}
	if in.Why != "" {
		why.Message += ": " + in.Why
	}
	t.c.Hold = nil
	t.giveUp(Rejecting, &why)
	return t.wait(handOver, in.By+" declined it: its draft is withdrawn")
}

// handOver is how soon a timer takes over from the command.
const handOver = time.Second

// unasked says why an answer is to no question.
func (t *turn) unasked(id string) string {
	switch {
	case t.c.State != Quoted || t.c.Hold == nil || t.c.Hold.For != HoldApproval:
		return fmt.Sprintf("campaign %s does not wait for an approval, it is %s", t.c.Key, t.c.State)
	case !t.now.Before(t.c.Hold.Until):
		return fmt.Sprintf("campaign %s could be answered until %s, and nobody had: ask again under a new request id", t.c.Key, t.c.Hold.Until.Format(time.RFC3339))
	case id != QuoteID(t.c.Request, *t.c.Quote):
		return fmt.Sprintf("quote %s is not the one that campaign %s waits with, which is %s: look at it again", id, t.c.Key, QuoteID(t.c.Request, *t.c.Quote))
	}
	return ""
}
