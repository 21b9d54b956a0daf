package staffetta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/staffetta-io/staffetta/proto/staffetta/internal/wire"
)

// QueryError is an answer that says why there is no other answer.
type QueryError struct {
	Code  string `json:"code"`            // bad_question, not_yours, not_found …: docs/query.md lists them
	Field string `json:"field,omitempty"` // of the question, if one is at fault
	Text  string `json:"text"`            // a sentence: what is wrong, and what to do
}

// Error is the sentence.
func (e *QueryError) Error() string { return e.Text }

// Codes of a [QueryError] that a program may want to tell apart.
const (
	NotFound = "not_found" // there is no such thing, or no such thing of yours
	NotYours = "not_yours" // it is another source's
	NoAnswer = "no_answer" // no service answered: is it running?
)

// IsCode says that an error is an answer of this code.
func IsCode(err error, code string) bool {
	var e *QueryError
	return errors.As(err, &e) && e.Code == code
}

// Query asks the service a question and reads the answer: verbs, questions and answers are
// those of docs/query.md, both in JSON; question nil is the empty one. An error says in a
// sentence why there is no answer; if the service said it, it is a [*QueryError].
//
//	var why struct{ Summary string }
//	err := client.Query(ctx, "why", map[string]string{"key": "shop-italia.bf-2026"}, &why)
func (c *Client) Query(ctx context.Context, verb string, question, answer any) error {
	return c.ask(ctx, verb, question, answer, answerWithin)
}

func (c *Client) ask(ctx context.Context, verb string, question, answer any, within time.Duration) error {
	data := []byte("{}")
	if question != nil {
		var err error
		if data, err = json.Marshal(question); err != nil {
			return fmt.Errorf("ask %s: %w", verb, err)
		}
	}
	for try := 0; ; try++ {
		err := c.askOnce(ctx, verb, data, answer, within)
		if busy := IsCode(err, "too_many") || IsCode(err, "closing"); !busy || try == busyTries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(busyPause << try):
		}
	}
}

// A question that the service had no room for is asked again, so often, after a pause that
// doubles.
const busyTries, busyPause = 5, 100 * time.Millisecond

// answerWithin is how long an answer is waited for: the service takes ten seconds at most.
const answerWithin = 12 * time.Second

func (c *Client) askOnce(ctx context.Context, verb string, question []byte, answer any, wait time.Duration) error {
	within, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	h, data, err := c.conn.Ask(within, queryPrefix+verb, question)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, wire.ErrNobody):
		return &QueryError{Code: NoAnswer, Text: "no service answers " + queryPrefix + verb + ": is it running?"}
	case err != nil:
		return fmt.Errorf("ask %s: %w", queryPrefix+verb, err)
	}
	if said := wire.Get(h, "Nats-Service-Error"); said != "" {
		var no struct {
			Error *QueryError `json:"error"`
		}
		if err := json.Unmarshal(data, &no); err != nil || no.Error == nil {
			return &QueryError{Code: "failed", Text: said}
		}
		return no.Error
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return fmt.Errorf("what %s answers cannot be read: %w", queryPrefix+verb, err)
	}
	return nil
}
