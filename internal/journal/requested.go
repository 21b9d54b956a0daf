package journal

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/staffetta-io/staffetta/internal/campaign"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Requested is a request as the contract has it: what somebody would have to
// publish to ask for the same.
func Requested(key campaign.Key, r campaign.Request) *campaignv1.CampaignRequested {
	l := r.Limits
	m := &campaignv1.CampaignRequested{
		Source: key.Source, RequestId: key.RequestID,
		Name: r.Name, Description: r.Description, Sender: r.Sender, Text: r.Text,
		ContactListId: r.ListID, Unicode: r.Unicode, Simulation: r.Simulation,
		Start:     &campaignv1.CampaignRequested_Immediately{Immediately: true},
		ExpiresAt: stamp(r.ExpiresAt),
		MaxTotal:  money(l.MaxTotal), OnOverMax: limitOf(l.OnOverMax), MaxPartsPerMessage: int32(l.MaxParts),
		NeedsApproval: l.Approval, ApprovalWithin: lasting(l.ApprovalWithin),
		OnInsufficientCredit: limitOf(l.OnNoCredit), CreditWithin: lasting(l.CreditWithin),
		MaxLateness: lasting(l.MaxLateness), OnLate: limitOf(l.OnLate),
		SendWindow: l.Window, AgreedQuoteId: l.Agreed,
	}
	if r.Scheduled() {
		m.Start = &campaignv1.CampaignRequested_At{At: stamp(r.At)}
	}
	return m
}

// limitOf is unspecified for reject: saying it and not saying it is the same.
func limitOf(c campaign.Choice) campaignv1.OnLimit {
	for limit, choice := range choices {
		if choice == c {
			return limit
		}
	}
	return campaignv1.OnLimit_ON_LIMIT_UNSPECIFIED
}

// lasting is nil for zero: the contract says absent for the default.
func lasting(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}
