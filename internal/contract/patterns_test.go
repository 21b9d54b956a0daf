package contract

import (
	"errors"
	"testing"

	"buf.build/go/protovalidate"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// A text whose pattern is looked at first is judged as the rules judge it, in the same
// words.
func TestPatternsJudgeAsTheRulesDo(t *testing.T) {
	t.Parallel()
	all := []proto.Message{&campaignv1.CampaignRequested{}, &campaignv1.Money{}}
	for _, row := range messages {
		all = append(all, row.kind.Zero().Interface())
	}
	rules, err := protovalidate.New(protovalidate.WithMessages(all...))
	if err != nil {
		t.Fatal(err)
	}
	first, err := newQuick(all)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{
		"", "shop-italia", "bf_2026", "a.b", "shop italia", "shop-italia\n", "ShopItalia", "+393331234567", "12345678901234567", "Città\u200e", "\x07", "line\nline",
		"EUR", "eur", "EURO", "344.09", "-0.5", "1.0000000001", "01", "0123456789abcdef", "0123456789abcdeF", "\xff", "a\xffb", "\\p{Cc}",
	}
	checked := 0
	for _, kind := range all {
		for field := range mustPatterns(t, kind) {
			if field.ContainingMessage() != kind.ProtoReflect().Descriptor() {
				continue // it has its own turn
			}
			checked++
			verdicts := map[bool]bool{}
			for _, text := range texts {
				m := kind.ProtoReflect().New()
				m.Set(field, protoreflect.ValueOfString(text))
				want, got := faultsOf(rules.Validate(m.Interface()), field), faultsOf(first.Validate(m.Interface()), field)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s %q (-rules +patterns first):\n%s", field.FullName(), text, diff)
				}
				verdicts[len(want) == 0] = true
			}
			if len(verdicts) != 2 {
				t.Errorf("%s: no text here is accepted, or none is refused", field.FullName())
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d fields have a pattern alone; each event has its source and its request id", checked)
	}
}

func mustPatterns(t *testing.T, m proto.Message) patterns {
	t.Helper()
	p, err := patternsOf([]proto.Message{m})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// faultsOf are the violations about one field.
func faultsOf(err error, field protoreflect.FieldDescriptor) (all []string) {
	invalid, ok := errors.AsType[*protovalidate.ValidationError](err)
	if !ok {
		return nil
	}
	for _, v := range invalid.Violations {
		if v.FieldDescriptor == field {
			all = append(all, v.Proto.GetRuleId()+": "+v.Proto.GetMessage())
		}
	}
	return all
}
