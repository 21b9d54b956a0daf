package why

import (
	"fmt"
	"slices"
	"strings"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/words"
)

// What people said (requests, commands), what was published (events), and what was put
// aside (dead letters).

// requests writes a line for every request. The first one counts, the others change
// nothing.
func (t *teller) requests() {
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
		if t.c.Request.Sender != "" { // otherwise the record was lost, and rebuilt without it
			differs = t.c.Request.Diff(r.Content)
		}
		switch {
		case t.cancelledBeforeRequest() && r.Err == "" && r.At.After(t.c.Cancel.At):
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
			t.say(r.At, "%s asked for the campaign: sender %s, %s, %s.%s", who, r.Content.Sender, r.Content.Whom(), t.start(r.Content), aside)
		}
	}
	if at := t.c.RequestedAt; !began && !at.IsZero() {
		t.say(at, "%s asked for the campaign. The request itself is no longer in its stream, which keeps it for 30 days.", t.Evidence.Key.Source)
	}
}

// cancelledBeforeRequest says that the campaign was cancelled before the service had
// begun with its request, or before there was a request.
func (t *teller) cancelledBeforeRequest() bool {
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
		s += ", for " + words.Money(max) + " at most"
	}
	if r.Simulation {
		s += ", as a simulation"
	}
	if len(r.Labels) > 0 {
		s += ", labelled " + words.Labels(r.Labels)
	}
	return s
}

// by is the name of the person that said something. If the name is not proven, it says
// so.
func by(name, actor string) string {
	switch actor {
	case "":
		return name + " (unproven)"
	case name:
		return actor
	}
	return fmt.Sprintf("%s (%s)", actor, name)
}

// commands writes a line for every command, and for those that only the record still
// has, because the command itself is too old for its stream.
func (t *teller) commands() {
	var cancel, resolve, approve, proof, follow, forget bool
	for _, cmd := range t.Commands {
		aside := ""
		if l := t.letter("command", cmd.Sequence); l != nil {
			aside = fmt.Sprintf(" It was put aside as dead letter %d: %s.", l.ID, l.words())
		}
		switch in := cmd.Input.(type) {
		case campaign.Cancel:
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
			t.say(cmd.At, "%s approved quote %s.%s", by(in.By, in.Actor), in.QuoteID, aside)
		case campaign.Prove:
			proof = true
			t.say(cmd.At, "%s asked for proof %d of quote %s, on %s.%s", by(in.By, in.Actor), in.N, in.QuoteID, words.Plural(int64(in.Phones), "phone", "phones"), aside)
		case campaign.Decline:
			t.say(cmd.At, "%s declined quote %s%s.%s", by(in.By, in.Actor), in.QuoteID, quoted(in.Why), aside)
		default:
			t.say(cmd.At, "Somebody sent a command that cannot be read.%s", aside)
		}
	}
	if c := t.c.Cancel; c != nil {
		if !cancel {
			t.say(c.At, "%s asked to cancel it%s.", by(c.By, c.Actor), quoted(c.Why))
		}
		switch {
		case c.Failed != "":
			t.say(c.At, "The cancel was turned down: %s.", c.Failed)
		case t.c.State == campaign.Confirming:
			t.say(c.At, "The cancel is kept: the order to send was already on its way. If it turns out that the gateway did not carry it out, the campaign is cancelled.")
		}
	}
	for _, p := range t.c.Proofs {
		if !proof {
			t.say(p.At, "%s asked for proof %d of quote %s.", by(p.By, p.Actor), p.N, p.QuoteID)
		}
		t.say(p.At, "The proof is a campaign of its own: %s, for %s at most.", p.Key(t.c.Key), words.Money(p.Cap))
	}
	if a := t.c.Approval; a != nil && !approve {
		t.say(a.At, "%s approved quote %s%s: %s for %s.", by(a.By, a.Actor), a.QuoteID, strings.TrimSuffix(afterProof(a.Proof), ","), words.Plural(a.Quote.Goal.Valid, "recipient", "recipients"), words.Money(a.Quote.Price.Total))
	}
	if f := t.c.Followed; f != nil && !follow {
		t.say(f.At, "%s had its statistics followed again.", by(f.By, f.Actor))
	}
	if f := t.c.Forgotten; f != nil && !forget {
		t.say(f.At, "%s had its name, description and text forgotten.", by(f.By, f.Actor))
	}
	if at := t.c.Shortened; !at.IsZero() {
		t.say(at, "Its attempts were taken out of the record, as records.keep_whole says; what came of them stays.")
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

// statsKept is how many statistics are written at either end of a long list.
const statsKept = 2

// events writes a line for every event; of many statistics only the first and the last.
func (t *teller) events() {
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
				t.say(e.At, "%s more statistics, until %s.", words.Count(int64(between)), t.clock(stats[i+between-1].At))
			}
			continue
		}
		t.Lines = append(t.Lines, Line{At: e.At, Text: t.event(e), Call: t.read(e)})
	}
}

// letter is the dead letter that a message became, or nil.
func (t *teller) letter(kind string, sequence uint64) *Letter {
	i := slices.IndexFunc(t.Letters, func(l Letter) bool { return l.Kind == kind && l.Sequence == sequence })
	if i < 0 {
		return nil
	}
	return &t.Letters[i]
}

// words is why the message was put aside.
func (l Letter) words() string {
	if l.Note == "" {
		return strings.ReplaceAll(l.Reason, "_", " ")
	}
	return strings.TrimSuffix(l.Note, ".")
}

// putAside writes a line for each dead letter whose message is no longer in its stream.
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
