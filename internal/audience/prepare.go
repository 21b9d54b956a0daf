package audience

import (
	"bufio"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"io"
	"slices"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Wish says how recipients are prepared.
type Wish struct {
	Region string           // of national numbers, ISO 3166; empty: there are none
	Fields []string         // that the text has, as in {{code}}; nothing else of a recipient is uploaded
	Lacks  campaign.Lacking // what becomes of whom lacks one of them
	// Each hears of everybody who gets a message, with the values of the fields. Nil: nobody
	// does. It keeps no values.
	Each func(e164 string, values []string)
	// Suppressed are the numbers that get nothing. Nil: all may get something.
	Suppressed func(e164 string) bool
}

// Reason is why a recipient is left out.
type Reason string

const (
	Malformed  Reason = "malformed"  // it is no phone number
	Duplicate  Reason = "duplicate"  // the number was given before; the first one stands
	Suppressed Reason = "suppressed" // it is among the numbers that get nothing
	Lacking    Reason = "lacking"    // it lacks a field that the text has
)

// Reasons lists every reason, in the order in which they are looked for.
var Reasons = []Reason{Malformed, Duplicate, Suppressed, Lacking}

// Left is a recipient that is left out. It says nothing of the recipient but its place.
type Left struct {
	Place  Place
	Reason Reason
	Why    string // of a number that is malformed, or the fields that are lacking
}

// Prepared is what recipients have become.
type Prepared struct {
	Given int64            // recipients
	Valid int64            // of them, who get a message
	Out   map[Reason]int64 // of them, who get none, by the first reason; given = valid + all of these
	// Lacking says how many of those whose number counts lack a field, by its name. With
	// [campaign.Empty] they are valid all the same.
	Lacking map[string]int64
	// Digest is the SHA-256 of the file that is uploaded, in hexadecimal: who gets a
	// message, in which order, with which fields.
	Digest string
}

// Prepare reads recipients and writes the file that is uploaded: CSV with a header, the
// number in international format, and the fields of the text in the order of [Wish.Fields].
// left, if it is not nil, hears who is left out.
//
// A text with a field that no recipient has is a fault, unless what is lacking may be empty.
func Prepare(contacts Contacts, w Wish, to io.Writer, left func(Left)) (Prepared, error) {
	p := preparing{wish: w, left: left, row: make([]string, 1+len(w.Fields))}
	p.Out, p.Lacking = map[Reason]int64{}, map[string]int64{}
	sum := sha256.New()
	buffered := bufio.NewWriter(io.MultiWriter(to, sum))
	p.file = csv.NewWriter(buffered)
	if err := p.file.Write(append([]string{NumberField}, w.Fields...)); err != nil {
		return p.Prepared, err
	}
	for c, err := range contacts {
		if err == nil && p.Given == Most {
			err = fault(0, "it has more than %d recipients: ask for several campaigns", Most)
		}
		if err == nil {
			err = p.take(c)
		}
		if err != nil {
			return p.Prepared, err
		}
	}
	p.file.Flush()
	if err := errors.Join(p.file.Error(), buffered.Flush()); err != nil {
		return p.Prepared, err
	}
	p.Digest = hex.EncodeToString(sum.Sum(nil))
	return p.Prepared, p.whole()
}

// preparing is a preparation under way.
type preparing struct {
	Prepared
	wish    Wish
	left    func(Left)
	counted int64   // recipients whose number counts
	seen    numbers // of those who get a message
	row     []string
	file    *csv.Writer
}

func (p *preparing) out(c Contact, why Reason, what string) {
	p.Out[why]++
	if p.left != nil {
		p.left(Left{c.Place, why, what})
	}
}

func (p *preparing) take(c Contact) error {
	p.Given++
	number, err := Number(c.Number, p.wish.Region)
	switch {
	case errors.Is(err, errLost):
		return &Fault{Place: c.Place, What: err.Error()}
	case err != nil:
		p.out(c, Malformed, err.Error())
		return nil
	}
	lacks, digits := "", key(number)
	p.counted++
	for i, value := range c.Values {
		if value == "" {
			p.Lacking[p.wish.Fields[i]]++
			lacks = join(lacks, p.wish.Fields[i])
		}
	}
	switch {
	case p.seen.has(digits):
		p.out(c, Duplicate, "")
		return nil
	case p.wish.Suppressed != nil && p.wish.Suppressed(number):
		p.out(c, Suppressed, "")
		return nil
	case lacks != "" && p.wish.Lacks == campaign.RejectLacking:
		return &Fault{Place: c.Place, What: "it lacks " + lacks + ", which the text has, and missing_field is reject"}
	case lacks != "" && p.wish.Lacks != campaign.Empty:
		p.out(c, Lacking, lacks)
		return nil
	}
	p.seen.add(digits)
	p.Valid++
	p.row[0] = number
	copy(p.row[1:], c.Values)
	if p.wish.Each != nil {
		p.wish.Each(number, p.row[1:])
	}
	return p.file.Write(p.row)
}

// whole looks at all of it, once it was read.
func (p *preparing) whole() error {
	if p.Given == 0 {
		return fault(0, "it has no recipients")
	}
	for _, f := range p.wish.Fields {
		if p.wish.Lacks != campaign.Empty && p.counted > 0 && p.Lacking[f] == p.counted {
			return fault(0, "the text has {{%s}}, and no recipient has a field of that name: give them one, or take it out of the text", f)
		}
	}
	return nil
}

// key is a number as an integer: eight bytes, where a text takes forty.
func key(e164 string) (digits uint64) {
	for _, d := range []byte(e164[1:]) {
		digits = 10*digits + uint64(d-'0')
	}
	return digits
}

func join(list, one string) string {
	if list == "" {
		return one
	}
	return list + ", " + one
}

// Fields are those of a text's placeholders that recipients have to have: the number
// itself is not one of them.
func Fields(placeholders []string) []string {
	return slices.DeleteFunc(slices.Clone(placeholders), func(name string) bool { return fold(name) == fold(NumberField) })
}
