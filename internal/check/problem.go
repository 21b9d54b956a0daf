package check

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/query"
)

// What is told of a problem: the word that the event or the dead letter would have, what
// is wrong, and what to do.

// unreadable is a request that cannot be read.
func unreadable(f contract.Fault) query.Problem {
	p := invalid(f)
	p.Reason = string(deadletter.NotJSON)
	return p
}

// invalid is a field that breaks a rule of the contract.
func invalid(f contract.Fault) query.Problem {
	return query.Problem{Field: f.Field, Reason: string(deadletter.Invalid), Text: f.Note, Remedy: correct(f.Field)}
}

func correct(field string) string { return "correct " + cmp.Or(field, "the request") }

// conflicting is a request that was made before, with other content.
func conflicting(rec campaign.Campaign, fields []string) query.Problem {
	return query.Problem{Field: "request_id", Reason: string(deadletter.Conflicting), Remedy: anewRemedy, Text: fmt.Sprintf(
		"%s was already requested with other content (%s); the first one stands, and is %s", rec.Key, strings.Join(fields, ", "), rec.State)}
}

// cancelledBefore is a request that was cancelled before it was made.
func cancelledBefore(rec campaign.Campaign) query.Problem {
	return query.Problem{Field: "request_id", Reason: string(deadletter.Cancelled), Remedy: anewRemedy, Text: fmt.Sprintf(
		"%s was cancelled by %s before it was asked for", rec.Key, rec.Cancel.By)}
}

const anewRemedy = "give it a new request id"

// anew ends what a rejection says, where a request id is used up. A check uses up none.
const anew = "ask again under a new request id"

// rejected is a rejection that would come.
func rejected(why campaign.Reason) query.Problem {
	text := why.Message
	for _, between := range []string{", then ", ": ", "; ", ", "} {
		text = strings.TrimSuffix(text, between+anew)
	}
	remedy := remedies[why.Code]
	if remedy == "" {
		text, remedy, _ = strings.Cut(text, ": ")
	}
	if why.Gateway != "" {
		text += ": " + why.Gateway
	}
	return query.Problem{Field: why.Field, Reason: string(why.Code), Text: text, Remedy: cmp.Or(remedy, correct(why.Field))}
}

// remedies are what a sender can do before a request is made, where the message of the
// rejection does not end in it.
var remedies = map[campaign.ReasonCode]string{
	campaign.ReasonTooLate:    "give a later instant; or let on_late ask, or raise max_lateness",
	campaign.ReasonExpired:    "give a later expires_at, or an earlier start",
	campaign.ReasonOverBudget: "have the budget raised, or ask in its next period",
	campaign.ReasonNoWindow:   "name a send window that the operator has loaded and that the sending fits into",
	campaign.ReasonRefused:    "correct what the gateway names",
	campaign.ReasonDiffers:    "ask the gateway's support why",
}
