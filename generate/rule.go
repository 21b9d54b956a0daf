package main

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// rules are those of one field, taken from its annotations. A rule that nobody here knows
// is an error: a schema that left it out would accept what the service refuses.
type rules struct {
	required   bool // it must be given
	unchecked  bool // nothing in it is checked
	zeroIsFree bool // its zero value breaks none of them

	min, max           *int64
	minLength          *int
	maxLength          *int
	maxItems           *int
	patterns           []string // of RE2
	in                 []string
	not                []int64 // of an enum
	only               any     // a constant
	after, from        string  // instants or durations: more than, no less than
	before, until      string  // less than, no more than
	keys, values       *rules
	amountAboveZero    bool
	words              []string // of the contract, for people
	durationIsPositive bool
}

// amountAbove is the one rule of the contract that is about a field of a field.
const amountAbove = "this.amount.matches('[1-9]') && !this.amount.startsWith('-')"

var notNumber = regexp.MustCompile(`^this != (\d+)$`)

func rulesOf(f protoreflect.FieldDescriptor) (*rules, error) {
	r, err := read(proto.GetExtension(f.Options(), validate.E_Field).(*validate.FieldRules))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.FullName(), err)
	}
	return r, nil
}

func read(said *validate.FieldRules) (*rules, error) {
	r := &rules{
		required:   said.GetRequired(),
		unchecked:  said.GetIgnore() == validate.Ignore_IGNORE_ALWAYS,
		zeroIsFree: said.GetIgnore() == validate.Ignore_IGNORE_IF_ZERO_VALUE,
	}
	for _, c := range said.GetCel() {
		r.words = append(r.words, c.GetMessage())
		if pattern, ok := patternOf(c.GetExpression()); ok {
			r.patterns = append(r.patterns, pattern)
		} else if m := notNumber.FindStringSubmatch(c.GetExpression()); m != nil {
			var n int64
			if _, err := fmt.Sscan(m[1], &n); err != nil {
				return nil, err
			}
			r.not = append(r.not, n)
		} else if c.GetExpression() == amountAbove {
			r.amountAboveZero = true
		} else {
			return nil, fmt.Errorf("the rule %q has no translation yet: %s", c.GetId(), c.GetExpression())
		}
	}
	var err error
	said.ProtoReflect().Range(func(kind protoreflect.FieldDescriptor, of protoreflect.Value) bool {
		if kind.ContainingOneof() == nil {
			return true // cel, ignore, required: read above
		}
		of.Message().Range(func(rule protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			err = r.add(string(kind.Name()), string(rule.Name()), v)
			return err == nil
		})
		return err == nil
	})
	return r, err
}

// choice is a set of fields of which one may be given, or must be.
type choice struct {
	fields   []protoreflect.FieldDescriptor
	required bool
}

// choicesOf are the rules of a message that are about several of its fields.
func choicesOf(m protoreflect.MessageDescriptor) (all []choice, err error) {
	said := proto.GetExtension(m.Options(), validate.E_Message).(*validate.MessageRules)
	said.ProtoReflect().Range(func(rule protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		if rule.Name() != "oneof" {
			err = fmt.Errorf("%s: the rule %s of a message has no translation yet", m.FullName(), rule.Name())
		}
		return err == nil
	})
	for _, set := range said.GetOneof() {
		c := choice{required: set.GetRequired()}
		for _, name := range set.GetFields() {
			c.fields = append(c.fields, m.Fields().ByName(protoreflect.Name(name)))
		}
		all = append(all, c)
	}
	return all, err
}

func (r *rules) add(kind, rule string, v protoreflect.Value) (err error) {
	switch kind + "." + rule {
	case "int32.gt", "int64.gt":
		r.min = new(v.Int() + 1)
	case "int32.gte", "int64.gte":
		r.min = new(v.Int())
	case "int32.lte", "int64.lte":
		r.max = new(v.Int())
	case "string.min_len":
		r.minLength = new(int(v.Uint()))
	case "string.max_len":
		r.maxLength = new(int(v.Uint()))
	case "string.pattern":
		r.patterns = append(r.patterns, v.String())
	case "string.in":
		for i := range v.List().Len() {
			r.in = append(r.in, v.List().Get(i).String())
		}
	case "bool.const":
		r.only = v.Bool()
	case "enum.defined_only": // a name that is not defined is none
	case "enum.not_in":
		for i := range v.List().Len() {
			r.not = append(r.not, v.List().Get(i).Int())
		}
	case "repeated.max_items", "map.max_pairs":
		r.maxItems = new(int(v.Uint()))
	case "map.keys":
		r.keys, err = read(v.Message().Interface().(*validate.FieldRules))
	case "map.values":
		r.values, err = read(v.Message().Interface().(*validate.FieldRules))
	case "timestamp.gte":
		r.from = instantOf(v)
	case "timestamp.lt":
		r.before = instantOf(v)
	case "duration.gt":
		r.after = durationOf(v)
		if r.durationIsPositive = r.after == "0s"; !r.durationIsPositive {
			err = fmt.Errorf("durations above %s have no translation yet", r.after)
		}
	case "duration.lte":
		r.until = durationOf(v)
	default:
		err = fmt.Errorf("the rule %s.%s has no translation yet", kind, rule)
	}
	return err
}

func instantOf(v protoreflect.Value) string {
	return v.Message().Interface().(*timestamppb.Timestamp).AsTime().Format(time.RFC3339)
}

// durationOf is a duration as protobuf maps it to JSON.
func durationOf(v protoreflect.Value) string {
	return fmt.Sprintf("%.0fs", v.Message().Interface().(*durationpb.Duration).AsDuration().Seconds())
}

// mustBeGiven says that a field may not be left out, because its zero value, which is what
// a field means that is left out, breaks a rule.
func (r *rules) mustBeGiven(f protoreflect.FieldDescriptor) bool {
	if r.unchecked || r.zeroIsFree {
		return false
	}
	if f.HasPresence() || f.IsList() || f.IsMap() {
		return r.required
	}
	breaks := func(pattern string) bool { return !regexp.MustCompile(pattern).MatchString("") }
	return r.required || r.minLength != nil && *r.minLength > 0 || slices.ContainsFunc(r.patterns, breaks) ||
		r.in != nil && !slices.Contains(r.in, "") || slices.Contains(r.not, 0) ||
		r.min != nil && *r.min > 0 || r.max != nil && *r.max < 0
}

// inWords is what the rules want, for people, in a few words; empty: anything.
func (r *rules) inWords() string {
	var said []string
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	switch low, high := r.bounds(math.MinInt64, math.MaxInt64); {
	case r.min != nil && r.max != nil:
		say("%d to %d", low, high)
	case r.min != nil:
		say("%d or more", low)
	case r.max != nil:
		say("%d or less", high)
	}
	switch {
	case r.minLength != nil && r.maxLength != nil:
		say("%d to %d characters", *r.minLength, *r.maxLength)
	case r.minLength != nil:
		say("at least %d character", *r.minLength)
	case r.maxLength != nil:
		say("at most %d characters", *r.maxLength)
	}
	if r.maxItems != nil {
		say("at most %d", *r.maxItems)
	}
	if r.in != nil {
		say("one of %s", strings.TrimPrefix(strings.Join(r.in, ", "), ", "))
	}
	if r.only != nil {
		say("only `%v`", r.only)
	}
	switch {
	case r.from != "" && r.before != "":
		say("from %s, before %s", r.from, r.before)
	case r.after != "" && r.until != "":
		say("more than %s, at most %s", r.after, r.until)
	}
	if len(r.words) == 0 {
		for _, pattern := range r.patterns {
			say("`%s`", pattern)
		}
	}
	for _, inside := range []struct {
		what string
		r    *rules
	}{{"a name", r.keys}, {"a value", r.values}} {
		if inside.r != nil {
			say("%s %s", inside.what, inside.r.inWords())
		}
	}
	return strings.Join(append(said, r.words...), "; ")
}

func (r *rules) bounds(low, high int64) (int64, int64) {
	if r.min != nil {
		low = max(low, *r.min)
	}
	if r.max != nil {
		high = min(high, *r.max)
	}
	return low, high
}
