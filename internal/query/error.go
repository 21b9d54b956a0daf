package query

import (
	"errors"
	"fmt"
	"strings"
)

// Error is an answer that says why there is no other answer.
type Error struct {
	Code  Code   `json:"code"`
	Field string `json:"field,omitempty"` // of the question, if one is at fault
	Text  string `json:"text"`            // a sentence: what is wrong, and what to do
}

func (e *Error) Error() string { return e.Text }

// Code sorts errors, for programs.
type Code string

const (
	BadQuestion Code = "bad_question" // it breaks a rule: correct it
	NotYours    Code = "not_yours"    // it is another source's
	NotFound    Code = "not_found"
	TooLarge    Code = "too_large" // the answer does not fit into one message
	TooMany     Code = "too_many"  // too many questions of the asker are being answered: ask again
	Failed      Code = "failed"    // the service could not read it
	TooSlow     Code = "too_slow"  // it could not read it in time
	Closing     Code = "closing"   // the service is about to end: ask again, another may answer
	Unpriced    Code = "unpriced"  // no price can be asked of the gateway now, or ever

	// NoAnswer means that no service answered. The asking program sets it; no service
	// sends it.
	NoAnswer Code = "no_answer"
)

// Codes are those that an answer can have, with the HTTP status of the same meaning: a
// NATS micro service gives a number too.
var Codes = map[Code]string{
	BadQuestion: "400", NotYours: "403", NotFound: "404", TooLarge: "413", TooMany: "429", Failed: "500", Closing: "503", Unpriced: "503", TooSlow: "504",
}

// Is says that an error is an answer of this code.
func Is(err error, code Code) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}

func bad(field, format string, args ...any) error {
	return &Error{BadQuestion, field, fmt.Sprintf(format, args...)}
}

// oneLine is a text that fits into a header.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
