package query

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/spelling"
)

// oneObject is the form of a question.
const oneObject = `want one JSON object, as {"key":"shop-italia.black-friday-2026"}`

// decode reads a question; an empty one asks for everything. Each field is read by
// itself, so that an error names it.
func decode(data []byte, ask any, fields []string) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	var members map[string]json.RawMessage
	if err := d.Decode(&members); err != nil || members == nil {
		return bad("", "the question is no JSON object: %s", oneObject)
	}
	if _, more := d.Token(); !errors.Is(more, io.EOF) {
		return bad("", "the question goes on behind its end: %s", oneObject)
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if err := decodeField(name, members[name], ask, fields); err != nil {
			return err
		}
	}
	return nil
}

func decodeField(name string, value json.RawMessage, ask any, fields []string) error {
	known := slices.IndexFunc(fields, func(f string) bool { return strings.EqualFold(f, name) })
	switch {
	case len(fields) == 0:
		return bad(name, "%q is no field of this question: it has none", name)
	case known < 0:
		return bad(name, "%q is no field of this question%s it has %s", name, cmp.Or(spelling.Meant(name, fields), ":"), strings.Join(fields, ", "))
	}
	name = fields[known]
	field, err := json.Marshal(map[string]json.RawMessage{name: value})
	if err != nil {
		return err
	}
	if json.Unmarshal(field, ask) == nil {
		return nil
	}
	return bad(name, "%s is %s: want %s", name, clipped(value), wanted(ask, name))
}

// clipped is a value as it was written, or its beginning.
func clipped(value json.RawMessage) string {
	const most = 60
	if text := []rune(string(value)); len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(value)
}

// wanted is what a field takes, in words.
func wanted(ask any, name string) string {
	for _, f := range reflect.VisibleFields(reflect.TypeOf(ask).Elem()) {
		if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag == name {
			return inWords(f.Type)
		}
	}
	return "something else"
}

func inWords(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Duration]():
		return "a duration, as 90s, 15m or 24h"
	case reflect.TypeFor[time.Time]():
		return "an instant, as 2026-11-27T08:00:00+01:00"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list of texts"
	case reflect.Int, reflect.Uint64:
		return "a whole number"
	}
	return "a text"
}
