package campaign_test

import (
	"fmt"
	"slices"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// reasons are those that events of a type give.
func reasons(in campaign.EventType) (codes []campaign.ReasonCode) {
	for _, r := range campaign.Reasons {
		if r.In == in {
			codes = append(codes, r.Code)
		}
	}
	return codes
}

// whole says what is wrong with an event that a record owes: a reason that is not in
// the list, or that belongs to another type.
func whole(e campaign.Event) error {
	gives := reasons(e.Type)
	switch {
	case e.Reason == nil && len(gives) > 0:
		return fmt.Errorf("a %s event without a reason", e.Type)
	case e.Reason != nil && !slices.Contains(gives, e.Reason.Code):
		return fmt.Errorf("a %s event with the reason %q, want one of %q", e.Type, e.Reason.Code, gives)
	}
	return nil
}
