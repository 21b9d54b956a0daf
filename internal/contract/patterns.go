package contract

import (
	"regexp"
	"strings"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// patterns are the fields of which the contract asks nothing but that a pattern matches,
// with its pattern. Most texts in the contract are such fields, and their rules are
// expressions, for the sake of their words. A text that matches is not shown to the
// interpreter of expressions, which takes many times as long to find the same. It sees
// every other text, so that all words about a fault are its.
type patterns map[protoreflect.FieldDescriptor]*regexp.Regexp

// patternsOf finds them in messages and in what those consist of.
func patternsOf(messages []proto.Message) (patterns, error) {
	p := patterns{}
	seen := map[protoreflect.MessageDescriptor]bool{}
	for _, m := range messages {
		if err := p.find(m.ProtoReflect().Descriptor(), seen); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p patterns) find(m protoreflect.MessageDescriptor, seen map[protoreflect.MessageDescriptor]bool) error {
	if seen[m] {
		return nil
	}
	seen[m] = true
	for i := range m.Fields().Len() {
		field := m.Fields().Get(i)
		if field.Message() != nil {
			if err := p.find(field.Message(), seen); err != nil {
				return err
			}
			continue
		}
		if field.Kind() != protoreflect.StringKind || field.IsList() {
			continue
		}
		pattern, err := onlyPattern(field)
		if err != nil {
			return err
		}
		if pattern != nil {
			p[field] = pattern
		}
	}
	return nil
}

// onlyPattern is the pattern of a field without another rule; nil: it has other rules, or
// none.
func onlyPattern(field protoreflect.FieldDescriptor) (*regexp.Regexp, error) {
	rules, err := protovalidate.ResolveFieldRules(field)
	if err != nil || len(rules.GetCel()) != 1 {
		return nil, err
	}
	alone := true
	rules.ProtoReflect().Range(func(rule protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		alone = rule.Name() == "cel"
		return alone
	})
	begun, starts := strings.CutPrefix(rules.GetCel()[0].GetExpression(), "this.matches('")
	literal, ends := strings.CutSuffix(begun, "')")
	// Of the escapes of such a literal we know one, which stands for a backslash.
	if !alone || !starts || !ends || strings.ContainsAny(strings.ReplaceAll(literal, `\\`, ""), `'\`) {
		return nil, nil
	}
	return regexp.Compile(strings.ReplaceAll(literal, `\\`, `\`))
}

// ShouldValidate says whether a field is to be checked by its rules. See
// [protovalidate.Filter].
func (p patterns) ShouldValidate(m protoreflect.Message, d protoreflect.Descriptor) bool {
	field, isField := d.(protoreflect.FieldDescriptor)
	if !isField {
		return true
	}
	pattern := p[field]
	return pattern == nil || !pattern.MatchString(m.Get(field).String())
}

// quick is a validator that looks at the patterns first.
type quick struct {
	protovalidate.Validator
	first []protovalidate.ValidationOption
}

// newQuick compiles the rules of messages now, and not when the first of them comes.
func newQuick(messages []proto.Message, o ...protovalidate.ValidatorOption) (quick, error) {
	v, err := protovalidate.New(append(o, protovalidate.WithMessages(messages...), protovalidate.WithDisableLazy())...)
	if err != nil {
		return quick{}, err
	}
	p, err := patternsOf(messages)
	return quick{v, []protovalidate.ValidationOption{protovalidate.WithFilter(p)}}, err
}

// Validate checks a message. See [protovalidate.Validator].
func (q quick) Validate(m proto.Message, o ...protovalidate.ValidationOption) error {
	if len(o) == 0 {
		return q.Validator.Validate(m, q.first...)
	}
	return q.Validator.Validate(m, append(o, q.first...)...)
}
