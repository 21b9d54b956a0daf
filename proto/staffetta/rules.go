package staffetta

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// The rules of the contract stand in its .proto files, as annotations of protovalidate,
// and nowhere else. They are read from there. The library of protovalidate reads any rule,
// with an interpreter that brings some ten modules; the rules that the contract uses are
// few, and this file reads those. One that it does not know is an error, not silence; and
// a test beside the service holds what is found here to what the library finds.

// Fault is what is wrong with one field.
type Fault struct {
	Field string // as the contract spells it: max_total.amount; empty: none in particular
	Note  string // what is wrong, and what to write instead
}

// Error names the field and what is wrong with it.
func (f Fault) Error() string {
	if f.Field == "" {
		return f.Note
	}
	return f.Field + ": " + f.Note
}

// rule says what is wrong with a value; empty: nothing.
type rule func(protoreflect.Value) string

// fieldRules are the rules of one field.
type fieldRules struct {
	field      protoreflect.FieldDescriptor
	ignoreZero bool
	required   bool
	rules      []rule
	inside     *messageRules // of a message of ours, or of each in a list
	keys       []rule        // of each name in a map
	values     []rule        // of what stands behind each name
}

// messageRules are the rules of a message.
type messageRules struct {
	fields []fieldRules
	oneofs []protoreflect.OneofDescriptor   // of which one must be given
	groups [][]protoreflect.FieldDescriptor // of which one must be given, and no two
}

// rulesOf reads the rules of a message. An error names a rule that nobody here knows.
func rulesOf(m protoreflect.MessageDescriptor) (*messageRules, error) {
	all := &messageRules{}
	for i := range m.Oneofs().Len() {
		one := m.Oneofs().Get(i)
		if said := proto.GetExtension(one.Options(), validate.E_Oneof).(*validate.OneofRules); said.GetRequired() {
			all.oneofs = append(all.oneofs, one)
		}
	}
	grouped := map[protoreflect.Name]bool{}
	for _, said := range proto.GetExtension(m.Options(), validate.E_Message).(*validate.MessageRules).GetOneof() {
		var group []protoreflect.FieldDescriptor
		for _, name := range said.GetFields() {
			grouped[protoreflect.Name(name)] = true
			group = append(group, m.Fields().ByName(protoreflect.Name(name)))
		}
		all.groups = append(all.groups, group)
	}
	for i := range m.Fields().Len() {
		field := m.Fields().Get(i)
		said := proto.GetExtension(field.Options(), validate.E_Field).(*validate.FieldRules)
		f := fieldRules{field: field, ignoreZero: grouped[field.Name()] || said.GetIgnore() == validate.Ignore_IGNORE_IF_ZERO_VALUE, required: said.GetRequired()}
		var err error
		if f.rules, err = valueRules(field, said); err != nil {
			return nil, err
		}
		if inMap := said.GetMap(); inMap != nil {
			if f.keys, err = valueRules(field.MapKey(), inMap.GetKeys()); err != nil {
				return nil, err
			}
			if f.values, err = valueRules(field.MapValue(), inMap.GetValues()); err != nil {
				return nil, err
			}
		}
		if inside := field.Message(); inside != nil && inside.ParentFile().Package() == m.ParentFile().Package() && !field.IsMap() {
			if f.inside, err = rulesOf(inside); err != nil {
				return nil, err
			}
		}
		all.fields = append(all.fields, f)
	}
	return all, nil
}

// valueRules reads the rules of one value: of a field, or of a name or a value in a map.
func valueRules(field protoreflect.FieldDescriptor, said *validate.FieldRules) (rules []rule, err error) {
	for _, c := range said.GetCel() {
		holds, err := expression(c.GetExpression())
		if err != nil {
			return nil, fmt.Errorf("rule %s of %s: %w", c.GetId(), field.FullName(), err)
		}
		rules = append(rules, func(v protoreflect.Value) string {
			if holds(v) {
				return ""
			}
			return c.GetMessage()
		})
	}
	known, err := standard(field, said)
	if err != nil {
		return nil, fmt.Errorf("rule of %s: %w", field.FullName(), err)
	}
	return append(rules, known...), nil
}

// check finds what is wrong with a message, in the order of the contract.
func (all *messageRules) check(m protoreflect.Message, path string) (faults []Fault) {
	for _, f := range all.fields {
		at := path + string(f.field.Name())
		given := m.Has(f.field)
		if !given && (f.field.HasPresence() || f.ignoreZero) {
			if f.required {
				faults = append(faults, Fault{at, "must be given"})
			}
			continue
		}
		value := m.Get(f.field)
		if note := malformed(value); note != "" {
			faults = append(faults, Fault{at, note})
		}
		for _, r := range f.rules {
			if note := r(value); note != "" {
				faults = append(faults, Fault{at, note})
			}
		}
		if f.field.IsMap() {
			faults = append(faults, f.checkMap(value.Map(), at)...)
		}
		switch {
		case f.inside == nil:
		case f.field.IsList():
			for i := range value.List().Len() {
				faults = append(faults, f.inside.check(value.List().Get(i).Message(), fmt.Sprintf("%s[%d].", at, i))...)
			}
		default:
			faults = append(faults, f.inside.check(value.Message(), at+".")...)
		}
	}
	for _, group := range all.groups {
		given := slices.DeleteFunc(slices.Clone(group), func(f protoreflect.FieldDescriptor) bool { return !m.Has(f) })
		if len(given) != 1 {
			var names []string
			for _, f := range group {
				names = append(names, string(f.Name()))
			}
			last := len(names) - 1
			faults = append(faults, Fault{path + names[0], "exactly one of " + strings.Join(names[:last], ", ") + " and " + names[last] + " must be given"})
		}
	}
	for _, one := range all.oneofs {
		if m.WhichOneof(one) == nil {
			var names []string
			for i := range one.Fields().Len() {
				names = append(names, string(one.Fields().Get(i).Name()))
			}
			faults = append(faults, Fault{path + string(one.Name()), "exactly one of " + strings.Join(names, " and ") + " must be given"})
		}
	}
	return faults
}

// checkMap finds what is wrong with the names in a map, and with what stands behind them.
func (f *fieldRules) checkMap(all protoreflect.Map, at string) (faults []Fault) {
	entries := map[string]protoreflect.Value{}
	all.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		entries[k.String()] = v
		return true
	})
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		path := fmt.Sprintf("%s[%q]", at, name)
		for _, r := range f.keys {
			if note := r(protoreflect.ValueOfString(name)); note != "" {
				faults = append(faults, Fault{path, note})
			}
		}
		for _, r := range f.values {
			if note := r(entries[name]); note != "" {
				faults = append(faults, Fault{path, note})
			}
		}
	}
	return faults
}

// standard reads the rules that are no expressions.
func standard(field protoreflect.FieldDescriptor, said *validate.FieldRules) (rules []rule, err error) {
	said.ProtoReflect().Range(func(kind protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch kind.Name() {
		case "cel", "ignore", "required":
			return true
		case "map":
			// The rules of its names and of what stands behind them are read beside it.
			v = protoreflect.ValueOfMessage((&validate.MapRules{MaxPairs: said.GetMap().MaxPairs}).ProtoReflect())
		}
		if kind.Message() == nil {
			err = fmt.Errorf("%s is not known here", kind.Name())
			return false
		}
		v.Message().Range(func(bound protoreflect.FieldDescriptor, limit protoreflect.Value) bool {
			var r rule
			if r, err = bounded(field, string(kind.Name())+"."+string(bound.Name()), limit); err == nil {
				rules = append(rules, r)
			}
			return err == nil
		})
		return err == nil
	})
	return rules, err
}

// bounded is one rule that is no expression, by its name: int64.gt.
func bounded(field protoreflect.FieldDescriptor, name string, limit protoreflect.Value) (rule, error) {
	say := func(wrong func(protoreflect.Value) bool, format string, args ...any) (rule, error) {
		note := fmt.Sprintf(format, args...)
		return func(v protoreflect.Value) string {
			if wrong(v) {
				return note
			}
			return ""
		}, nil
	}
	characters := func(v protoreflect.Value) uint64 { return uint64(utf8.RuneCountInString(v.String())) }
	switch name {
	case "string.min_len":
		return say(func(v protoreflect.Value) bool { return characters(v) < limit.Uint() }, "must have at least %d characters", limit.Uint())
	case "string.max_len":
		return say(func(v protoreflect.Value) bool { return characters(v) > limit.Uint() }, "must have at most %d characters", limit.Uint())
	case "int64.gt", "int32.gt":
		return say(func(v protoreflect.Value) bool { return v.Int() <= limit.Int() }, "must be more than %d", limit.Int())
	case "int64.gte", "int32.gte":
		return say(func(v protoreflect.Value) bool { return v.Int() < limit.Int() }, "must be %d or more", limit.Int())
	case "int64.lte", "int32.lte":
		return say(func(v protoreflect.Value) bool { return v.Int() > limit.Int() }, "must be %d or less", limit.Int())
	case "repeated.max_items":
		return say(func(v protoreflect.Value) bool { return uint64(v.List().Len()) > limit.Uint() }, "must have at most %d items", limit.Uint())
	case "map.max_pairs":
		return say(func(v protoreflect.Value) bool { return uint64(v.Map().Len()) > limit.Uint() }, "must have at most %d entries", limit.Uint())
	case "bool.const":
		return say(func(v protoreflect.Value) bool { return v.Bool() != limit.Bool() }, "must be %t, or left out", limit.Bool())
	case "enum.defined_only":
		return say(func(v protoreflect.Value) bool { return field.Enum().Values().ByNumber(v.Enum()) == nil }, "must be a value of %s", field.Enum().Name())
	case "timestamp.gte":
		return say(func(v protoreflect.Value) bool { return instant(v).Before(instant(limit)) }, "must be %s or later", instant(limit).Format(time.RFC3339))
	case "timestamp.lt":
		return say(func(v protoreflect.Value) bool { return !instant(v).Before(instant(limit)) }, "must be before %s", instant(limit).Format(time.RFC3339))
	case "duration.gt":
		return say(func(v protoreflect.Value) bool { return !longer(v, limit) }, "must be longer than %s", lasting(limit))
	case "duration.lte":
		return say(func(v protoreflect.Value) bool { return longer(v, limit) }, "must be %s or shorter", lasting(limit))
	}
	return nil, fmt.Errorf("%s is not known here", name)
}

func instant(v protoreflect.Value) time.Time {
	return v.Message().Interface().(*timestamppb.Timestamp).AsTime()
}

func lasting(v protoreflect.Value) time.Duration {
	return v.Message().Interface().(*durationpb.Duration).AsDuration()
}

// longer compares durations that may not fit into Go's.
func longer(v, than protoreflect.Value) bool {
	a, b := v.Message().Interface().(*durationpb.Duration), than.Message().Interface().(*durationpb.Duration)
	return a.GetSeconds() > b.GetSeconds() || a.GetSeconds() == b.GetSeconds() && a.GetNanos() > b.GetNanos()
}

// malformed finds what no rule of the contract can: an instant or a duration whose
// nanoseconds are none, which stands for another one than it seems to.
func malformed(v protoreflect.Value) string {
	m, isMessage := v.Interface().(protoreflect.Message)
	if !isMessage {
		return ""
	}
	switch t := m.Interface().(type) {
	case *timestamppb.Timestamp:
		if t.GetNanos() < 0 || t.GetNanos() >= 1e9 {
			return fmt.Sprintf("nanos must be 0 to 999999999, not %d; also before 1970 they count forward", t.GetNanos())
		}
	case *durationpb.Duration:
		if t.GetNanos() <= -1e9 || t.GetNanos() >= 1e9 || t.GetSeconds() > 0 && t.GetNanos() < 0 {
			return fmt.Sprintf("nanos must be 0 to 999999999, not %d", t.GetNanos())
		}
	}
	return ""
}

// expression reads a condition: terms joined by &&, each this.matches('…'),
// this.startsWith('…'), the same of a field of it or negated, or this != N.
func expression(text string) (func(protoreflect.Value) bool, error) {
	var terms []func(protoreflect.Value) bool
	for part := range strings.SplitSeq(text, " && ") {
		t, err := term(part)
		if err != nil {
			return nil, err
		}
		terms = append(terms, t)
	}
	return func(v protoreflect.Value) bool {
		for _, holds := range terms {
			if !holds(v) {
				return false
			}
		}
		return true
	}, nil
}

var (
	called = regexp.MustCompile(`^(!?)this(?:\.([a-z_]+))?\.(matches|startsWith)\('([^']*)'\)$`)
	unlike = regexp.MustCompile(`^this != ([0-9]+)$`)
	escape = regexp.MustCompile(`\\[^\\]`)
)

func term(text string) (func(protoreflect.Value) bool, error) {
	if m := unlike.FindStringSubmatch(text); m != nil {
		n, err := strconv.ParseInt(m[1], 10, 32)
		return func(v protoreflect.Value) bool { return v.Enum() != protoreflect.EnumNumber(n) }, err
	}
	m := called.FindStringSubmatch(text)
	if m == nil {
		return nil, fmt.Errorf("%q is not known here", text)
	}
	literal := strings.ReplaceAll(m[4], `\\`, "")
	if escape.MatchString(literal) || strings.HasSuffix(literal, `\`) {
		return nil, fmt.Errorf("an escape in %q is not known here", text)
	}
	argument := strings.ReplaceAll(m[4], `\\`, `\`)
	holds := func(s string) bool { return strings.HasPrefix(s, argument) }
	if m[3] == "matches" {
		pattern, err := regexp.Compile(argument)
		if err != nil {
			return nil, err
		}
		holds = pattern.MatchString
	}
	field, not := protoreflect.Name(m[2]), m[1] == "!"
	return func(v protoreflect.Value) bool {
		if field != "" {
			inside := v.Message()
			v = inside.Get(inside.Descriptor().Fields().ByName(field))
		}
		return holds(v.String()) != not
	}, nil
}
