package campaign

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
)

// Proof is a message on a few phones, before somebody approves the quote that it shows. It
// is a campaign of its own: the quoted text and sender, to people of its own, for no more
// than its cap. Its key follows from the quote, so the same proof is sent once, however
// often it is asked for.
//
// The rules never see a number: whoever asks lays the people down before, and names them by
// their digest.
type Proof struct {
	QuoteID string    `json:"quote_id"`
	N       int       `json:"n"` // its ordinal among the proofs of that quote, from 1
	By      string    `json:"by"`
	Actor   string    `json:"actor,omitempty"` // the name that was proven; empty: none was
	At      time.Time `json:"at"`
	People  Audience  `json:"people"`
	Cap     Money     `json:"cap"`   // what it may cost
	Until   time.Time `json:"until"` // when it is of no use any more
}

// Prove asks for a proof of the quote that a campaign waits with.
type Prove struct {
	QuoteID string
	N       int // as in Proof
	By      string
	Actor   string // as in Cancel
	People  Audience
	Phones  int // how many people these are; it bounds what they may cost
}

func (Prove) input() {}

// PhonesOfAProof is to how many phones a proof goes at most.
const PhonesOfAProof = 5

// proofsAtMost is how many proofs a campaign has in all: each of them costs something.
const proofsAtMost = 10

// Key is that of the proof's own campaign, given the campaign that it is of.
func (p Proof) Key(of Key) Key {
	sum := sha256.Sum256([]byte(of.String() + " " + p.QuoteID)) // two campaigns may have the same quote
	return Key{Source: of.Source, RequestID: "proof-" + hex.EncodeToString(sum[:8]) + "-" + strconv.Itoa(p.N)}
}

// Request is what is asked for, to send the proof. It is the same whenever it is made.
func (p Proof) Request(of Campaign) Request {
	r, people := of.Request, p.People
	return Request{
		Name: r.Name, Description: fmt.Sprintf("Proof %d of quote %s of %s", p.N, p.QuoteID, of.Key),
		Sender: r.Sender, Text: r.Text, Unicode: r.Unicode, Simulation: r.Simulation,
		Audience: &people, Lacking: RejectLacking, ExpiresAt: p.Until, Limits: Limits{MaxTotal: p.Cap},
	}
}

// sameSpeaker says that two names are one person's: both proven, or both only said.
func sameSpeaker(by, actor, otherBy, otherActor string) bool {
	return actor == otherActor && (actor != "" || by == otherBy)
}

// Proven are the proofs of a quote that the person who now approves it has asked for.
func (c Campaign) Proven(a Approve) (proofs []Proof) {
	for _, p := range c.Proofs {
		if p.QuoteID == a.QuoteID && sameSpeaker(p.By, p.Actor, a.By, a.Actor) {
			proofs = append(proofs, p)
		}
	}
	return proofs
}

// prove notes a proof. It is asked for once that is saved: whoever repeats the command after
// a crash finds it in the record.
func (t *transition) prove(in Prove) Decision {
	of := 0
	for _, p := range t.c.Proofs {
		if p.QuoteID != in.QuoteID {
			continue
		}
		of++
		switch {
		case p.N != in.N:
		case p.People.Digest == in.People.Digest:
			return Decision{Next: t.c} // the same proof again
		default:
			return Decision{Next: t.c, Objection: fmt.Sprintf("proof %d of quote %s was asked for already, by %s: it is campaign %s", p.N, p.QuoteID, p.By, p.Key(t.c.Key))}
		}
	}
	if no := t.notAwaited(in.QuoteID); no != "" {
		return Decision{Next: t.c, Objection: no}
	}
	limit, known := t.proofCap(in.Phones)
	switch {
	case len(t.c.Proofs) >= proofsAtMost:
		return Decision{Next: t.c, Objection: fmt.Sprintf("campaign %s has had %d proofs, which is the most", t.c.Key, len(t.c.Proofs))}
	case in.N != of+1:
		return Decision{Next: t.c, Objection: fmt.Sprintf("quote %s has had %d proofs, so the next one is %d, not %d", in.QuoteID, of, of+1, in.N)}
	case !known:
		return Decision{Next: t.c, Objection: fmt.Sprintf("quote %s says no price, so nothing bounds what a proof costs", in.QuoteID)}
	}
	t.c.Proofs = append(slices.Clip(t.c.Proofs), Proof{
		QuoteID: in.QuoteID, N: in.N, By: in.By, Actor: in.Actor, At: t.now, People: in.People, Cap: limit, Until: t.c.Need.Until,
	})
	return t.save()
}

// proofCap is what a proof to so many phones may cost: as many parts as a message of the
// quote has, rounded up, and one more, because what is filled in may be longer.
func (t *transition) proofCap(phones int) (limit Money, known bool) {
	q := t.c.Quote
	one := q.Price.PerMessage
	if one.Currency == "" || q.Goal.Valid <= 0 {
		return Money{}, false
	}
	parts := (q.Goal.Parts + q.Goal.Valid - 1) / q.Goal.Valid
	return Money{Amount: one.Amount.Mul(decimal.NewFromInt(int64(phones) * (parts + 1))), Currency: one.Currency}, true
}
