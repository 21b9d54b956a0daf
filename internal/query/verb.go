package query

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
)

// Subject is what the subject of every question begins with; behind it stands the
// verb. Somebody in an account of its own source has the source behind that, where the
// account's import puts it: see docs/query.md.
const Subject = "staffetta.query."

// Verbs of questions.
const (
	VerbGet       = "get"
	VerbList      = "list"
	VerbWhy       = "why"
	VerbDLQ       = "dlq"
	VerbBudget    = "budget"
	VerbSchedules = "schedules"
	VerbHealth    = "health"
)

// verb is a kind of question.
type verb struct {
	name, about string
	fields      []string // that the question may have
	answer      func(ctx context.Context, o Options, source string, data []byte) (any, error)
}

var verbs = []verb{
	asks(VerbGet, "the record of a campaign", Reader.Get),
	asks(VerbList, "which campaigns there are", Reader.List),
	asks(VerbWhy, "what happened to a campaign, and what it waits for", Reader.Why),
	asks(VerbDLQ, "dead letters", Reader.DLQ),
	asks(VerbBudget, "how far budgets are spent", Reader.Budget),
	asks(VerbSchedules, "schedules", Reader.Schedules),
	{VerbHealth, "how this service is", nil, func(_ context.Context, o Options, source string, data []byte) (any, error) {
		if err := decode(data, &HealthAsk{}, nil); err != nil {
			return nil, err
		}
		h := o.Health()
		if source != "" {
			h = Health{Ready: h.Ready} // the rest is about the house
		}
		return h, nil
	}},
}

// asks makes a verb of a method of [Reader].
func asks[A any, P interface {
	*A
	Ask
}, B any](name, about string, read func(Reader, context.Context, A) (B, error)) verb {
	fields := fieldsOf(reflect.TypeFor[A]())
	return verb{name, about, fields, func(ctx context.Context, o Options, source string, data []byte) (any, error) {
		ask := P(new(A))
		if err := decode(data, ask, fields); err != nil {
			return nil, err
		}
		if err := ask.Check(); err != nil {
			return nil, err
		}
		if source != "" {
			if err := ask.narrow(source); err != nil {
				return nil, err
			}
		}
		return read(o.Reader, ctx, *ask)
	}}
}

// fieldsOf are the names of a question's fields.
func fieldsOf(t reflect.Type) []string {
	var names []string
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

// decode reads a question; nothing at all asks for everything.
func decode(data []byte, ask any, fields []string) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err := d.Decode(ask)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			return bad("", "the question goes on behind its end: want one JSON object")
		}
		return nil
	}
	var wrong *Error
	var kind *json.UnmarshalTypeError
	unknown, isUnknown := strings.CutPrefix(err.Error(), "json: unknown field ")
	switch {
	case errors.As(err, &wrong):
		return wrong
	case isUnknown && len(fields) == 0:
		return bad(strings.Trim(unknown, `"`), "%s is no field of this question: it has none", unknown)
	case isUnknown:
		return bad(strings.Trim(unknown, `"`), "%s is no field of this question: it has %s", unknown, strings.Join(fields, ", "))
	case errors.As(err, &kind) && kind.Field != "":
		return bad(kind.Field, "%s is a %s: want %s", kind.Field, kind.Value, inWords(kind.Type))
	}
	return bad("", "the question is no JSON object: %v", err)
}

func inWords(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list of texts"
	case reflect.Int, reflect.Uint64:
		return "a number"
	}
	return "a text"
}
