package why

import (
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// A settlement says no more than the ledger did: nothing was paid for what was not sent.
func TestSettled(t *testing.T) {
	t.Parallel()
	reserved := campaign.Attempt{Op: campaign.OpReserve, Kind: campaign.OK}
	settled := campaign.Attempt{Op: campaign.OpSettle, Kind: campaign.OK}
	for _, tt := range []struct {
		name string
		c    campaign.Campaign
		want string
	}{
		{"Sent", campaign.Campaign{State: campaign.Completed, Confirmed: &campaign.Confirmation{}, Attempts: []campaign.Attempt{reserved, settled}}, "Its cost was settled with the budget."},
		{"GivenBack", campaign.Campaign{State: campaign.Cancelled, Attempts: []campaign.Attempt{reserved, settled}}, "What was reserved for it in the budget was given back."},
		{"NeverReserved", campaign.Campaign{State: campaign.Rejected, Attempts: []campaign.Attempt{settled}}, "Nothing is reserved for it in the budget."},
		{"Failed", campaign.Campaign{State: campaign.Failed, Attempts: []campaign.Attempt{settled}}, "Its cost was settled with the budget."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			told := Tell(Evidence{Record: &tt.c}, time.UTC)
			if got := told.Lines[len(told.Lines)-1].Text; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
