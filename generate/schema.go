package main

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"github.com/google/jsonschema-go/jsonschema"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/staffetta-io/staffetta/internal/contract"
)

// schemaHome begins the name of every schema.
const schemaHome = "https://raw.githubusercontent.com/staffetta-io/staffetta/main/schemas/"

// draft07 is the dialect that AsyncAPI's own schemas are a superset of, so that they can
// be its payloads as they are.
const draft07 = "http://json-schema.org/draft-07/schema#"

// none is the schema that nothing fits.
func none() *jsonschema.Schema { return &jsonschema.Schema{Not: &jsonschema.Schema{}} }

// schemas make those of messages, as protobuf maps them to JSON. What people send is
// closed: the service refuses a field that it does not know. What the service tells is
// open: a later version adds fields.
type schemas struct {
	closed bool
	within map[string]*jsonschema.Schema // of messages inside the one that is described
	loose  bool                          // no rule counts: it is described what can be read
}

// schemaOf is the schema of a message.
func schemaOf(m protoreflect.MessageDescriptor, closed bool) (*jsonschema.Schema, error) {
	w := &schemas{closed: closed, within: map[string]*jsonschema.Schema{}}
	s, err := w.message(m)
	if err != nil {
		return nil, err
	}
	s.Schema, s.ID, s.Title = draft07, schemaHome+fileOf(m), string(m.Name())
	if len(w.within) > 0 {
		s.Definitions = w.within
	}
	return s, nil
}

// fileOf is where the schema of a message lies.
func fileOf(m protoreflect.MessageDescriptor) string { return string(m.FullName()) + ".json" }

func (w *schemas) message(m protoreflect.MessageDescriptor) (*jsonschema.Schema, error) {
	about, err := contract.Comment(m)
	if err != nil {
		return nil, err
	}
	s := &jsonschema.Schema{Type: "object", Description: unwrapped(about), Properties: map[string]*jsonschema.Schema{}}
	if w.closed {
		s.AdditionalProperties = none()
	}
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		r, err := rulesOf(f)
		if err != nil {
			return nil, err
		}
		if w.loose {
			r = &rules{}
		}
		about, err := contract.Comment(f)
		if err != nil {
			return nil, err
		}
		value, err := w.field(f, r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.FullName(), err)
		}
		if value.Ref != "" { // in this dialect nothing beside a reference counts
			value = &jsonschema.Schema{AllOf: []*jsonschema.Schema{value}}
		}
		if r.amountAboveZero {
			value.AllOf = append(value.AllOf, aboveZero())
		}
		value.Description = unwrapped(about)
		name := f.JSONName()
		s.Properties[name] = value
		s.PropertyOrder = append(s.PropertyOrder, name)
		if r.mustBeGiven(f) {
			s.Required = append(s.Required, name)
		}
	}
	if !w.loose {
		if err := w.among(m, s); err != nil {
			return nil, err
		}
	}
	for i := range m.Oneofs().Len() {
		if one := m.Oneofs().Get(i); !one.IsSynthetic() {
			s.AllOf = append(s.AllOf, oneOf(one, !w.loose))
		}
	}
	return s, nil
}

// oneOf says that no two fields of a oneof may be given, and none left out if one is
// required and rules count.
func oneOf(one protoreflect.OneofDescriptor, rules bool) *jsonschema.Schema {
	choice := &jsonschema.Schema{}
	var any []*jsonschema.Schema
	for i := range one.Fields().Len() {
		given := &jsonschema.Schema{Required: []string{one.Fields().Get(i).JSONName()}}
		any = append(any, given)
		choice.OneOf = append(choice.OneOf, given)
	}
	if !rules || !proto.GetExtension(one.Options(), validate.E_Oneof).(*validate.OneofRules).GetRequired() {
		choice.OneOf = append(choice.OneOf, &jsonschema.Schema{Not: &jsonschema.Schema{AnyOf: any}})
	}
	return choice
}

// among adds the rules about several fields of a message: of some, one may be given, or
// must be.
func (w *schemas) among(m protoreflect.MessageDescriptor, s *jsonschema.Schema) error {
	sets, err := choicesOf(m)
	for _, set := range sets {
		choice := &jsonschema.Schema{}
		var any []*jsonschema.Schema
		for _, f := range set.fields {
			any = append(any, given(f))
			choice.OneOf = append(choice.OneOf, given(f))
		}
		if !set.required {
			choice.OneOf = append(choice.OneOf, &jsonschema.Schema{Not: &jsonschema.Schema{AnyOf: any}})
		}
		s.AllOf = append(s.AllOf, choice)
	}
	return err
}

// given fits a message in which a field has another value than that of one that is left
// out.
func given(f protoreflect.FieldDescriptor) *jsonschema.Schema {
	s := &jsonschema.Schema{Required: []string{f.JSONName()}}
	switch {
	case f.IsList():
		s.Properties = map[string]*jsonschema.Schema{f.JSONName(): {MinItems: new(1)}}
	case f.IsMap():
		s.Properties = map[string]*jsonschema.Schema{f.JSONName(): {MinProperties: new(1)}}
	case !f.HasPresence():
		zero := []any{"", false, 0, "0"}
		if f.Enum() != nil {
			zero = []any{string(f.Enum().Values().ByNumber(0).Name())}
		}
		s.Properties = map[string]*jsonschema.Schema{f.JSONName(): {Not: &jsonschema.Schema{Enum: zero}}}
	}
	return s
}

// aboveZero fits an amount of money of more than nothing.
func aboveZero() *jsonschema.Schema {
	return &jsonschema.Schema{Properties: map[string]*jsonschema.Schema{
		"amount": {AllOf: []*jsonschema.Schema{{Pattern: "[1-9]"}, {Pattern: "^[^-]"}}},
	}}
}

// field is what a field may be.
func (w *schemas) field(f protoreflect.FieldDescriptor, r *rules) (*jsonschema.Schema, error) {
	switch {
	case r.unchecked:
		loose := &schemas{closed: w.closed, within: w.within, loose: true}
		return loose.inside(f.Message(), &rules{})
	case f.IsMap():
		s := &jsonschema.Schema{Type: "object", MaxProperties: r.maxItems}
		var err error
		if s.AdditionalProperties, err = w.value(f.MapValue(), r.values); err == nil && r.keys != nil {
			s.PropertyNames, err = w.value(f.MapKey(), r.keys)
		}
		return s, err
	case f.IsList():
		items, err := w.value(f, nil)
		return &jsonschema.Schema{Type: "array", Items: items, MaxItems: r.maxItems}, err
	}
	return w.value(f, r)
}

// value is what one value of a field may be. Rules may be nil.
func (w *schemas) value(f protoreflect.FieldDescriptor, r *rules) (*jsonschema.Schema, error) {
	if r == nil {
		r = &rules{}
	}
	switch f.Kind() {
	case protoreflect.BoolKind:
		s := &jsonschema.Schema{Type: "boolean"}
		if r.only != nil {
			s.Enum = []any{r.only}
		}
		return s, nil
	case protoreflect.Int32Kind:
		low, high := r.bounds(math.MinInt32, math.MaxInt32)
		return &jsonschema.Schema{Type: "integer", Minimum: new(float64(low)), Maximum: new(float64(high))}, nil
	case protoreflect.Int64Kind, protoreflect.Uint64Kind:
		return long(f.Kind() == protoreflect.Uint64Kind, r)
	case protoreflect.StringKind:
		return text(r)
	case protoreflect.EnumKind:
		s := &jsonschema.Schema{Type: "string"}
		for i := range f.Enum().Values().Len() {
			if v := f.Enum().Values().Get(i); !slices.Contains(r.not, int64(v.Number())) {
				s.Enum = append(s.Enum, string(v.Name()))
			}
		}
		return s, nil
	case protoreflect.MessageKind:
		return w.inside(f.Message(), r)
	}
	return nil, fmt.Errorf("a %s has no translation yet", f.Kind())
}

// long is a number of 64 bits: protobuf writes it as text, because many readers of JSON
// lose its last digits, and reads both.
func long(unsigned bool, r *rules) (*jsonschema.Schema, error) {
	pattern := `^-?(0|[1-9][0-9]{0,18})$`
	number := &jsonschema.Schema{Type: "integer"}
	switch {
	case r.min == nil && r.max == nil && !unsigned:
	case r.min != nil && *r.min != 0 && *r.min != 1 || r.min == nil && !unsigned:
		return nil, fmt.Errorf("a number of 64 bits with these bounds has no translation yet")
	default:
		above := `[1-9][0-9]{0,18}`
		if unsigned {
			above = `[1-9][0-9]{0,19}`
		}
		if r.max != nil {
			above, number.Maximum = upTo(*r.max), new(float64(*r.max))
		}
		pattern, number.Minimum = "^("+above+")$", new(1.0)
		if r.zeroIsFree || r.min == nil || *r.min == 0 {
			pattern, number.Minimum = "^(0|"+above+")$", new(0.0)
		}
	}
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string", Pattern: pattern}, number}}, nil
}

// upTo is a pattern of the numbers from 1 to most, in digits.
func upTo(most int64) string {
	digits := fmt.Sprint(most)
	var all []string
	if len(digits) > 1 {
		all = append(all, fmt.Sprintf("[1-9][0-9]{0,%d}", len(digits)-2))
	}
	for i, d := range digits { // as long as it, and smaller from this digit on
		low := '0'
		if i == 0 {
			low = '1'
		}
		if low < d {
			all = append(all, fmt.Sprintf("%s[%c-%c][0-9]{%d}", digits[:i], low, d-1, len(digits)-i-1))
		}
	}
	return strings.Join(append(all, digits), "|")
}

func text(r *rules) (*jsonschema.Schema, error) {
	s := &jsonschema.Schema{Type: "string", MinLength: r.minLength, MaxLength: r.maxLength}
	for _, word := range r.in {
		s.Enum = append(s.Enum, word)
	}
	for _, pattern := range r.patterns {
		p, err := portable(pattern)
		if err != nil {
			return nil, err
		}
		if r.zeroIsFree {
			p = "^$|" + p
		}
		if s.Pattern != "" {
			return nil, fmt.Errorf("two patterns have no translation yet")
		}
		s.Pattern = p
	}
	return s, nil
}

func (w *schemas) inside(m protoreflect.MessageDescriptor, r *rules) (*jsonschema.Schema, error) {
	switch m.FullName() {
	case "google.protobuf.Timestamp":
		s := &jsonschema.Schema{Type: "string", Format: "date-time", Extra: map[string]any{}}
		bound(s, "formatMinimum", r.from)
		bound(s, "formatExclusiveMaximum", r.before)
		return s, nil
	case "google.protobuf.Duration":
		s := &jsonschema.Schema{Type: "string", Pattern: `^-?[0-9]{1,12}([.][0-9]{1,9})?s$`, Extra: map[string]any{}}
		if r.durationIsPositive {
			s.Pattern = `^(0*[1-9][0-9]{0,11}([.][0-9]{1,9})?|0+[.][0-9]*[1-9][0-9]*)s$`
		}
		bound(s, "x-at-most", r.until)
		return s, nil
	}
	name := strings.TrimPrefix(string(m.FullName()), string(m.ParentFile().Package())+".")
	if w.loose {
		name += ".Unchecked"
	}
	if w.within[name] == nil {
		w.within[name] = &jsonschema.Schema{} // whoever asks meanwhile finds it
		s, err := w.message(m)
		if err != nil {
			return nil, err
		}
		w.within[name] = s
	}
	return &jsonschema.Schema{Ref: "#/definitions/" + name}, nil
}

func bound(s *jsonschema.Schema, keyword, value string) {
	if value != "" {
		s.Extra[keyword] = value
	}
}

// unwrapped is a comment without its line breaks: a paragraph is a line. A line that is
// indented stands alone.
func unwrapped(comment string) string {
	var paragraphs []string
	for p := range strings.SplitSeq(comment, "\n\n") {
		if strings.HasPrefix(p, " ") {
			paragraphs = append(paragraphs, p)
			continue
		}
		paragraphs = append(paragraphs, strings.Join(strings.Fields(p), " "))
	}
	return strings.Join(paragraphs, "\n\n")
}

// encoded is a schema as a file, in ASCII: a pattern holds characters that no editor
// shows.
func encoded(s *jsonschema.Schema) ([]byte, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return indented(data)
}
