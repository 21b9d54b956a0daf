package campaign

import (
	"slices"
	"time"
)

// EventType is the last but one token of an event's subject.
type EventType string

const (
	EventCostCalculated   EventType = "cost_calculated"
	EventApprovalRequired EventType = "approval_required"
	EventApproved         EventType = "approved"
	EventDeferred         EventType = "deferred"
	EventConfirmed        EventType = "confirmed"
	EventStats            EventType = "stats"
	EventRejected         EventType = "rejected"
	EventCancelled        EventType = "cancelled"
	EventFailed           EventType = "failed"
	EventUnresolved       EventType = "unresolved"
)

// EventTypes lists every type in the order of the lifecycle.
var EventTypes = []EventType{
	EventCostCalculated, EventApprovalRequired, EventApproved, EventDeferred, EventConfirmed, EventStats,
	EventRejected, EventCancelled, EventFailed, EventUnresolved,
}

// Event is something to tell everybody. Type and N make its subject, which is
// written once only: publishing the same event twice is the same as once.
// Exactly the part that belongs to its Type is set.
type Event struct {
	Type       EventType `json:"type"`
	N          int       `json:"n"` // ordinal among the campaign's events of this type, from 1
	At         time.Time `json:"at"`
	CampaignID int64     `json:"campaign_id,omitempty"` // the gateway's; zero: there was none
	Gateway    string    `json:"gateway,omitempty"`     // whose number that is

	Quote     *Quote        `json:"quote,omitempty"`     // cost_calculated, confirmed
	Confirmed *Confirmation `json:"confirmed,omitempty"` // confirmed
	Stats     *Stats        `json:"stats,omitempty"`     // stats
	Last      bool          `json:"last,omitempty"`      // stats: no further one follows
	Reason    *Reason       `json:"reason,omitempty"`    // rejected, cancelled, failed, unresolved
	Hold      *Hold         `json:"hold,omitempty"`      // approval_required, deferred
	Text      *TextReport   `json:"text,omitempty"`      // cost_calculated
	QuoteID   string        `json:"quote_id,omitempty"`  // cost_calculated, approval_required, approved
	Approval  *Approval     `json:"approval,omitempty"`  // approved; confirmed, if somebody had to agree
	Differs   string        `json:"differs,omitempty"`   // stats: how the sums disagree, in words
}

// owesCost says that the record has still to tell a cost.
func (c Campaign) owesCost() bool {
	return slices.ContainsFunc(c.Outbox, func(e Event) bool { return e.Type == EventCostCalculated })
}

// ReasonCode sorts why a campaign did not end well. The contract has the same.
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
	ReasonGateway      ReasonCode = "gateway_failed" // the gateway's status 4
	ReasonVanished     ReasonCode = "vanished"       // a confirmed campaign that the gateway shows unconfirmed
	ReasonDiffers      ReasonCode = "not_as_asked"   // the gateway repeats something else, or its figures contradict each other
	// Unresolved: nothing shows whether the confirm took effect; it was confirmed and
	// never seen sent; its cost was told for another draft; its number is somebody
	// else's; it is at another gateway.
	ReasonUnverifiable  ReasonCode = "unverifiable"
	ReasonNeverSeen     ReasonCode = "never_seen_sent"
	ReasonToldOtherwise ReasonCode = "told_otherwise"
	ReasonStranger      ReasonCode = "somebody_elses"
	ReasonOtherGateway  ReasonCode = "other_gateway"
	ReasonNotSent       ReasonCode = "not_sent" // unresolved, and then somebody saw that it was not sent
)

// Reason says why, in words for people and in fields for programs.
type Reason struct {
	Code    ReasonCode `json:"code"`
	Step    Op         `json:"step,omitempty"`    // the call that was refused
	Field   string     `json:"field,omitempty"`   // the request's field, or the gateway's name for it
	Message string     `json:"message"`           // our sentence: what is wrong, and the remedy
	Gateway string     `json:"gateway,omitempty"` // the gateway's own words
	HTTP    int        `json:"http_status,omitempty"`
	By      string     `json:"by,omitempty"`    // cancelled: who
	Actor   string     `json:"actor,omitempty"` // who proved to be the speaker; empty: nobody did
}
