package contract

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/internal/deadletter"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Validator checks the rules that the contract itself states.
type Validator struct{ rules protovalidate.Validator }

// NewValidator compiles the rules of what people ask for and tell.
func NewValidator() (Validator, error) {
	heard := []proto.Message{&campaignv1.CampaignRequested{}, &campaignv1.AudienceVersion{}}
	for _, body := range standingVerbs {
		heard = append(heard, body.ProtoReflect().New().Interface())
	}
	v, err := newQuick(heard)
	if err != nil {
		return Validator{}, fmt.Errorf("rules of the contract: %w", err)
	}
	return Validator{v}, nil
}

// NewEventValidator checks the rules of the contract for what the service itself says.
func NewEventValidator() (protovalidate.Validator, error) {
	var promised []proto.Message
	for _, row := range messages {
		promised = append(promised, row.kind.Zero().Interface())
	}
	for _, answer := range answers {
		promised = append(promised, answer)
	}
	v, err := newQuick(promised, protovalidate.WithFailFast())
	if err != nil {
		return nil, fmt.Errorf("rules of the events: %w", err)
	}
	return v, nil
}

// Faults are the rules of the contract that a message breaks; none: it keeps them all.
func (v Validator) Faults(m proto.Message) ([]Fault, error) {
	err := v.rules.Validate(m)
	var invalid *protovalidate.ValidationError
	faults := malformedTimes(m)
	switch {
	case errors.As(err, &invalid):
		faults = append(faults, Faults(invalid)...)
	case err != nil:
		return nil, fmt.Errorf("check the rules of %s: %w", m.ProtoReflect().Descriptor().Name(), err)
	}
	return faults, nil
}

// Validate names the fields that break a rule, as an *unreadable.
func (v Validator) Validate(m proto.Message) error {
	faults, err := v.Faults(m)
	if err != nil || len(faults) == 0 {
		return err
	}
	u := &Unreadable{Reason: deadletter.Invalid}
	var notes []string
	for _, f := range faults {
		if !slices.Contains(u.fields, f.Field) { // two things may be wrong with one
			u.fields = append(u.fields, f.Field)
		}
		notes = append(notes, f.Error())
	}
	u.Note = strings.Join(notes, "; ")
	return u
}

// malformedTimes finds what no rule of the contract can: an instant or a duration
// whose nanoseconds are none, which stands for another one than it seems to.
func malformedTimes(m proto.Message) (faults []Fault) {
	m.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if field.Kind() != protoreflect.MessageKind || field.IsList() || field.IsMap() {
			return true
		}
		switch t := v.Message().Interface().(type) {
		case *timestamppb.Timestamp:
			if t.GetNanos() < 0 || t.GetNanos() >= 1e9 {
				faults = append(faults, Fault{string(field.Name()), fmt.Sprintf("nanos must be 0 to 999999999, not %d; also before 1970 they count forward", t.GetNanos())})
			}
		case *durationpb.Duration:
			if t.GetNanos() <= -1e9 || t.GetNanos() >= 1e9 || t.GetSeconds() > 0 && t.GetNanos() < 0 {
				faults = append(faults, Fault{string(field.Name()), fmt.Sprintf("nanos must be 0 to 999999999, not %d", t.GetNanos())})
			}
		}
		return true
	})
	slices.SortFunc(faults, func(a, b Fault) int { return strings.Compare(a.Field, b.Field) })
	return faults
}
