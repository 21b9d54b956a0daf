package journal

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

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// validator checks the rules that the contract itself states.
type validator struct{ rules protovalidate.Validator }

func newValidator() (validator, error) {
	// Compiled now, not at the first request.
	v, err := protovalidate.New(protovalidate.WithMessages(&campaignv1.CampaignRequested{}), protovalidate.WithDisableLazy())
	if err != nil {
		return validator{}, fmt.Errorf("rules of CampaignRequested: %w", err)
	}
	return validator{v}, nil
}

// promised are the messages that the service tells.
var promised = []proto.Message{
	&campaignv1.CampaignCostCalculated{}, &campaignv1.CampaignApprovalRequired{}, &campaignv1.CampaignApproved{},
	&campaignv1.CampaignDeferred{}, &campaignv1.CampaignConfirmed{}, &campaignv1.CampaignStats{}, &campaignv1.CampaignRejected{},
	&campaignv1.CampaignCancelled{}, &campaignv1.CampaignFailed{}, &campaignv1.CampaignUnresolved{},
}

// newPromise checks the rules of the contract for what the service itself says.
func newPromise() (protovalidate.Validator, error) {
	v, err := protovalidate.New(protovalidate.WithMessages(promised...), protovalidate.WithDisableLazy(), protovalidate.WithFailFast())
	if err != nil {
		return nil, fmt.Errorf("rules of the events: %w", err)
	}
	return v, nil
}

// keeps says that every event that a record owes keeps the contract. One that does not
// must not be owed: it could be told only by breaking the promise to those who read it.
func (j *Journal) keeps(c campaign.Campaign) error {
	for _, e := range c.Outbox {
		m, err := toProto(c, e)
		if err == nil {
			err = j.promise.Validate(m)
		}
		if err == nil {
			continue
		}
		var invalid *protovalidate.ValidationError
		if errors.As(err, &invalid) {
			v := invalid.Violations[0].Proto
			err = fmt.Errorf("%s: %s (%s)", protovalidate.FieldPathString(v.GetField()), v.GetMessage(), v.GetRuleId())
		}
		err = fmt.Errorf("its event %s.%d would break the contract: %w", e.Type, e.N, err)
		j.Log.Error("a campaign is not saved, because an event that it would owe breaks the contract; it goes no further until that is mended", "key", c.Key.String(), "error", err)
		j.OnBroken(c.Key)
		return fmt.Errorf("%w: %w", runner.ErrBroken, err)
	}
	return nil
}

// validate names the fields that break a rule, as an *unreadable.
func (v validator) validate(m *campaignv1.CampaignRequested) error {
	err := v.rules.Validate(m)
	var invalid *protovalidate.ValidationError
	faults := malformedTimes(m)
	switch {
	case errors.As(err, &invalid):
		faults = append(faults, Faults(invalid)...)
	case err != nil:
		return fmt.Errorf("check the rules of CampaignRequested: %w", err)
	case len(faults) == 0:
		return nil
	}
	u := &unreadable{reason: reasonInvalid}
	var notes []string
	for _, f := range faults {
		if !slices.Contains(u.fields, f.Field) { // two things may be wrong with one
			u.fields = append(u.fields, f.Field)
		}
		notes = append(notes, f.Error())
	}
	u.note = strings.Join(notes, "; ")
	return u
}

// malformedTimes finds what no rule of the contract can: an instant or a duration
// whose nanoseconds are none, which stands for another one than it seems to.
func malformedTimes(m *campaignv1.CampaignRequested) (faults []Fault) {
	m.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if field.Kind() != protoreflect.MessageKind {
			return true
		}
		switch t := v.Message().Interface().(type) {
		case *timestamppb.Timestamp:
			if t.Nanos < 0 || t.Nanos >= 1e9 {
				faults = append(faults, Fault{string(field.Name()), fmt.Sprintf("nanos must be 0 to 999999999, not %d; also before 1970 they count forward", t.Nanos)})
			}
		case *durationpb.Duration:
			if t.Nanos <= -1e9 || t.Nanos >= 1e9 || t.Seconds > 0 && t.Nanos < 0 {
				faults = append(faults, Fault{string(field.Name()), fmt.Sprintf("nanos must be 0 to 999999999, not %d", t.Nanos)})
			}
		}
		return true
	})
	slices.SortFunc(faults, func(a, b Fault) int { return strings.Compare(a.Field, b.Field) })
	return faults
}
