package uc006

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/gateway"
)

// maybe is a value that no decision needs. If it cannot be read, it counts as absent,
// and the rest of the answer is used.
type maybe[T any] struct {
	value T
	given bool
}

func (m *maybe[T]) UnmarshalJSON(token []byte) error {
	*m = maybe[T]{}
	if string(token) == "null" {
		return nil
	}
	if m.given = unmarshal(token, &m.value) == nil; !m.given {
		m.value = *new(T)
	}
	return nil
}

// unmarshal is [json.Unmarshal] for a token that a JSON reader has found: it need not be
// checked again, and a plain text is what stands between its quotes.
func unmarshal(token []byte, into any) error {
	switch v := into.(type) {
	case json.Unmarshaler:
		return v.UnmarshalJSON(token)
	case *string:
		if token[0] == '"' && bytes.IndexByte(token, '\\') < 0 && utf8.Valid(token) {
			*v = string(token[1 : len(token)-1])
			return nil
		}
	}
	return json.Unmarshal(token, into)
}

// pointer is the value, or nil if it is not there.
func (m maybe[T]) pointer() *T {
	if !m.given {
		return nil
	}
	return &m.value
}

// statuses are the gateway's words and numbers for where a campaign stands.
var statuses = map[string]campaign.Status{
	"DRAFT": campaign.StatusUnconfirmed, "CONFIGURED": campaign.StatusUnconfirmed, "COST_CALCULATED": campaign.StatusUnconfirmed, "0": campaign.StatusUnconfirmed,
	"CONFIRMED": campaign.StatusConfirmed, "1": campaign.StatusConfirmed,
	"SENDING": campaign.StatusSending, "2": campaign.StatusSending,
	"COMPLETED": campaign.StatusCompleted, "3": campaign.StatusCompleted,
	"FAILED": campaign.StatusFailed, "4": campaign.StatusFailed,
}

// status is the gateway's status, as a name or as a number. This is the only
// place that reads it.
type status struct{ campaign.Status }

func (s *status) UnmarshalJSON(token []byte) error {
	s.Status = ""
	switch token[0] {
	case 'n': // null
		return nil
	case '{', '[', 't', 'f':
		return errors.New("its status is neither a word nor a number")
	}
	word := strings.ToUpper(strings.TrimSpace(strings.Trim(string(token), `"`)))
	if d, ok := number(token); ok {
		word = d.String() // 1.0 is 1
	}
	switch known, ok := statuses[word]; {
	case ok:
		s.Status = known
	case word == "FAIL", word == "ERROR":
		return errors.New("a success whose body says " + gateway.Cut(string(token), 40))
	case word != "":
		s.Status = campaign.StatusUnknown
	}
	return nil
}

// number reads a JSON number from its digits, also one written as text.
func number(token []byte) (decimal.Decimal, bool) {
	const digits, exponent = 40, 40 // a few characters of exponent could make a number of gigabytes
	if len(token) > digits {
		return decimal.Decimal{}, false
	}
	d, err := decimal.NewFromString(strings.Trim(string(token), `"`))
	if err != nil || d.Exponent() > exponent || d.Exponent() < -exponent {
		return decimal.Decimal{}, false
	}
	return d, true
}

// wholeNumber is a whole number, however it is written: JSON knows one kind of number,
// so 10247, 10247.0, 1e3 and "1542" are whole.
type wholeNumber struct {
	n     int64
	given bool
}

func (w *wholeNumber) UnmarshalJSON(token []byte) error {
	*w = wholeNumber{}
	if string(token) == "null" {
		return nil
	}
	n, err := strconv.ParseInt(string(token), 10, 64)
	if err != nil {
		d, ok := number(token)
		if !ok || !d.IsInteger() || !d.BigInt().IsInt64() {
			return errors.New("a number that is not whole: " + gateway.Cut(string(token), 40))
		}
		n = d.IntPart()
	}
	w.n, w.given = n, true
	return nil
}

// amount is an exact number, read from the digits themselves. One in full double
// precision (344.08500000000004) has more decimals than money has, and is rounded.
type amount struct {
	decimal.Decimal
	given bool
}

func (a *amount) UnmarshalJSON(token []byte) error {
	*a = amount{}
	if string(token) == "null" {
		return nil
	}
	d, ok := number(token)
	if !ok {
		return errors.New("an amount that is no number: " + gateway.Cut(string(token), 40))
	}
	a.Decimal, a.given = d.Round(campaign.MoneyDecimals), true
	return nil
}

// scheduledForm is how UC-006 writes an instant that we send: no colon in the
// offset.
const scheduledForm = "2006-01-02T15:04:05.000-0700"

// instant is a moment in any of the vendor's forms. One that cannot be read is zero: no
// decision needs it.
type instant struct{ time.Time }

func (t *instant) UnmarshalJSON(token []byte) error {
	text := strings.Trim(string(token), `"`)
	for _, form := range []string{time.RFC3339, scheduledForm, "2006-01-02 15:04:05.000-0700"} {
		if at, err := time.Parse(form, text); err == nil {
			t.Time = at.UTC()
			return nil
		}
	}
	return nil
}
