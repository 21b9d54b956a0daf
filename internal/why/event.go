package why

import (
	"fmt"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/words"
)

// rendering is how events of one type are put into words.
type rendering struct {
	whole    func(e campaign.Event) bool              // the event has the parts that the words need
	line     func(e told, say sayer)                  // for the command watch: figures, and few words
	sentence func(t *teller, e campaign.Event) string // for a story
}

// told is an event, and whether it is about a simulation, which the record does not keep
// with its events.
type told struct {
	campaign.Event
	simulation bool
}

// sayer adds a part to a line.
type sayer func(format string, args ...any)

// renderings has a row for each of [campaign.EventTypes]: a test holds it to that.
var renderings = map[campaign.EventType]rendering{
	campaign.EventAudiencePrepared: {func(e campaign.Event) bool { return e.Prepared != nil }, lineOfPrepared, func(_ *teller, e campaign.Event) string {
		return prepared(*e.Prepared)
	}},
	campaign.EventCostCalculated: {hasQuote, lineOfCost, func(_ *teller, e campaign.Event) string { return quote(*e.Quote) }},
	campaign.EventApprovalRequired: {func(e campaign.Event) bool { return e.Need != nil && e.Quote != nil }, lineOfApprovalRequired, func(t *teller, e campaign.Event) string {
		return fmt.Sprintf("Somebody has to approve it, because %s. Quote %s: %s, %s in all. Without an approval until %s it is rejected.",
			e.Need.Why, e.QuoteID, words.Plural(e.Quote.Goal.Valid, "recipient", "recipients"), words.Money(e.Quote.Price.Total), t.clock(e.Need.Until))
	}},
	campaign.EventApproved: {func(e campaign.Event) bool { return e.Approval != nil }, lineOfApproved, func(_ *teller, e campaign.Event) string {
		return fmt.Sprintf("The approval of %s%s counts, for quote %s: %s, %s in all. It is quoted once more before it is sent.",
			e.Approval.By, afterProof(e.Approval.Proof), e.QuoteID, words.Plural(e.Approval.Quote.Goal.Valid, "recipient", "recipients"), words.Money(e.Approval.Quote.Price.Total))
	}},
	campaign.EventDeferred: {func(e campaign.Event) bool { return e.Need != nil }, lineOfDeferred, func(t *teller, e campaign.Event) string {
		return fmt.Sprintf("Put off until %s: %s", t.clock(e.Need.Until), sentence(t.zoned(e.Need.Why)))
	}},
	campaign.EventConfirmed: {func(e campaign.Event) bool { return e.Confirmed != nil }, lineOfConfirmed, (*teller).confirmed},
	campaign.EventStats: {func(e campaign.Event) bool { return e.Stats != nil }, lineOfStats, func(t *teller, e campaign.Event) string {
		return t.statistic(*e.Stats, e.Last, e.Differs)
	}},
	campaign.EventRejected: {hasReason, lineOfRejected, func(t *teller, e campaign.Event) string {
		return "Rejected: " + sentence(t.zoned(e.Reason.Message)) + " Nothing was sent."
	}},
	campaign.EventCancelled: {hasReason, lineOfCancelled, func(_ *teller, e campaign.Event) string {
		return fmt.Sprintf("Cancelled, as %s had asked. Nothing was sent.", e.Reason.By)
	}},
	campaign.EventFailed: {hasReason, lineOfFailed, func(_ *teller, e campaign.Event) string {
		return "Failed: " + sentence(e.Reason.Message)
	}},
	campaign.EventUnresolved: {hasReason, func(e told, say sayer) { say("%s", e.Reason.Message) }, func(_ *teller, e campaign.Event) string {
		return unknown(e.Reason.Message)
	}},
}

func hasQuote(e campaign.Event) bool  { return e.Quote != nil }
func hasReason(e campaign.Event) bool { return e.Reason != nil }

// event is an event in words. An event of a newer version may have nothing in it that
// this version can read.
func (t *teller) event(e campaign.Event) string {
	row, known := renderings[e.Type]
	if !known || !row.whole(e) {
		return fmt.Sprintf("Announced: %s, which this version cannot read.", spaced(e.Type))
	}
	return row.sentence(t, e)
}

// Figures is an event in figures and few words, part by part. For an event of a newer
// version it says that it is one.
func Figures(e campaign.Event, simulation bool) (parts []string) {
	say := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	row, known := renderings[e.Type]
	if !known || !row.whole(e) {
		say("of a type that this version does not know: upgrade to read it")
		return parts
	}
	row.line(told{e, simulation}, say)
	return parts
}

// leftOut is who is left out of an audience, and for what.
func leftOut(p campaign.Prepared) (parts []string) {
	for _, out := range []struct {
		n     int64
		cause string
	}{{p.Malformed, "malformed"}, {p.Duplicate, "twice"}, {p.Suppressed, "suppressed"}, {p.Lacking, "without a field"}} {
		if out.n > 0 {
			parts = append(parts, words.Count(out.n)+" "+out.cause)
		}
	}
	return parts
}

// listTaken is the list that was taken of a named audience, in words.
func listTaken(v campaign.Version) string {
	return fmt.Sprintf("the list %s of %s (%s)", v.Name, v.AsOf.UTC().Format(time.RFC3339), v.Digest[:min(12, len(v.Digest))])
}

func lineOfPrepared(e told, say sayer) {
	say("%s, %s to send to", words.Plural(e.Prepared.Given, "recipient", "recipients"), words.Count(e.Prepared.Sent))
	for _, part := range leftOut(*e.Prepared) {
		say("%s", part)
	}
	if v := e.Prepared.Version; v.Digest != "" {
		say("%s", listTaken(v))
	}
}

func prepared(p campaign.Prepared) string {
	s := fmt.Sprintf("Its recipients were read: %s, and %s to send to", words.Plural(p.Given, "recipient", "recipients"), words.Count(p.Sent))
	if out := leftOut(p); len(out) > 0 {
		s += "; left out are " + strings.Join(out, ", ")
	}
	if p.Version.Digest != "" {
		s += "; it took " + listTaken(p.Version)
	}
	return s + "."
}

func lineOfCost(e told, say sayer) {
	goal, price := e.Quote.Goal, e.Quote.Price
	say("%s contacts, %s valid, %s invalid", words.Count(goal.Total), words.Count(goal.Valid), words.Count(goal.Invalid))
	say("%s at %s each", words.Plural(goal.Parts, "part", "parts"), words.Money(price.PerMessage))
	if price.Available.Currency != "" {
		say("%s of %s available", words.Money(price.Total), words.Money(price.Available))
	} else {
		say("%s", words.Money(price.Total))
	}
	if !price.Sufficient {
		say("not enough credit")
	}
	if e.Text == nil {
		return
	}
	if e.Text.Odd != "" {
		say("UCS-2 because of %q at position %d", e.Text.Odd, e.Text.Position)
		if e.Text.Advice != "" {
			say("%s", e.Text.Advice)
		}
	}
	if l := e.Text.Lookalikes; len(l) > 0 {
		say("sent as they stand, and look like placeholders: %s", strings.Join(l, ", "))
	}
	if e.Text.Differs != "" {
		say("%s", e.Text.Differs)
	}
}

func lineOfApprovalRequired(e told, say sayer) {
	say("%s", e.Need.Why)
	size(*e.Quote, say)
	say("quote %s", e.QuoteID)
	say("until %s", e.Need.Until.Format(time.RFC3339))
}

func lineOfApproved(e told, say sayer) {
	say("by %s%s", e.Approval.By, strings.TrimSuffix(afterProof(e.Approval.Proof), ","))
	size(e.Approval.Quote, say)
	say("quote %s", e.QuoteID)
}

// afterProof says that whoever approved had seen it on a phone before.
func afterProof(id string) string {
	if id == "" {
		return ""
	}
	return ", after seeing it on a phone (" + id + "),"
}

// size is how many recipients an approval is for, and for how much money.
func size(q campaign.Quote, say sayer) {
	say("%s, %s, %s", words.Plural(q.Goal.Valid, "recipient", "recipients"), words.Plural(q.Goal.Parts, "part", "parts"), words.Money(q.Price.Total))
}

func lineOfDeferred(e told, say sayer) {
	say("waits for %s until %s", e.Need.For, e.Need.Until.Format(time.RFC3339))
	say("%s", e.Need.Why)
}

func lineOfConfirmed(e told, say sayer) {
	say("campaign %d", e.CampaignID)
	sends, costs := "sends", ""
	if e.simulation {
		sends, costs = "pretends to send", "would cost "
	}
	if at := e.Confirmed.For; !at.IsZero() {
		say("%s at %s", sends, at.Format(time.RFC3339))
	} else {
		say("%s now", sends)
	}
	if q := e.Quote; q != nil && q.Price.Total.Currency != "" {
		say("%s, %s", words.Plural(q.Goal.Valid, "recipient", "recipients"), costs+words.Money(q.Price.Total))
	}
	if e.Approval != nil {
		say("approved by %s", e.Approval.By)
	}
}

func lineOfStats(e told, say sayer) {
	s := e.Stats
	say("%s", spaced(s.Status))
	if s.Uncounted {
		say("not counted")
	} else {
		say("%s of %s sent", words.Count(s.Sent), words.Count(s.Total))
		say("%s delivered, %s undelivered", words.Count(s.Delivered), words.Count(s.Undelivered))
	}
	if e.Last {
		if s.DeliveryRate.Valid {
			say("%s %%", s.DeliveryRate.Decimal)
		}
		switch {
		case s.Cost.Currency == "":
		case e.simulation:
			say("would cost %s", words.Money(s.Cost))
		default:
			say("%s", words.Money(s.Cost))
		}
		say("the last one")
	}
	if e.Last && !s.Uncounted && !e.Well() {
		// A campaign that failed half way may add up, and yet the fate of some messages
		// is unknown.
		if open := s.Total - s.Delivered - s.Undelivered; open > 0 {
			say("%s unaccounted for", words.Count(open))
		} else {
			say("the figures do not add up")
		}
	}
	if e.Differs != "" {
		say("%s", e.Differs)
	}
}

func lineOfRejected(e told, say sayer) {
	sort(e.Reason.Code, say)
	if e.Reason.Field != "" {
		say("field %s", e.Reason.Field)
	}
	say("%s", e.Reason.Message)
	if e.Reason.Gateway != "" {
		say("the gateway says: %s", e.Reason.Gateway)
	}
}

func lineOfCancelled(e told, say sayer) {
	say("by %s", e.Reason.By)
	if e.Reason.Message != "" {
		say("%s", e.Reason.Message)
	}
}

func lineOfFailed(e told, say sayer) {
	sort(e.Reason.Code, say)
	say("%s", e.Reason.Message)
}

// sort is a reason in words. A reason of a newer version has only its message.
func sort(code campaign.ReasonCode, say sayer) {
	if code != "" {
		say("%s", spaced(code))
	}
}

// spaced is a word of a closed set as people write it: too_late is "too late".
func spaced[T ~string](word T) string {
	return strings.ToLower(strings.ReplaceAll(string(word), "_", " "))
}

// quote is a quote in words.
func quote(q campaign.Quote) string {
	s := "The quote"
	if q.N > 1 {
		s = fmt.Sprintf("Quote %d", q.N)
	}
	s += fmt.Sprintf(": %s of %s would get the message", words.Count(q.Goal.Valid), words.Plural(q.Goal.Total, "contact", "contacts"))
	if q.Goal.Invalid > 0 {
		s += fmt.Sprintf(" (%s: twice in the list, malformed or opted out)", words.Plural(q.Goal.Invalid, "would not", "would not"))
	}
	s += fmt.Sprintf("; %s at %s each, %s in all.", words.Plural(q.Goal.Parts, "SMS part", "SMS parts"), words.Money(q.Price.PerMessage), words.Money(q.Price.Total))
	switch unsaid := q.Price.Available.Currency == ""; {
	case unsaid && q.Price.Sufficient:
		return s + " The account has enough credit."
	case unsaid:
		return s + " The account has not enough credit."
	case !q.Price.Sufficient:
		return s + fmt.Sprintf(" The account had only %s.", words.Money(q.Price.Available))
	}
	return s + fmt.Sprintf(" The account had %s.", words.Money(q.Price.Available))
}

// confirmed says what was approved, and how the confirm is known.
func (t *teller) confirmed(e campaign.Event) string {
	costs := ""
	s := fmt.Sprintf("Confirmed: the gateway %s campaign %d", t.as("sends", "pretends to send"), e.CampaignID)
	if q := e.Quote; q != nil && q.Price.Total.Currency != "" {
		s += " to " + words.Plural(q.Goal.Valid, "recipient", "recipients") + t.as(" for "+words.Money(q.Price.Total), "")
		costs = t.as("", " It would cost "+words.Money(q.Price.Total)+".")
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
	return s + costs
}

var statusWords = map[campaign.Status]string{
	campaign.StatusConfirmed: "waiting to be sent", campaign.StatusSending: "sending",
	campaign.StatusCompleted: "completed", campaign.StatusFailed: "failed",
}

// statistic is a statistic in words.
func (t *teller) statistic(s campaign.Stats, last bool, differs string) string {
	if differs == "" {
		differs = words.Count(s.Pending) + " pending"
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
	text += fmt.Sprintf("%s; %s of %s sent, %s delivered, %s not delivered", word, words.Count(s.Sent), words.Count(s.Total), words.Count(s.Delivered), words.Count(s.Undelivered))
	switch {
	case last && !s.Reconciled():
		return text + fmt.Sprintf(". They do not add up: %s.", differs)
	case last:
		if s.DeliveryRate.Valid {
			text += fmt.Sprintf(" (%s %%)", s.DeliveryRate.Decimal)
		}
		return text + ". " + t.cost(s.Cost)
	}
	return text + "."
}
