package contract

import (
	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Requested is a request as the contract has it: what somebody would have to publish to
// ask for the same. Recipients that were in it are not: no record has them.
func Requested(key campaign.Key, r campaign.Request) *campaignv1.CampaignRequested {
	l := r.Limits
	m := &campaignv1.CampaignRequested{
		Source: key.Source, RequestId: key.RequestID,
		Name: r.Name, Description: r.Description, Sender: r.Sender, Text: r.Text,
		ContactListId: r.ListID, DefaultRegion: r.Region, MissingField: lacking[r.Lacking],
		Unicode: r.Unicode, Simulation: r.Simulation,
		Start:     &campaignv1.CampaignRequested_Immediately{Immediately: true},
		ExpiresAt: Stamp(r.ExpiresAt),
		MaxTotal:  money(l.MaxTotal), OnOverMax: limited[l.OnOverMax], MaxPartsPerMessage: int32(l.MaxParts),
		NeedsApproval: l.Approval, ApprovalWithin: lasting(l.ApprovalWithin),
		OnInsufficientCredit: limited[l.OnNoCredit], CreditWithin: lasting(l.CreditWithin),
		MaxLateness: lasting(l.MaxLateness), OnLate: limited[l.OnLate],
		SendWindow: l.Window, AgreedQuoteId: l.Agreed,
		Labels: r.Labels,
	}
	switch a := r.Audience; {
	case a == nil, a.InRequest():
	case a.Name != "":
		m.NamedAudience = &campaignv1.NamedAudience{Name: a.Name, MaxAge: lasting(a.MaxAge)}
	default:
		m.Audience = &campaignv1.Audience{Sha256: a.Digest, Size: a.Size, Chunks: int32(a.Chunks), Format: formats[a.Format]}
	}
	if r.Scheduled() {
		m.Start = &campaignv1.CampaignRequested_At{At: Stamp(r.At)}
	}
	return m
}

// FromProto is a validated request as the rules know it.
func FromProto(m *campaignv1.CampaignRequested) (campaign.Key, campaign.Request) {
	r := campaign.Request{
		Name: m.GetName(), Description: m.GetDescription(), Sender: m.GetSender(), Text: m.GetText(),
		ListID: m.GetContactListId(), Audience: audienceOf(m), Region: m.GetDefaultRegion(), Lacking: Lacking(m),
		Unicode: m.GetUnicode(), Simulation: m.GetSimulation(),
	}
	if at := m.GetAt(); at != nil {
		r.At = at.AsTime()
	}
	if at := m.GetExpiresAt(); at != nil {
		r.ExpiresAt = at.AsTime()
	}
	r.Limits, r.Labels = limits(m), m.GetLabels()
	return campaign.Key{Source: m.GetSource(), RequestID: m.GetRequestId()}, r
}

// limits are what a validated request asks for beyond being sent.
func limits(m *campaignv1.CampaignRequested) campaign.Limits {
	l := campaign.Limits{
		OnOverMax: codeOf(limited, m.GetOnOverMax()), MaxParts: int(m.GetMaxPartsPerMessage()),
		Approval: m.GetNeedsApproval(), ApprovalWithin: m.GetApprovalWithin().AsDuration(),
		OnNoCredit: codeOf(limited, m.GetOnInsufficientCredit()), CreditWithin: m.GetCreditWithin().AsDuration(),
		MaxLateness: m.GetMaxLateness().AsDuration(), OnLate: codeOf(limited, m.GetOnLate()),
		Window: m.GetSendWindow(),
		Agreed: m.GetAgreedQuoteId(),
	}
	if most := m.GetMaxTotal(); most != nil {
		// Its form was validated at the door.
		l.MaxTotal = campaign.Money{Amount: decimal.RequireFromString(most.GetAmount()), Currency: most.GetCurrency()}
	}
	return l
}
