package why

import (
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/words"
)

// clock is an instant for people, without its day if that is today.
func (t *teller) clock(at time.Time) string {
	at, now := at.In(t.zone), t.Evidence.Now.In(t.zone)
	if at.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return at.Format("15:04:05 MST")
	}
	return at.Format("2 January 2006, 15:04:05 MST")
}

// on is clock with its preposition before it.
func (t *teller) on(at time.Time) string {
	s := t.clock(at)
	if strings.Contains(s, ",") {
		return "on " + s
	}
	return "at " + s
}

// as chooses between words for a campaign that is sent, and for one that only pretends.
func (t *teller) as(sent, pretended string) string {
	if t.c.Request.Simulation {
		return pretended
	}
	return sent
}

// zoned is a sentence that the service wrote in UTC, in the zone of the story.
func (t *teller) zoned(s string) string { return words.Zoned(s, t.zone) }

// cost is a cost in a sentence.
func (t *teller) cost(m campaign.Money) string {
	if m.Currency == "" {
		return "The gateway did not say what it cost."
	}
	return t.as("It cost ", "It would have cost ") + words.Money(m) + "."
}

// list is "a", "a and b", "a, b and c".
func list(words []string) string {
	switch n := len(words); n {
	case 0:
		return ""
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
}

// sentence makes a sentence of words that may already end in a full stop.
func sentence(s string) string { return strings.TrimRight(s, ".") + "." }

// unknown says why it cannot be established whether the campaign was sent. The reason
// of an event also says what the service does now and what to do. A page has its own
// place for both, so they are left out here.
func unknown(why string) string {
	why, _, _ = strings.Cut(why, "; Staffetta does not send it again")
	return "Nobody can say whether it was sent. " + upper(sentence(why))
}

// quoted is words of the gateway or of a person, in quotation marks; empty for no
// words.
func quoted(s string) string {
	if s == "" {
		return ""
	}
	return ": “" + s + "”"
}

// aside is quoted, for the middle of a sentence.
func aside(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}
