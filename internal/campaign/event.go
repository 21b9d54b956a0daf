package campaign

import (
	"slices"
	"time"
)

// EventType is the last but one token of an event's subject.
type EventType string

const (
	EventAudiencePrepared EventType = "audience_prepared"
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
	EventAudiencePrepared, EventCostCalculated, EventApprovalRequired, EventApproved, EventDeferred, EventConfirmed, EventStats,
	EventRejected, EventCancelled, EventFailed, EventUnresolved,
}

// Event is what a campaign publishes. Type and N make its subject, and a subject is
// written once only: to publish the same event twice is the same as once. Of the fields
// below, only those that belong to its Type are set.
type Event struct {
	Type       EventType `json:"type"`
	N          int       `json:"n"`                  // ordinal among the campaign's events of this type, from 1
	Sequence   int       `json:"sequence,omitempty"` // its place among all events of the campaign, from 1; zero: an earlier version wrote it
	At         time.Time `json:"at"`
	CampaignID int64     `json:"campaign_id,omitempty"` // the gateway's; zero: there was none
	Gateway    string    `json:"gateway,omitempty"`     // the gateway that gave the number
	Account    string    `json:"account,omitempty"`     // the account that it is about; empty: there is only one

	Prepared  *Prepared     `json:"prepared,omitempty"`  // audience_prepared
	Quote     *Quote        `json:"quote,omitempty"`     // cost_calculated, confirmed
	Confirmed *Confirmation `json:"confirmed,omitempty"` // confirmed
	Stats     *Stats        `json:"stats,omitempty"`     // stats
	Last      bool          `json:"last,omitempty"`      // stats: no further one follows
	Reason    *Reason       `json:"reason,omitempty"`    // rejected, cancelled, failed, unresolved
	Need      *Need         `json:"hold,omitempty"`      // approval_required, deferred
	Text      *TextReport   `json:"text,omitempty"`      // cost_calculated
	QuoteID   string        `json:"quote_id,omitempty"`  // cost_calculated, approval_required, approved
	Approval  *Approval     `json:"approval,omitempty"`  // approved; confirmed, if an approval was needed
	Differs   string        `json:"differs,omitempty"`   // stats: how the sums disagree, in words
}

// Ends says that this event tells how the campaign ended. For a campaign that failed it
// is not the last stats event, but the failed event.
func (e Event) Ends() bool {
	if e.Type == EventStats {
		return e.Last && e.Stats.Status != StatusFailed
	}
	return e.Reason != nil
}

// Well says that every recipient is accounted for, as far as this event shows.
func (e Event) Well() bool { return e.Stats != nil && e.Stats.Reconciled() && e.Differs == "" }

// owesCost says that the record still has to publish a cost.
func (c Campaign) owesCost() bool {
	return slices.ContainsFunc(c.Outbox, func(e Event) bool { return e.Type == EventCostCalculated })
}
