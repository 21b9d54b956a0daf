package journal

import (
	"time"

	"github.com/shopspring/decimal"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/internal/campaign"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Event is the event in the words of the rules: what toProto made of one,
// back. It is for reading: what the contract does not say stays zero. False:
// it is of a type that this version does not know.
func (t Told) Event() (campaign.Event, bool) {
	type common interface {
		GetCampaignId() int64
		GetVersion() int32
	}
	m, ok := t.Message.(common)
	if !ok {
		return campaign.Event{}, false
	}
	e := campaign.Event{Type: campaign.EventType(t.Type), N: int(m.GetVersion()), CampaignID: m.GetCampaignId(), Gateway: header(t.Header, headerGateway)}
	// When it was said; the instants in the messages mean each something else.
	e.At, _ = time.Parse(time.RFC3339Nano, header(t.Header, "ce-time"))
	switch m := t.Message.(type) {
	case *campaignv1.CampaignCostCalculated:
		e.Quote = &campaign.Quote{
			N: e.N, At: instant(m.GetCalculatedAt()),
			Goal: campaign.Goal{Total: m.GetTotalRecipients(), Valid: m.GetValidRecipients(), Invalid: m.GetInvalidRecipients(), Parts: m.GetParts()},
			Price: campaign.Price{PerMessage: amount(m.GetPricePerMessage()), Total: amount(m.GetTotal()),
				Available: amount(m.GetAvailableCredit()), Sufficient: m.GetSufficient()},
		}
		e.QuoteID = m.GetQuoteId()
	case *campaignv1.CampaignApprovalRequired:
		e.QuoteID = m.GetQuoteId()
		e.Quote = &campaign.Quote{
			Goal:  campaign.Goal{Valid: m.GetRecipients(), Parts: m.GetParts()},
			Price: campaign.Price{PerMessage: amount(m.GetPricePerMessage()), Total: amount(m.GetTotal())},
		}
		e.Hold = &campaign.Hold{For: campaign.HoldApproval, Why: m.GetWhy(), Since: instant(m.GetAskedAt()), Until: instant(m.GetUntil())}
	case *campaignv1.CampaignApproved:
		e.QuoteID = m.GetQuoteId()
		e.Approval = &campaign.Approval{QuoteID: e.QuoteID, By: m.GetBy(), Actor: m.GetActor(), At: instant(m.GetApprovedAt()), Quote: campaign.Quote{
			Goal: campaign.Goal{Valid: m.GetRecipients(), Parts: m.GetParts()}, Price: campaign.Price{Total: amount(m.GetTotal())}}}
	case *campaignv1.CampaignDeferred:
		e.Hold = &campaign.Hold{For: codeOf(waits, m.GetWaitsFor()), Why: m.GetWhy(), Since: instant(m.GetDeferredAt()), Until: instant(m.GetUntil())}
	case *campaignv1.CampaignConfirmed:
		e.Confirmed = &campaign.Confirmation{At: instant(m.GetConfirmedAt()), For: instant(m.GetScheduledFor())}
		e.Quote = &campaign.Quote{Goal: campaign.Goal{Valid: m.GetRecipients()}, Price: campaign.Price{Total: amount(m.GetTotal())}}
		if by := m.GetApprovedBy(); by != "" {
			e.Approval = &campaign.Approval{By: by, Actor: m.GetApprovedActor(), QuoteID: m.GetApprovedQuoteId()}
		}
	case *campaignv1.CampaignStats:
		rate, err := decimal.NewFromString(m.GetDeliveryRate())
		e.Last, e.Differs = m.GetLast(), m.GetDiffers()
		e.Stats = &campaign.Stats{
			Status: statusOf(m.GetStatus()), Uncounted: m.GetUncounted(), Total: m.GetTotal(), Sent: m.GetSent(), Delivered: m.GetDelivered(),
			Undelivered: m.GetUndelivered(), Pending: m.GetPending(), DeliveryRate: decimal.NullDecimal{Decimal: rate, Valid: err == nil}, Cost: amount(m.GetCost()),
			CompletedAt: instant(m.GetCompletedAt()),
		}
	case *campaignv1.CampaignRejected:
		e.Reason = &campaign.Reason{Code: codeOf(rejections, m.GetReason()), Step: stepOf(m.GetStep()), Field: m.GetField(),
			Message: m.GetMessage(), Gateway: m.GetGatewayMessage(), HTTP: int(m.GetHttpStatus())}
	case *campaignv1.CampaignCancelled:
		e.Reason = &campaign.Reason{Code: campaign.ReasonCancelled, By: m.GetBy(), Actor: m.GetActor(), Message: m.GetReason()}
	case *campaignv1.CampaignFailed:
		e.Reason = &campaign.Reason{Code: codeOf(failures, m.GetReason()), Message: m.GetMessage()}
	case *campaignv1.CampaignUnresolved:
		e.Reason = &campaign.Reason{Code: campaign.ReasonUnverifiable, Message: m.GetMessage()}
	default:
		return campaign.Event{}, false
	}
	return e, true
}

// instant is the zero time for what was not said.
func instant(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

func amount(m *campaignv1.Money) campaign.Money {
	d, err := decimal.NewFromString(m.GetAmount())
	if m == nil || err != nil {
		return campaign.Money{}
	}
	return campaign.Money{Amount: d, Currency: m.GetCurrency()}
}

// statusOf has the documented words; two of ours are told as UNKNOWN.
func statusOf(s campaignv1.CampaignStats_Status) campaign.Status {
	for ours, theirs := range statuses {
		if theirs == s && s != campaignv1.CampaignStats_STATUS_UNKNOWN {
			return ours
		}
	}
	return campaign.StatusUnknown
}

// codeOf is our word for one of the contract's.
func codeOf[O, T comparable](table map[O]T, told T) (ours O) {
	for o, t := range table {
		if t == told {
			return o
		}
	}
	return ours
}

// stepOf has the calls of the lifecycle in their order; those around the
// confirm are told as that one.
func stepOf(s campaignv1.CampaignRejected_Step) campaign.Op {
	for _, op := range []campaign.Op{campaign.OpCreate, campaign.OpConfigure, campaign.OpCalculate, campaign.OpPrice, campaign.OpConfirm} {
		if steps[op] == s {
			return op
		}
	}
	return ""
}
