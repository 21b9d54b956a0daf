package why

import (
	"fmt"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/words"
)

// Became is what became of something that a person told a campaign, as far as its record
// shows. The zero value: nothing yet.
type Became struct {
	Outcome string // a word for programs: confirmed, cancelled, under way …
	Words   string // a sentence for people
	Done    bool   // nothing more comes of it
	Well    bool   // it is what the person wanted
}

// Clock writes an instant for people.
type Clock func(time.Time) string

// Approved is what became of an approval of a quote.
func Approved(quote string, rec campaign.Campaign, clock Clock) Became {
	switch {
	case rec.Confirmed != nil:
		said := "approved and confirmed: it is being sent"
		if at := rec.Confirmed.For; !at.IsZero() {
			said = "approved and confirmed: it is sent at " + clock(at)
		}
		return Became{Outcome: "confirmed", Words: said, Done: true, Well: true}
	case rec.State == campaign.Unresolved:
		return Became{Outcome: "unresolved", Words: "nobody can say whether it was sent: " + rec.Reason.Message, Done: true}
	case rec.State.Final():
		return Became{Outcome: "ended", Words: fmt.Sprintf("not sent: it is %s, %s", rec.State, rec.Reason.Message), Done: true}
	case rec.Need != nil && rec.Need.For == campaign.NeedApproval:
		if id := campaign.QuoteID(rec.Request, *rec.Quote); id != quote {
			return Became{Outcome: "void", Words: fmt.Sprintf("void: it was quoted again and something had moved; it asks for an approval of quote %s, %s", id, words.Money(rec.Quote.Price.Total)), Done: true}
		}
		return Became{}
	case rec.Need != nil && rec.State == campaign.Quoted:
		return Became{Outcome: "waiting", Words: fmt.Sprintf("approved; now it waits until %s: %s", clock(rec.Need.Until), rec.Need.Why), Done: true, Well: true}
	case rec.Approval != nil && rec.Approval.QuoteID == quote:
		return Became{Outcome: "under way", Words: "approved; it is being quoted again before it is sent"}
	}
	return Became{}
}

// Declined is what became of a no to a quote.
func Declined(rec campaign.Campaign) Became {
	if rec.State == campaign.Rejected && rec.Reason.Code == campaign.ReasonDeclined {
		return Became{Outcome: "declined", Words: "declined: it is rejected, and nothing was sent", Done: true, Well: true}
	}
	if rec.State.Final() {
		return Became{Outcome: "ended", Words: fmt.Sprintf("not declined: it has ended, it is %s", rec.State), Done: true}
	}
	return Became{}
}

// Cancelled is what became of a cancel, by the record before it and now.
func Cancelled(old, rec campaign.Campaign) Became {
	c := rec.Cancel
	mine := c != nil && (old.Cancel == nil || !c.At.Equal(old.Cancel.At))
	switch {
	case rec.State == campaign.Cancelled:
		return Became{Outcome: "cancelled", Words: "cancelled: nothing was sent", Done: true, Well: true}
	case mine && c.Failed != "":
		return Became{Outcome: "refused", Words: "not cancelled: " + c.Failed, Done: true}
	case rec.State.Final():
		return Became{Outcome: "ended", Words: fmt.Sprintf("not cancelled: it has ended, it is %s", rec.State), Done: true}
	case mine && rec.State == campaign.Confirming:
		return Became{Outcome: "kept", Words: "kept: the order to send was already on its way; the campaign is cancelled if the gateway turns out not to have carried it out"}
	case mine:
		return Became{Outcome: "under way", Words: "taken: what there is at the gateway is being removed"}
	}
	return Became{}
}

// Resolved is what became of what a person saw at the gateway.
func Resolved(rec campaign.Campaign) Became {
	switch {
	case rec.Resolved == nil:
		return Became{}
	case rec.Resolved.Sent:
		return Became{Outcome: "taken", Words: fmt.Sprintf("taken: it counts as sent, and its statistics are followed (%s)", rec.State), Done: true, Well: true}
	}
	return Became{Outcome: "taken", Words: fmt.Sprintf("taken: it counts as not sent, and has ended (%s); to send it, ask for it under a new request id", rec.State), Done: true, Well: true}
}

// FollowedAgain is what became of the wish to have its figures read again.
func FollowedAgain(old, rec campaign.Campaign) Became {
	switch mine := rec.Followed != nil && (old.Followed == nil || !rec.Followed.At.Equal(old.Followed.At)); {
	case !mine:
		return Became{}
	case rec.State == campaign.Completed:
		return Became{Outcome: "taken", Words: "taken: its figures add up now, and it is completed", Done: true, Well: true}
	}
	return Became{Outcome: "taken", Words: fmt.Sprintf("taken: its statistics are followed again (%s)", rec.State), Done: true, Well: true}
}
