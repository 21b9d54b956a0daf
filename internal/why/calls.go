package why

import (
	"fmt"
	"slices"
	"strings"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// The calls to the gateway, as far as the record has kept them.

// called writes a line for every call, except for reads of the statistics that went
// well. Those are written with what they found. If the last of them found nothing, it
// gets a line.
func (t *teller) called() {
	var quiet *campaign.Attempt
	for i := range t.c.Attempts {
		a := t.c.Attempts[i]
		if a.Op == campaign.OpStats && a.Kind == campaign.OK {
			if quiet = &a; t.announcedBy(a) {
				quiet = nil
			}
			continue
		}
		l := Line{At: a.At, Text: t.attempt(a), Call: &a}
		if a.More > 0 {
			l.Times = 1 + a.More
		}
		t.Lines = append(t.Lines, l)
	}
	if quiet != nil && t.c.State != campaign.Completed && t.c.State != campaign.Unreconciled {
		t.Lines = append(t.Lines, Line{At: quiet.At, Call: quiet, Text: "The statistics were read, and nothing had changed."})
	}
}

// read is the call that found a statistic: the last one before it that went well.
func (t *teller) read(e campaign.Event) *campaign.Attempt {
	var found *campaign.Attempt
	for i := range t.c.Attempts {
		if a := t.c.Attempts[i]; a.Op == campaign.OpStats && a.Kind == campaign.OK && !a.At.After(e.At) {
			found = &a
		}
	}
	return found
}

// announcedBy says whether a published statistic was found by this call.
func (t *teller) announcedBy(a campaign.Attempt) bool {
	for _, e := range t.Events {
		if e.Type != campaign.EventStats {
			continue
		}
		if by := t.read(e); by != nil && by.At.Equal(a.At) {
			return true
		}
	}
	return false
}

// intents are the calls in the words of a plan: "create …".
var intents = map[campaign.Op]string{
	campaign.OpCreate:    "creating the campaign at the gateway",
	campaign.OpConfigure: "giving the draft its text, sender and contact list",
	campaign.OpCalculate: "counting the recipients",
	campaign.OpPrice:     "asking for the price",
	campaign.OpAdmit:     "ordering the sending",
	campaign.OpConfirm:   "ordering the sending",
	campaign.OpRoom:      "looking whether the budget has room",
	campaign.OpReserve:   "reserving its cost in the budget",
	campaign.OpSettle:    "settling its cost with the budget",
	campaign.OpStatus:    "asking the gateway where the campaign stands",
	campaign.OpStats:     "reading the statistics",
	campaign.OpDelete:    "deleting the campaign at the gateway",
	campaign.OpLook:      "reading its published events",
	campaign.OpWitness:   "asking the gateway for another campaign, to see whether it shows any",
	campaign.OpErase:     "erasing its requests and dead letters",
	campaign.OpPrepare:   "reading its recipients",
	campaign.OpClaim:     "looking who else gives the same people other values",
	campaign.OpList:      "making a contact list for its recipients",
	campaign.OpUpload:    "putting its recipients into the contact list",
	campaign.OpCount:     "counting the contact list",
	campaign.OpFind:      "looking for its contact lists",
	campaign.OpUnlist:    "removing its contact lists",
	campaign.OpQuota:     "asking for how many more contacts the account has room",
	campaign.OpDiscard:   "removing its recipients from the streams",
}

// attempt is a call in words.
func (t *teller) attempt(a campaign.Attempt) string {
	intent := intents[a.Op]
	if intent == "" { // a call that only a later version knows
		intent = string(a.Op)
	}
	//exhaustive:enforce
	switch a.Kind {
	case campaign.OK:
		return t.done(a)
	case campaign.Refused:
		return refused(a, intent)
	case campaign.Unavailable:
		return unanswered(a, intent)
	case campaign.Throttled:
		return fmt.Sprintf("The gateway turned down %s: too many calls at the moment%s. It is tried again when the gateway allows.", intent, quoted(a.Note))
	case campaign.Unauthorised:
		if a.HTTP == 0 {
			return fmt.Sprintf("Held back: %s. %s. It used up no attempt.", intent, upper(a.Note))
		}
		if elsewhere(a) {
			return fmt.Sprintf("There was nothing where the service's gateway.url leads when it tried %s%s. That is no fault of the campaign, and used up no attempt.", intent, quoted(a.Note))
		}
		return fmt.Sprintf("The gateway turned down %s, because it does not accept the service's key%s. That is no fault of the campaign, and used up no attempt.", intent, quoted(a.Note))
	case campaign.NotAttempted:
		return fmt.Sprintf("Held back: %s. %s. It used up no attempt.", intent, upper(a.Note))
	}
	return fmt.Sprintf("%s: %s.", upper(intent), a.Kind)
}

// done is the line of a call that went well. The note is what the gateway answered.
func (t *teller) done(a campaign.Attempt) string {
	switch a.Op {
	case campaign.OpCreate:
		if a.Note != "" {
			return fmt.Sprintf("It was created at the gateway as a draft, %s. A draft costs nothing and is not sent.", a.Note)
		}
		return "It was created at the gateway as a draft. A draft costs nothing and is not sent."
	case campaign.OpConfigure:
		return "The draft was given its text, sender and contact list."
	case campaign.OpCalculate:
		return "The gateway counted the recipients."
	case campaign.OpPrice:
		return "The gateway named the price."
	case campaign.OpConfirm:
		switch word := campaign.Status(a.Note); {
		case word == campaign.StatusConfirmed, word == campaign.StatusSending, word == campaign.StatusCompleted,
			word == "" && t.c.Confirmed != nil && !t.c.Confirmed.ReadBack: // a record of an earlier version
			return "The sending was ordered, and the gateway accepted the order."
		case word == campaign.StatusUnconfirmed:
			return "The sending was ordered, and the gateway answered that it is not confirmed: it is asked where the campaign stands."
		}
		return "The sending was ordered, and the answer does not say whether the order was accepted: the gateway is asked where the campaign stands."
	case campaign.OpRoom:
		return "The budget had room for it; nothing was reserved yet."
	case campaign.OpReserve:
		return "Its cost was reserved in the budget."
	case campaign.OpSettle:
		return t.settled()
	case campaign.OpStatus:
		if word := statusWords[campaign.Status(a.Note)]; word != "" {
			return fmt.Sprintf("The gateway was asked where the campaign stands: %s.", word)
		}
		if a.Note == string(campaign.StatusUnconfirmed) {
			return "The gateway was asked where the campaign stands: it is not confirmed there."
		}
		if a.Note == string(campaign.StatusUnknown) {
			return "The gateway was asked where the campaign stands, and answered with a word that is not documented."
		}
		return "The gateway was asked where the campaign stands" + quoted(a.Note) + "."
	case campaign.OpDelete:
		return "The gateway said that it deleted the campaign."
	case campaign.OpWitness:
		return "The gateway was asked for another campaign, and shows it."
	case campaign.OpPrepare:
		return "Its recipients were read."
	case campaign.OpClaim:
		return "Nobody else gives the same people other values now."
	case campaign.OpList:
		return fmt.Sprintf("A contact list was made for its recipients at the gateway%s.", aside(a.Note))
	case campaign.OpUpload:
		return "Its recipients were put into the contact list."
	case campaign.OpCount:
		return fmt.Sprintf("The gateway counted the contact list%s.", aside(a.Note))
	case campaign.OpFind:
		return fmt.Sprintf("The gateway was asked for its contact lists%s.", aside(a.Note))
	case campaign.OpUnlist:
		return "Its contact lists were removed from the gateway. The contacts stay."
	case campaign.OpQuota:
		return fmt.Sprintf("The gateway was asked for how many more contacts the account has room%s.", aside(a.Note))
	case campaign.OpDiscard:
		return "Its recipients were removed from the streams."
	}
	return fmt.Sprintf("%s went well.", upper(intents[a.Op]))
}

// settled is what a settlement did. One that was not sent has no cost.
func (t *teller) settled() string {
	reserved := slices.ContainsFunc(t.c.Attempts, func(a campaign.Attempt) bool { return a.Op == campaign.OpReserve && a.Kind == campaign.OK })
	switch {
	case t.c.Confirmed != nil || t.c.State == campaign.Failed:
		return "Its cost was settled with the budget."
	case reserved:
		return "What was reserved for it in the budget was given back."
	}
	return "Nothing is reserved for it in the budget."
}

func refused(a campaign.Attempt, intent string) string {
	switch {
	case a.Op == campaign.OpConfirm:
		return fmt.Sprintf("The gateway refused the order to send%s. That is not taken at its word, because an earlier order may have been carried out: first the gateway is asked where the campaign stands.", quoted(a.Note))
	case a.Op == campaign.OpPrepare, a.Op == campaign.OpUpload && a.HTTP == 0:
		return fmt.Sprintf("Its recipients cannot be used%s.", quoted(a.Note))
	case a.Op == campaign.OpClaim:
		return fmt.Sprintf("Another campaign gives some of the same people other values%s.", quoted(a.Note))
	case a.Op == campaign.OpReserve, a.Op == campaign.OpRoom:
		return fmt.Sprintf("The budget has no room for it%s.", quoted(a.Note))
	case a.Op == campaign.OpStatus && a.Cause == campaign.NotFound:
		return "The gateway was asked where the campaign stands, and does not show it. That alone proves nothing."
	case a.Op == campaign.OpDelete && a.Cause == campaign.Unsupported:
		return "The gateway does not delete campaigns."
	case a.Op == campaign.OpDelete:
		return fmt.Sprintf("The gateway did not delete the campaign%s: it may be gone already, or be on its way.", quoted(a.Note))
	}
	return fmt.Sprintf("The gateway refused %s%s.", intent, quoted(a.Note))
}

// unanswered is the line of a call that may have taken effect or not.
func unanswered(a campaign.Attempt, intent string) string {
	s := fmt.Sprintf("No usable answer to %s%s.", intent, aside(a.Note))
	switch a.Op {
	case campaign.OpCreate:
		s += " If it was created all the same, that draft is left unused: it costs nothing and is never sent."
	case campaign.OpList:
		s += " If it was made all the same, it is found by its name and removed."
	case campaign.OpUpload:
		s += " It is done again: that adds nobody twice."
	case campaign.OpConfigure, campaign.OpCalculate, campaign.OpPrice:
		s += " The outcome of that call is unknown, so the draft is thrown away and a new one is made."
	case campaign.OpConfirm:
		s += " Whether the order is carried out is not known, and it is not repeated: first the gateway is asked where the campaign stands."
	case campaign.OpRoom:
		s += " The approval is asked for all the same: the cost is reserved before anything is sent."
	default: // status, statistics, delete, and the budget's ledger
		s += " It is tried again."
	}
	return s
}

// waiting is why nothing happens now. What the rules wrote about the last call is said
// here without that call's name.
func (t *teller) waiting() string {
	w := t.zoned(t.c.Waiting)
	if t.c.State == campaign.Confirming && strings.HasPrefix(w, "the confirm had no clear outcome") {
		return "no clear answer to the order has come, and an order that is still on its way may yet be carried out"
	}
	n := len(t.c.Attempts)
	if n == 0 {
		return w
	}
	last := t.c.Attempts[n-1]
	switch unanswered, held := strings.HasPrefix(w, "the gateway did not answer "+string(last.Op)), strings.HasPrefix(w, string(last.Op)+" may not be called now"); {
	case unanswered:
		return fmt.Sprintf("there was no usable answer to %s%s", intents[last.Op], aside(last.Note))
	case held && elsewhere(last):
		return "there is no gateway where the service's gateway.url leads" + aside(last.Note)
	case held && last.Kind == campaign.Unauthorised && last.HTTP != 0:
		return "the gateway does not accept the service's key" + aside(last.Note)
	case held && last.Kind == campaign.Throttled:
		return "the gateway takes no more calls at the moment" + aside(last.Note)
	case held && last.Note != "":
		return last.Note
	}
	return w
}

// elsewhere says that a call reached no gateway: the setting gateway.url is wrong, not
// the key.
func elsewhere(a campaign.Attempt) bool {
	return a.Kind == campaign.Unauthorised && (a.Cause == campaign.NotFound || a.Cause == campaign.Unsupported)
}

// upper makes the first letter upper case.
func upper(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}
