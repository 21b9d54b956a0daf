// Package sms knows what a text message is on the wire: which alphabet a text
// needs, how many parts it takes, what a phone number and a sender look like,
// and how {{field}} placeholders are filled.
//
// It refuses to know about campaigns, prices, gateways and contacts. It is pure:
// no clock, no I/O, no state, and every function is safe for concurrent use.
//
// Sources: 3GPP TS 23.038 §6.2.1 (default alphabet and extension table), 3GPP
// TS 23.040 §9.2.3.24.1 (concatenation takes 6 octets of the 140), ITU-T E.164.
package sms

import "github.com/staffetta-io/staffetta/proto/gsm7"

// Encoding is the alphabet in which a text travels.
type Encoding string

const (
	// GSM7 packs 160 septets into one message: the 3GPP default alphabet and its
	// extension table, nothing else.
	GSM7 Encoding = "GSM-7"
	// UCS2 carries every character, and only 70 UTF-16 code units per message.
	UCS2 Encoding = "UCS-2"
)

// Room in one message, alone and as a part of several. A message has 140 octets;
// the header that lets a telephone put parts together again takes 6 of them.
const (
	gsm7Alone, gsm7Part = 160, 153
	ucs2Alone, ucs2Part = 70, 67
)

// Size says what a text costs on the wire.
type Size struct {
	Encoding Encoding
	// Units are septets in GSM-7, where a character of the extension table takes
	// two, and UTF-16 code units in UCS-2, where a character beyond U+FFFF takes
	// two. What is lost at the end of a part because a character may not be torn
	// apart is not counted.
	Units int
	// Parts are the messages that the text takes, at least 1: an empty text is
	// still a message when it is sent.
	Parts int
}

// Measure sizes a text in GSM-7 if every character fits, else in UCS-2: one
// character outside GSM-7 turns the whole text into UCS-2.
func Measure(text string) Size {
	units, parts, inside := measureGSM7(text)
	if !inside {
		return measureUCS2(text)
	}
	return Size{GSM7, units, parts}
}

// MeasureAs sizes a text in the given encoding. In GSM-7 a character outside the
// alphabet counts one septet, as if it were replaced by a question mark; see
// Outside. Any encoding other than GSM7 is taken as UCS2.
func MeasureAs(text string, enc Encoding) Size {
	if enc != GSM7 {
		return measureUCS2(text)
	}
	units, parts, _ := measureGSM7(text)
	return Size{GSM7, units, parts}
}

// Outside finds the first character that GSM-7 cannot carry. The position counts
// characters from 1, as a person would. A byte that is not UTF-8 is reported as
// U+FFFD.
func Outside(text string) (char rune, position int, found bool) {
	for _, r := range text {
		position++
		if gsm7.Septets(r) == 0 {
			return r, position, true
		}
	}
	return 0, 0, false
}

func measureGSM7(text string) (units, parts int, inside bool) {
	inside = true
	p := packer{room: gsm7Part}
	for _, r := range text {
		n := gsm7.Septets(r)
		if n == 0 {
			n, inside = 1, false
		}
		p.add(n)
	}
	return p.units, p.result(gsm7Alone), inside
}

func measureUCS2(text string) Size {
	p := packer{room: ucs2Part}
	for _, r := range text {
		n := 1
		if r > 0xFFFF {
			n = 2
		}
		p.add(n)
	}
	return Size{UCS2, p.units, p.result(ucs2Alone)}
}

// packer fills parts with characters that may not be torn apart: an escape and
// its character, or a surrogate pair, moves to the next part as a whole.
type packer struct {
	room  int // of one part
	units int // so far, over all parts
	full  int // parts that are closed
	used  int // in the open part
}

func (p *packer) add(n int) {
	p.units += n
	if p.used+n > p.room {
		p.full++
		p.used = 0
	}
	p.used += n
}

// result is the number of parts, one when everything fits into a message alone.
func (p *packer) result(alone int) int {
	if p.units <= alone {
		return 1
	}
	return p.full + 1
}
