package contract

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/schedule"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Words of closed sets, and the contract's words for them. They have the same name, so
// that nobody writes them down twice: text_not_gsm7 is REASON_TEXT_NOT_GSM7.
var (
	rejections = wordsOf[campaignv1.CampaignRejected_Reason]("REASON_", reasonsIn(campaign.EventRejected))
	failures   = wordsOf[campaignv1.CampaignFailed_Reason]("REASON_", reasonsIn(campaign.EventFailed))
	statuses   = wordsOf[campaignv1.CampaignStats_Status]("STATUS_", campaign.Statuses)
	waits      = wordsOf[campaignv1.CampaignDeferred_WaitsFor]("WAITS_FOR_", campaign.NeedKinds)
	limited    = wordsOf[campaignv1.OnLimit]("ON_LIMIT_", campaign.Choices)
	formats    = wordsOf[campaignv1.Audience_Format]("FORMAT_", campaign.Formats)
	lacking    = wordsOf[campaignv1.MissingField]("MISSING_FIELD_", campaign.Lackings)
	leftOut    = wordsOf[campaignv1.OccurrenceLeftOut_Reason]("REASON_", schedule.Reasons)
)

func init() {
	// A confirmed campaign that reads as a draft again: nothing in the
	// contract says so, because nothing the gateway documents does.
	statuses[campaign.StatusUnconfirmed] = campaignv1.CampaignStats_STATUS_UNKNOWN
	// A default is not written down, so that saying it and not saying it are the same
	// request.
	delete(limited, campaign.Reject)
	delete(lacking, campaign.LeaveOut)
}

// wordsOf finds the contract's word for each of ours. One for which it has none is left
// out.
func wordsOf[T interface {
	~int32
	protoreflect.Enum
}, O ~string](prefix string, ours []O) map[O]T {
	var none T
	table := map[O]T{}
	for _, word := range ours {
		if v := none.Descriptor().Values().ByName(protoreflect.Name(prefix + strings.ToUpper(string(word)))); v != nil {
			table[word] = T(v.Number())
		}
	}
	return table
}

// wordOf is the contract's word for one of ours.
func wordOf[T any, O ~string](table map[O]T, ours O) (T, error) {
	word, known := table[ours]
	if !known {
		return word, fmt.Errorf("the contract has no word for %q", ours)
	}
	return word, nil
}

// codeOf is our word for one of the contract's; empty: we have none.
func codeOf[O ~string, T comparable](table map[O]T, told T) (ours O) {
	for o, t := range table {
		if t == told {
			return o
		}
	}
	return ours
}

// reasonsIn are the reasons that events of a type give.
func reasonsIn(t campaign.EventType) (codes []campaign.ReasonCode) {
	for _, r := range campaign.Reasons {
		if r.In == t {
			codes = append(codes, r.Code)
		}
	}
	return codes
}

// statusOf has the documented words; two of ours are told as UNKNOWN.
func statusOf(s campaignv1.CampaignStats_Status) campaign.Status {
	if status := codeOf(statuses, s); status != "" && s != campaignv1.CampaignStats_STATUS_UNKNOWN {
		return status
	}
	return campaign.StatusUnknown
}

var steps = map[campaign.Op]campaignv1.CampaignRejected_Step{
	"":                   campaignv1.CampaignRejected_STEP_REQUEST,
	campaign.OpCreate:    campaignv1.CampaignRejected_STEP_CREATE,
	campaign.OpConfigure: campaignv1.CampaignRejected_STEP_CONFIGURE,
	campaign.OpCalculate: campaignv1.CampaignRejected_STEP_CALCULATE,
	campaign.OpPrice:     campaignv1.CampaignRejected_STEP_PRICE,
	campaign.OpAdmit:     campaignv1.CampaignRejected_STEP_CONFIRM,
	campaign.OpConfirm:   campaignv1.CampaignRejected_STEP_CONFIRM,
	campaign.OpStatus:    campaignv1.CampaignRejected_STEP_CONFIRM,
	campaign.OpDelete:    campaignv1.CampaignRejected_STEP_CONFIRM,
	campaign.OpReserve:   campaignv1.CampaignRejected_STEP_PRICE,
	campaign.OpPrepare:   campaignv1.CampaignRejected_STEP_PREPARE,
	campaign.OpList:      campaignv1.CampaignRejected_STEP_LIST,
	campaign.OpUpload:    campaignv1.CampaignRejected_STEP_LIST,
	campaign.OpCount:     campaignv1.CampaignRejected_STEP_LIST,
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
