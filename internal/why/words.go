package why

import (
	"strconv"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// clock is an instant for people, without its day if that is today.
func (t *teller) clock(at time.Time) string {
	at, now := at.In(t.zone), t.Evidence.Now.In(t.zone)
	if at.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return at.Format("15:04:05 MST")
	}
	return at.Format("2 January 2006, 15:04:05 MST")
}

// on is the same behind its preposition.
func (t *teller) on(at time.Time) string {
	s := t.clock(at)
	if strings.Contains(s, ",") {
		return "on " + s
	}
	return "at " + s
}

// count is a whole number for people: 10,247.
func count(n int64) string { return grouped(strconv.FormatInt(n, 10)) }

// money is an amount for people: 1,500.00 EUR.
func money(m campaign.Money) string { return grouped(m.String()) }

// cost is what something has cost, in a sentence.
func cost(m campaign.Money) string {
	if m.Currency == "" {
		return "The gateway did not say what it cost."
	}
	return "It cost " + money(m) + "."
}

// grouped puts commas into the whole part of a number.
func grouped(s string) string {
	end := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(s)
	}
	for i := end - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return count(n) + " " + one
	}
	return count(n) + " " + many
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

// sentence makes one of words that may end in a full stop or not.
func sentence(s string) string { return strings.TrimRight(s, ".") + "." }

// unknown says why nobody can say whether it was sent. What the rules say to those
// who read nothing but the event, what is done now and what to do, has its own place
// on a page.
func unknown(why string) string {
	why, _, _ = strings.Cut(why, "; Staffetta does not send it again")
	return "Nobody can say whether it was sent. " + upper(sentence(why))
}

// quoted is somebody else's words, set apart; nothing for nothing.
func quoted(s string) string {
	if s == "" {
		return ""
	}
	return ": “" + s + "”"
}

// aside is the same in the middle of a sentence.
func aside(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}
