package journal

import (
	"errors"
	"fmt"
	"strings"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/campaign"
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
		return err
	}
	return nil
}

// validate names the fields that break a rule, as an *unreadable.
func (v validator) validate(m *campaignv1.CampaignRequested) error {
	err := v.rules.Validate(m)
	var invalid *protovalidate.ValidationError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &invalid):
		return fmt.Errorf("check the rules of CampaignRequested: %w", err)
	}
	u := &unreadable{reason: reasonInvalid}
	var notes []string
	for _, f := range Faults(invalid) {
		u.fields = append(u.fields, f.Field)
		notes = append(notes, f.Error())
	}
	u.note = strings.Join(notes, "; ")
	return u
}
