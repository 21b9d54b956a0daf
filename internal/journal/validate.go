package journal

import (
	"errors"
	"fmt"
	"strings"

	"buf.build/go/protovalidate"

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
