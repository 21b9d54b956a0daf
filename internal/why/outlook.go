package why

import (
	"fmt"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/words"
)

// late is how long after its time a wake-up without an effect is mentioned: timers are
// at most a quarter of a second late.
const late = time.Minute

const readyz = "See whether the service runs, and what it complains about: its page /readyz, on the port set as http.listen."

// outlook says what the campaign waits for now, until when, and what a person
// can do.
func (t *teller) outlook() {
	switch {
	case t.Record == nil:
		t.queue()
	case t.c.State == campaign.Unresolved:
		t.looking()
		t.resolve()
	case t.c.State.Final():
		t.Story.Now = "It waits for nothing: it has ended."
		t.ended()
	default:
		t.waits()
	}
	if t.Held != "" && (t.Record == nil || !t.c.State.Final() && t.c.Confirmed == nil) {
		t.can("It is not begun or confirmed now, because "+t.zoned(t.Held)+". Release it, if you may:", "staffetta release "+t.HeldAs+" --by YOUR-NAME")
	}
}

// looking is the outlook of an unresolved campaign.
func (t *teller) looking() {
	t.Next = t.c.Wake
	if t.c.Wake.IsZero() {
		t.Story.Now = "It waits for a person to look at the gateway and say what is there. The service no longer looks by itself, and never sends it again by itself."
		return
	}
	t.Story.Now = fmt.Sprintf("It is looked at again %s, and so on for 72 hours in all: if the gateway shows that it is being sent, it counts as confirmed. It is never sent again by itself. If you look there sooner, say what you see.", t.on(t.c.Wake))
}

// waits is the outlook of a campaign under way.
func (t *teller) waits() {
	c, now := t.c, t.Evidence.Now
	t.Next = c.Wake
	var what string
	switch {
	case c.State == campaign.Quoted && c.Need != nil && c.Need.For == campaign.NeedApproval:
		what = fmt.Sprintf("It waits for somebody to approve or decline the quote, because %s. Without an answer it is rejected", c.Need.Why)
		if c.Quote != nil {
			id, key := campaign.QuoteID(c.Request, *c.Quote), t.Evidence.Key.String()
			t.can(fmt.Sprintf("Approve it, if you may: %s for %s%s.", words.Plural(c.Quote.Goal.Valid, "recipient", "recipients"), words.Money(c.Quote.Price.Total), t.as("", ", as a simulation, which costs nothing")), "staffetta approve "+key+" --quote "+id+" --by YOUR-NAME")
			t.can("Or decline it:", "staffetta decline "+key+" --quote "+id+" --by YOUR-NAME")
		}
	case t.stranded():
		what = "It waits, because " + t.waiting() + ". It is looked at again"
		t.can(fmt.Sprintf("The operator has to set gateway.url back to %s and start it again; or, if that gateway only has a new address, to name the old one in gateway.moved_from.", c.Draft.Gateway), "")
	case c.Waiting != "":
		what = "It waits, because " + t.waiting() + ". It goes on by itself"
		if now.Sub(c.Wake) < late {
			t.mend()
		}
	case c.State == campaign.Confirmed && c.Confirmed.For.After(now):
		what = fmt.Sprintf("It waits for its time, %s. The service looks at it again", t.clock(c.Confirmed.For))
	case c.State == campaign.Confirmed, c.State == campaign.Sending:
		what = "The sending is followed. The statistics are read again"
	case c.State == campaign.Confirming:
		what = "It waits until it can be said for certain what became of the order. The gateway is asked again"
	default:
		what = "A worker of the service is working on it. If nothing comes of that, another one takes over"
	}
	switch overdue := now.Sub(c.Wake); {
	case overdue < 0 && t.Unarmed:
		t.Story.Now = fmt.Sprintf("%s %s. The timer for that is missing; the service finds such campaigns by itself, within a quarter of an hour after that.", what, t.on(c.Wake))
	case overdue < 0 && !t.Armed.IsZero() && t.Armed.Before(c.Wake):
		t.Story.Now = fmt.Sprintf("%s %s. Until then the service wakes it every week: next %s.", what, t.on(c.Wake), t.on(t.Armed))
	case overdue < late:
		t.Story.Now = fmt.Sprintf("%s %s.", what, t.on(c.Wake))
	default:
		t.Story.Now = fmt.Sprintf("%s %s. That has passed, and it has not happened: is the service running? Once it runs it finds such campaigns by itself, within a quarter of an hour.", what, t.on(c.Wake))
		t.can(readyz, "")
	}
	t.cancelIt()
}

// stranded says that the campaign was found to be at another gateway than the one
// that is configured.
func (t *teller) stranded() bool { return t.c.Draft != nil && !t.c.Draft.Stranded.IsZero() }

// mend is what to do about the thing that a campaign waits for.
func (t *teller) mend() {
	if u := t.c.Unanswered; u != nil && strings.HasPrefix(t.c.Waiting, "the gateway did not answer "+string(u.Op)) {
		if u.Cause == campaign.Failing {
			t.can(fmt.Sprintf("Nothing has to be done if the gateway fails for all campaigns. If it answers others for an hour, and has answered %s of this one with %d since %s, this one is rejected: something in it makes the gateway fail.", u.Op, u.HTTP, t.clock(u.Since)), "")
			return
		}
		t.can(fmt.Sprintf("Find out what has answered %s with %d and without a reason since %s: perhaps a proxy. If that goes on for an hour while other campaigns are answered, or for a day, it is rejected.", u.Op, u.HTTP, t.clock(u.Since)), "")
		return
	}
	n := len(t.c.Attempts)
	if n == 0 {
		return
	}
	switch last := t.c.Attempts[n-1]; last.Kind {
	case campaign.Unauthorised:
		if elsewhere(last) || strings.Contains(last.Note, "gateway.url") {
			t.can("The operator has to correct gateway.url and start it again.", "")
			return
		}
		t.can("The operator has to write a valid API key into its key file. The file is read again by itself.", "")
	case campaign.Unavailable, campaign.NotAttempted, campaign.Throttled:
		t.can("Nothing has to be done: it goes on by itself as soon as the gateway answers.", "")
	}
}

// queue is the outlook of a campaign without a record.
func (t *teller) queue() {
	first := t.first()
	switch turn := t.QueuePlace; {
	case len(t.Requests) == 0:
		t.Story.Now = "It waits for nothing."
		t.can("Check how the name is spelled; this lists the campaigns of the source:", "staffetta ls --source "+t.Evidence.Key.Source)
		return
	case first == nil, t.letter("request", first.Sequence) != nil:
		t.Story.Now = "It waits for nothing: the request cannot be acted on."
		for _, l := range t.Letters {
			t.can("See what is wrong with it, and replay it once it is corrected:", fmt.Sprintf("staffetta dlq show %d", l.ID))
		}
		return
	case turn.Done:
		t.Story.Now = "The service acknowledged the request, and yet there is no record of the campaign: perhaps a power cut took it. The service finds such requests by itself within a quarter of an hour, and begins anew."
		return
	case turn.Taken:
		t.Story.Now = "The service is working on it, or tries again in a moment."
	case !turn.Pulling:
		t.Story.Now = "It waits for its turn" + ahead(turn.Ahead) + ", and no service takes requests at the moment: either none is running, or it has stopped taking new campaigns because the gateway does not answer or does not accept the service's key. It goes on by itself when that is over."
		t.can(readyz, "")
	default:
		t.Story.Now = "It waits for its turn" + ahead(turn.Ahead) + "."
	}
	t.cancelIt()
}

func ahead(n uint64) string {
	if n == 0 {
		return ""
	}
	return ", behind " + words.Plural(int64(n), "request", "requests")
}

// cancelIt offers a cancel if it can still help.
func (t *teller) cancelIt() {
	switch c := t.c; {
	case c.Cancel != nil && c.Cancel.Failed == "":
		return
	case c.State == campaign.Sending:
		t.can("Nothing: what is being sent cannot be stopped any more.", "")
	case c.State == campaign.Confirmed && !c.Confirmed.For.After(t.Evidence.Now):
		t.can("Nothing: what was ordered to be sent at once cannot be taken back.", "")
	case c.State == campaign.Rejecting:
		t.can("Nothing: it is not going to be sent.", "")
	case c.State == campaign.Confirmed && (t.stranded() || c.Cancel != nil):
		t.can("If it should not be sent, delete it on the gateway's own page: the service cannot.", "")
	default:
		t.can("Stop it, if it should not be sent:", "staffetta cancel "+t.Evidence.Key.String()+" --by YOUR-NAME")
	}
}

// resolve is what to do about an unresolved campaign.
func (t *teller) resolve() {
	which := "the campaign"
	if t.c.Draft != nil {
		ids := []string{fmt.Sprint(t.c.Draft.ID)}
		for _, d := range t.c.Named {
			ids = append(ids, fmt.Sprint(d.ID))
		}
		if which = "campaign " + ids[0]; len(ids) > 1 {
			which = "campaigns " + list(ids)
		}
	}
	key := t.Evidence.Key.String()
	t.can(fmt.Sprintf("Look at %s on the gateway's own page; the description there ends in [staffetta %s]. If it was sent, or is being sent, say so:", which, key), "staffetta resolve "+key+" --sent --by YOUR-NAME")
	t.can("If it was not sent, delete it there first, so that it never will be, and then say so:", "staffetta resolve "+key+" --not-sent --by YOUR-NAME")
}

// ended is what a person can do after the end.
func (t *teller) ended() {
	switch t.c.State {
	case campaign.Rejected, campaign.Cancelled:
		if t.c.Reason != nil && t.c.Reason.Code == campaign.ReasonNoCredit {
			t.can("Top up the account's credit at the gateway.", "")
		}
		t.can("If it should be sent after all, ask for it under a new request id; this one stays as it is:", "staffetta request -f campaign.json --id NEW-ID")
	case campaign.Unreconciled:
		t.can("Ask the gateway's support for the right figures. Once they are there, have it followed again:", "staffetta follow "+t.Evidence.Key.String()+" --by YOUR-NAME")
	case campaign.Failed:
		id := int64(0)
		if t.c.Draft != nil {
			id = t.c.Draft.ID
		}
		t.can(fmt.Sprintf("Ask the gateway what was sent of campaign %d before asking for it again: some people may have got the message.", id), "")
	}
}

func (t *teller) can(text, command string) {
	t.Advice = append(t.Advice, Advice{Text: text, Command: command})
}
