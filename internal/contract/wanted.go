package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/staffetta-io/staffetta/internal/spelling"
)

// wrongMember says what is wrong with a member of a message in JSON, and what is
// wanted there.
func wrongMember(message protoreflect.MessageDescriptor, data []byte, path []string) string {
	if len(path) == 0 {
		return fmt.Sprintf("want a JSON object of the fields of %s, whose texts are whole Unicode characters", message.FullName())
	}
	var field protoreflect.FieldDescriptor
	for i, name := range path {
		if field != nil && field.IsMap() { // the name is the caller's own
			if n, _ := named(data, path[:i], name); n > 1 {
				return "it is there twice"
			}
			field = field.MapValue()
			message = field.Message()
			continue
		}
		if message == nil { // within what is no message
			break
		}
		if field = member(message, name); field == nil {
			there := strings.Join(members(message), ", ")
			if meant := spelling.Meant(name, members(message)); meant != "" {
				return "there is no such field" + meant + " There are " + there
			}
			return "there is no such field; there are " + there
		}
		if n, whole := occurrences(data, path[:i], field); whole && n > 1 {
			return "it is there twice"
		}
		message = field.Message()
	}
	value := valueAt(data, path)
	if one := field.ContainingOneof(); one != nil && others(data, one) > 1 {
		var names []string
		for i := range one.Fields().Len() {
			names = append(names, one.Fields().Get(i).JSONName())
		}
		return "give only one of " + strings.Join(names, " and ")
	}
	if !utf8.Valid(value) {
		return "it is not UTF-8, as JSON must be; it may be Latin-1 or Windows-1252"
	}
	note := fmt.Sprintf("want %s, got %s", wanted(field), Clip(string(value), 100))
	if write := remedyFor(field, value); write != "" {
		note += ": " + write
	}
	return note
}

// member is the field of a message by either of its names.
func member(m protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if f := m.Fields().ByJSONName(name); f != nil {
		return f
	}
	return m.Fields().ByName(protoreflect.Name(name))
}

func members(m protoreflect.MessageDescriptor) (names []string) {
	for i := range m.Fields().Len() {
		names = append(names, m.Fields().Get(i).JSONName())
	}
	return names
}

// valueAt is the value of a member as it is written; the last, if it is there
// more than once.
func valueAt(data []byte, path []string) json.RawMessage {
	value := json.RawMessage(data)
	for _, name := range path {
		var object map[string]json.RawMessage
		if json.Unmarshal(value, &object) != nil {
			break
		}
		value = object[name]
	}
	return bytes.TrimSpace(value)
}

// occurrences counts how often an object has a field, under either of its names.
func occurrences(data []byte, path []string, field protoreflect.FieldDescriptor) (n int, whole bool) {
	return named(data, path, field.JSONName(), string(field.Name()))
}

// named counts how often an object has a member of one of these names.
func named(data []byte, path []string, names ...string) (n int, whole bool) {
	d := json.NewDecoder(bytes.NewReader(valueAt(data, path)))
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return 0, false
	}
	for d.More() {
		name, err := d.Token()
		if err != nil || d.Decode(new(json.RawMessage)) != nil {
			return n, false
		}
		if text, _ := name.(string); slices.Contains(names, text) {
			n++
		}
	}
	return n, true
}

// others counts the members of a oneof that are given.
func others(data []byte, one protoreflect.OneofDescriptor) (n int) {
	for i := range one.Fields().Len() {
		if given, _ := occurrences(data, nil, one.Fields().Get(i)); given > 0 {
			n++
		}
	}
	return n
}

// wanted is the form of a field in JSON.
func wanted(field protoreflect.FieldDescriptor) string {
	if field.IsMap() {
		return `names and values in quotes, such as {"team":"crm"}`
	}
	switch field.Kind() {
	case protoreflect.StringKind:
		return "text in quotes"
	case protoreflect.BoolKind:
		return "true or false"
	case protoreflect.EnumKind:
		var names []string
		for i := range field.Enum().Values().Len() {
			if v := field.Enum().Values().Get(i); v.Number() != 0 {
				names = append(names, string(v.Name()))
			}
		}
		return "one of " + strings.Join(names, ", ")
	case protoreflect.MessageKind:
		switch field.Message().FullName() {
		case "google.protobuf.Timestamp":
			return `a date and a time with an offset, such as "2027-01-15T08:00:00+01:00"`
		case "google.protobuf.Duration":
			return `seconds, such as "3600s"`
		case "staffetta.campaign.v1.Money":
			return `an amount and a currency, such as {"amount":"300.00","currency":"EUR"}`
		}
	}
	return "a whole number that is not too large"
}

// remedyFor is the remedy, where it can be seen what was meant: a number without its
// quotes, an instant or a duration in a form that others use.
func remedyFor(field protoreflect.FieldDescriptor, value json.RawMessage) string {
	switch {
	case field.Kind() == protoreflect.StringKind && json.Unmarshal(value, new(json.Number)) == nil:
		return fmt.Sprintf("write %q", value)
	case field.Kind() != protoreflect.MessageKind:
		return ""
	}
	var text string
	isText := json.Unmarshal(value, &text) == nil
	switch field.Message().FullName() {
	case "google.protobuf.Timestamp":
		if isText {
			return meantInstant(text)
		}
		var seconds int64
		if json.Unmarshal(value, &seconds) == nil && seconds > 0 && seconds < 1<<33 {
			return fmt.Sprintf("write %q", time.Unix(seconds, 0).UTC().Format(time.RFC3339))
		}
	case "google.protobuf.Duration":
		if d, err := time.ParseDuration(text); err == nil {
			return fmt.Sprintf(`write "%gs"`, d.Seconds())
		}
	}
	return ""
}

func meantInstant(text string) string {
	text = strings.Replace(strings.TrimSpace(text), " ", "T", 1)
	text = strings.Replace(text, " ", "", 1) // before the offset
	if at, err := time.Parse("2006-01-02T15:04:05Z0700", text); err == nil {
		return fmt.Sprintf("write %q, with a colon in the offset", at.Format(time.RFC3339Nano))
	}
	if at, err := time.Parse("2006-01-02T15:04:05Z07:00", text); err == nil {
		return fmt.Sprintf("write %q", at.Format(time.RFC3339Nano))
	}
	if strings.Contains(text, ":60") {
		return "a leap second cannot be written: write :59"
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if _, err := time.Parse(layout, text); err == nil {
			return "its offset is missing, without which nobody knows which instant it is: Z, or +01:00"
		}
	}
	return ""
}
