package why

import (
	"fmt"
	"slices"
	"strings"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// What people said (requests, commands), what was announced to everybody
// (events), and what was put aside (dead letters).

// asked tells of every request. The first counts, the others change nothing.
func (t *teller) asked() {
	began := false
	for _, r := range t.Requests {
		who := t.Evidence.Key.Source
		if r.Replay != 0 {
			who = fmt.Sprintf("Dead letter %d was replayed: %s", r.Replay, who)
		}
		aside := ""
		if l := t.letter("request", r.Sequence); l != nil {
			aside = fmt.Sprintf(" It is kept as dead letter %d: %s.", l.ID, l.words())
		}
		var differs []string
		if t.c.Request.Sender != "" { // else its record was lost, and rebuilt without it
			differs = t.c.Request.Diff(r.Content)
		}
		switch {
		case t.unasked() && r.Err == "" && r.At.After(t.c.Cancel.At):
			t.say(r.At, "%s asked for the campaign, which had been cancelled before: it is not sent.%s", who, aside)
		case r.Err != "":
			if aside == "" {
				aside = " " + sentence(upper(r.Err))
			}
			t.say(r.At, "%s sent a request that cannot be acted on.%s", who, aside)
		case len(differs) > 0:
			t.say(r.At, "%s asked under the same name for something else (%s): the first request stands, this one changed nothing.%s", who, list(differs), aside)
		case began:
			t.say(r.At, "%s asked again, for the same: that changes nothing.%s", who, aside)
		default:
			began = true
			t.say(r.At, "%s asked for the campaign: sender %s, contact list %d, %s.%s", who, r.Content.Sender, r.Content.ListID, t.start(r.Content), aside)
		}
	}
	if at := t.c.Asked; !began && !at.IsZero() {
		t.say(at, "%s asked for the campaign. The request itself is no longer in its stream, which keeps it for 30 days.", t.Evidence.Key.Source)
	}
}

// unasked says that the campaign was cancelled before the service had begun
// with a request for it, or had even got one.
func (t *teller) unasked() bool {
	return t.c.State == campaign.Cancelled && t.c.Request.Sender == ""
}

func (t *teller) start(r campaign.Request) string {
	s := "to be sent at once"
	if r.Scheduled() {
		s = "to be sent " + t.on(r.At)
	}
	if !r.ExpiresAt.IsZero() {
		s += ", and not to be ordered after " + t.clock(r.ExpiresAt)
	}
	if max := r.Limits.MaxTotal; max.Currency != "" {
		s += ", for " + money(max) + " at most"
	}
	if r.Simulation {
		s += ", as a simulation"
	}
	return s
}

// by names who said something. A name that nobody proves is what somebody wrote.
func by(name, actor string) string {
	switch actor {
	case "":
		return name + " (unproven)"
	case name:
		return actor
	}
	return fmt.Sprintf("%s (%s)", actor, name)
}

// told tells of every command, and of what the record keeps of them after the
// command itself has aged out.
func (t *teller) told() {
	var cancel, resolve, approve, follow, forget bool
	for _, cmd := range t.Commands {
		aside := ""
		if l := t.letter("command", cmd.Sequence); l != nil {
			aside = fmt.Sprintf(" It was put aside as dead letter %d: %s.", l.ID, l.words())
		}
		switch in := cmd.Input.(type) {
		case campaign.CancelAsked:
			cancel = true
			t.say(cmd.At, "%s asked to cancel it%s.%s", by(in.By, in.Actor), quoted(in.Why), aside)
		case campaign.Resolved:
			resolve = true
			t.say(cmd.At, "%s looked at the gateway and said that it was %s%s.%s", by(in.By, in.Actor), sentOrNot(in.Sent), quoted(in.Why), aside)
		case campaign.Follow:
			follow = true
			t.say(cmd.At, "%s had its statistics followed again.%s", by(in.By, in.Actor), aside)
		case campaign.Forget:
			forget = true
			t.say(cmd.At, "%s had its name, description and text forgotten.%s", by(in.By, in.Actor), aside)
		case campaign.Approve:
			approve = true
			t.say(cmd.At, "%s approved offer %s.%s", by(in.By, in.Actor), in.QuoteID, aside)
		case campaign.Decline:
			t.say(cmd.At, "%s declined offer %s%s.%s", by(in.By, in.Actor), in.QuoteID, quoted(in.Why), aside)
		default:
			t.say(cmd.At, "Somebody sent a command that cannot be read.%s", aside)
		}
	}
	if c := t.c.Cancel; c != nil {
		if !cancel {
			t.say(c.At, "%s asked to cancel it%s.", by(c.By, c.Actor), quoted(c.Why))
		}
		switch {
		case c.Refused != "":
			t.say(c.At, "The cancel was turned down: %s.", c.Refused)
		case t.c.State == campaign.Confirming:
			t.say(c.At, "The cancel is kept: the order to send was already on its way. If it turns out that the gateway did not carry it out, the campaign is cancelled.")
		}
	}
	if a := t.c.Approval; a != nil && !approve {
		t.say(a.At, "%s approved offer %s: %s for %s.", by(a.By, a.Actor), a.QuoteID, plural(a.Quote.Goal.Valid, "recipient", "recipients"), money(a.Quote.Price.Total))
	}
	if f := t.c.Followed; f != nil && !follow {
		t.say(f.At, "%s had its statistics followed again.", by(f.By, f.Actor))
	}
	if f := t.c.Forgotten; f != nil && !forget {
		t.say(f.At, "%s had its name, description and text forgotten.", by(f.By, f.Actor))
	}
	if r := t.c.Resolved; r != nil && !resolve {
		t.say(r.At, "%s looked at the gateway and said that it was %s%s.", by(r.By, r.Actor), sentOrNot(r.Sent), quoted(r.Why))
	}
}

func sentOrNot(sent bool) string {
	if sent {
		return "sent"
	}
	return "not sent"
}

// statsKept is how many of many statistics are told at either end.
const statsKept = 2

// announced tells of every event; of many statistics the first and the last.
func (t *teller) announced() {
	var stats []campaign.Event
	for _, e := range t.Events {
		switch {
		case e.Type == campaign.EventStats:
			stats = append(stats, e)
		default:
			t.say(e.At, "%s", t.event(e))
		}
	}
	for i, e := range stats {
		if between := len(stats) - 2*statsKept; between > 1 && i >= statsKept && i < len(stats)-statsKept {
			if i == statsKept {
				t.say(e.At, "%s more statistics, until %s.", count(int64(between)), t.clock(stats[i+between-1].At))
			}
			continue
		}
		t.Lines = append(t.Lines, Line{At: e.At, Text: t.event(e), Call: t.read(e)})
	}
}

// event is an event in words. One that a newer version announced may have
// nothing in it that this one can read.
func (t *teller) event(e campaign.Event) string {
	switch {
	case e.Type == campaign.EventCostCalculated && e.Quote != nil:
		return t.offer(*e.Quote)
	case e.Type == campaign.EventApprovalRequired && e.Hold != nil && e.Quote != nil:
		return fmt.Sprintf("Somebody has to approve it, because %s. Offer %s: %s, %s in all. Without an approval until %s it is rejected.",
			e.Hold.Why, e.QuoteID, plural(e.Quote.Goal.Valid, "recipient", "recipients"), money(e.Quote.Price.Total), t.clock(e.Hold.Until))
	case e.Type == campaign.EventApproved && e.Approval != nil:
		return fmt.Sprintf("The approval of %s counts, for offer %s: %s, %s in all. It is quoted once more before it is sent.",
			e.Approval.By, e.QuoteID, plural(e.Approval.Quote.Goal.Valid, "recipient", "recipients"), money(e.Approval.Quote.Price.Total))
	case e.Type == campaign.EventDeferred && e.Hold != nil:
		return fmt.Sprintf("Put off until %s: %s", t.clock(e.Hold.Until), sentence(e.Hold.Why))
	case e.Type == campaign.EventConfirmed && e.Confirmed != nil:
		return t.confirmed(e)
	case e.Type == campaign.EventStats && e.Stats != nil:
		return statistic(*e.Stats, e.Last, e.Differs)
	case e.Reason == nil:
		return fmt.Sprintf("Announced: %s, which this version cannot read.", strings.ReplaceAll(string(e.Type), "_", " "))
	case e.Type == campaign.EventRejected:
		return "Rejected: " + sentence(e.Reason.Message) + " Nothing was sent."
	case e.Type == campaign.EventCancelled:
		return fmt.Sprintf("Cancelled, as %s had asked. Nothing was sent.", e.Reason.By)
	case e.Type == campaign.EventFailed:
		return "Failed: " + sentence(e.Reason.Message)
	case e.Type == campaign.EventUnresolved:
		return unknown(e.Reason.Message)
	}
	return fmt.Sprintf("Announced: %s.", strings.ReplaceAll(string(e.Type), "_", " "))
}

// offer is a quote in words.
func (t *teller) offer(q campaign.Quote) string {
	s := "The offer"
	if q.N > 1 {
		s = fmt.Sprintf("Offer %d", q.N)
	}
	s += fmt.Sprintf(": %s of %s would get the message", count(q.Goal.Valid), plural(q.Goal.Total, "contact", "contacts"))
	if q.Goal.Invalid > 0 {
		s += fmt.Sprintf(" (%s: twice in the list, malformed or opted out)", plural(q.Goal.Invalid, "would not", "would not"))
	}
	s += fmt.Sprintf("; %s at %s each, %s in all.", plural(q.Goal.Parts, "SMS part", "SMS parts"), money(q.Price.PerMessage), money(q.Price.Total))
	switch unsaid := q.Price.Available.Currency == ""; {
	case unsaid && q.Price.Sufficient:
		return s + " The account has enough credit."
	case unsaid:
		return s + " The account has not enough credit."
	case !q.Price.Sufficient:
		return s + fmt.Sprintf(" The account had only %s.", money(q.Price.Available))
	}
	return s + fmt.Sprintf(" The account had %s.", money(q.Price.Available))
}

// confirmed says what was agreed, and how it is known.
func (t *teller) confirmed(e campaign.Event) string {
	s := fmt.Sprintf("Confirmed: the gateway sends campaign %d", e.CampaignID)
	if q := e.Quote; q != nil && q.Price.Total.Currency != "" {
		s += fmt.Sprintf(" to %s for %s", plural(q.Goal.Valid, "recipient", "recipients"), money(q.Price.Total))
	}
	if at := e.Confirmed.For; at.IsZero() {
		s += ", at once."
	} else {
		s += ", " + t.on(at) + "."
	}
	switch c := t.c; {
	case c.Confirmed == nil:
	case c.Resolved != nil && c.Resolved.Sent:
		s += fmt.Sprintf(" This rests on the word of %s, who looked at the gateway.", c.Resolved.By)
	case c.Confirmed.ReadBack:
		s += " No clear answer to the order had come; this was established by asking the gateway where the campaign stands."
	default:
		s += " The gateway said so in its answer."
	}
	return s
}

var statusWords = map[campaign.Status]string{
	campaign.StatusConfirmed: "waiting to be sent", campaign.StatusSending: "sending",
	campaign.StatusCompleted: "completed", campaign.StatusFailed: "failed",
}

// statistic is a statistic in words.
func statistic(s campaign.Stats, last bool, differs string) string {
	if differs == "" {
		differs = count(s.Pending) + " pending"
	}
	word := statusWords[s.Status]
	if word == "" {
		word = "the gateway's word for its state is not known"
	}
	text := "Statistics: "
	if last {
		text = "The last statistics: "
	}
	if s.Uncounted {
		return text + word + "; the gateway gave no counts."
	}
	text += fmt.Sprintf("%s; %s of %s sent, %s delivered, %s not delivered", word, count(s.Sent), count(s.Total), count(s.Delivered), count(s.Undelivered))
	switch {
	case last && !s.Reconciled():
		return text + fmt.Sprintf(". They do not add up: %s.", differs)
	case last:
		if s.DeliveryRate.Valid {
			text += fmt.Sprintf(" (%s %%)", s.DeliveryRate.Decimal)
		}
		return text + ". " + cost(s.Cost)
	}
	return text + "."
}

// letter is the dead letter that a message became, or nil.
func (t *teller) letter(kind string, sequence uint64) *Letter {
	i := slices.IndexFunc(t.Letters, func(l Letter) bool { return l.Kind == kind && l.Sequence == sequence })
	if i < 0 {
		return nil
	}
	return &t.Letters[i]
}

// words is why it was put aside.
func (l Letter) words() string {
	if l.Note == "" {
		return strings.ReplaceAll(l.Reason, "_", " ")
	}
	return strings.TrimSuffix(l.Note, ".")
}

// putAside tells of the dead letters whose message is no longer there to be
// told of.
func (t *teller) putAside() {
	for _, l := range t.Letters {
		known := l.Kind == "request" && slices.ContainsFunc(t.Requests, func(r Request) bool { return r.Sequence == l.Sequence }) ||
			l.Kind == "command" && slices.ContainsFunc(t.Commands, func(c Command) bool { return c.Sequence == l.Sequence })
		if known {
			continue
		}
		fields := ""
		if len(l.Fields) > 0 {
			fields = " (" + list(l.Fields) + ")"
		}
		t.say(l.At, "A %s was put aside as dead letter %d: %s%s.", l.Kind, l.ID, l.words(), fields)
	}
}
