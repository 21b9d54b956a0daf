package campaign

// ReasonCode sorts the reasons why a campaign did not end well. The contract has the
// same word for each: text_not_gsm7 is REASON_TEXT_NOT_GSM7.
type ReasonCode string

const (
	ReasonNotGSM7      ReasonCode = "text_not_gsm7"
	ReasonTooLate      ReasonCode = "too_late"
	ReasonExpired      ReasonCode = "expired"
	ReasonNoCredit     ReasonCode = "insufficient_credit"
	ReasonNobody       ReasonCode = "no_valid_recipient"
	ReasonRefused      ReasonCode = "refused_by_gateway"
	ReasonTooManyParts ReasonCode = "too_many_parts"
	ReasonOverMax      ReasonCode = "over_max_total"
	ReasonOverBudget   ReasonCode = "over_budget"
	ReasonDeclined     ReasonCode = "declined"
	ReasonUnapproved   ReasonCode = "not_approved_in_time"
	ReasonNoWindow     ReasonCode = "no_send_window"
	ReasonGaveUp       ReasonCode = "gave_up"
	ReasonCancelled    ReasonCode = "cancelled"
	ReasonGateway      ReasonCode = "gateway_failed"    // the gateway's status 4
	ReasonVanished     ReasonCode = "vanished"          // the gateway shows a confirmed campaign as unconfirmed
	ReasonAudience     ReasonCode = "audience_unusable" // its own recipients are not there, not as they were named, or cannot be read
	ReasonTooOld       ReasonCode = "audience_too_old"  // under the name there is no list that is young enough
	ReasonNoRoom       ReasonCode = "no_room_for_contacts"
	ReasonDiffers      ReasonCode = "not_as_asked" // the gateway repeats something else, or its figures contradict each other
	// The reasons for unresolved, in this order: nothing shows whether the confirm took
	// effect; it was confirmed and never seen sent; its cost was published for another
	// draft; its number belongs to another customer's campaign; it is at another
	// gateway.
	ReasonUnverifiable ReasonCode = "unverifiable"
	ReasonNeverSeen    ReasonCode = "never_seen_sent"
	ReasonCostConflict ReasonCode = "told_otherwise"
	ReasonStranger     ReasonCode = "somebody_elses"
	ReasonOtherGateway ReasonCode = "other_gateway"
	ReasonNotSent      ReasonCode = "not_sent" // it was unresolved, and then a person saw that it was not sent
)

// Reasons lists every reason, and the one type of event that gives it. Other packages
// range over this list, and a test holds the contract to it.
var Reasons = []struct {
	Code ReasonCode
	In   EventType
}{
	{ReasonNotGSM7, EventRejected},
	{ReasonTooLate, EventRejected},
	{ReasonExpired, EventRejected},
	{ReasonNoCredit, EventRejected},
	{ReasonNobody, EventRejected},
	{ReasonRefused, EventRejected},
	{ReasonTooManyParts, EventRejected},
	{ReasonOverMax, EventRejected},
	{ReasonOverBudget, EventRejected},
	{ReasonDeclined, EventRejected},
	{ReasonUnapproved, EventRejected},
	{ReasonNoWindow, EventRejected},
	{ReasonGaveUp, EventRejected},
	{ReasonAudience, EventRejected},
	{ReasonTooOld, EventRejected},
	{ReasonNoRoom, EventRejected},
	{ReasonDiffers, EventRejected},
	{ReasonNotSent, EventRejected},
	{ReasonCancelled, EventCancelled},
	{ReasonGateway, EventFailed},
	{ReasonVanished, EventFailed},
	{ReasonUnverifiable, EventUnresolved},
	{ReasonNeverSeen, EventUnresolved},
	{ReasonCostConflict, EventUnresolved},
	{ReasonStranger, EventUnresolved},
	{ReasonOtherGateway, EventUnresolved},
}

// Reason says why, in words for people and in fields for programs.
type Reason struct {
	Code    ReasonCode `json:"code"`
	Step    Op         `json:"step,omitempty"`    // the call that was refused
	Field   string     `json:"field,omitempty"`   // the request's field, or the gateway's name for it
	Message string     `json:"message"`           // our sentence: what is wrong, and the remedy
	Gateway string     `json:"gateway,omitempty"` // the gateway's own words
	Cause   Cause      `json:"cause,omitempty"`   // what kind of refusal it was
	HTTP    int        `json:"http_status,omitempty"`
	By      string     `json:"by,omitempty"`    // cancelled, declined, resolved: the person's name
	Actor   string     `json:"actor,omitempty"` // the name that was proven; empty: none was
}
