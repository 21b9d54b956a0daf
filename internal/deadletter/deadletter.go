// Package deadletter knows why a message can become a dead letter, and what a person
// can do about one. It is one table: a reason that is not in it does not exist, and
// everything else (metrics, filters, remedies, the page for operators) ranges over it.
package deadletter

import (
	"slices"
	"strconv"
	"strings"
)

// Reason sorts dead letters. It is a header of the letter, a label of a metric and what
// people filter by.
type Reason string

const (
	Invalid     Reason = "invalid"
	NotJSON     Reason = "not_json"
	NotProtobuf Reason = "not_protobuf"
	ContentType Reason = "unknown_content_type"
	EventType   Reason = "unknown_event_type"
	Structured  Reason = "structured_cloudevent"
	Mismatch    Reason = "subject_mismatch"
	Conflicting Reason = "conflicting_duplicate"
	Cancelled   Reason = "cancelled_before"
	TooMany     Reason = "too_many"
	BadSubject  Reason = "bad_subject"
	BadCommand  Reason = "bad_command"
	Refused     Reason = "refused_command"
	Unknown     Reason = "unknown_campaign"
	Broken      Reason = "broken_event"
)

// Words of remedies. They contain {staffetta} for the program's name, {id} for the
// letter's, {key} for the campaign's, and {form} for --payload, or for --raw if the
// payload cannot be read.
const (
	again = "ask for it under a new request id:\n" +
		"  {staffetta} dlq show {id} --payload | {staffetta} request -f - --id NEW-ID"
	replay  = "\n  {staffetta} dlq replay {id} --yes"
	correct = "look at what would be published, then publish it:\n" +
		"  {staffetta} dlq show {id} {form} > corrected.json\n" +
		"  {staffetta} dlq replay {id} --edit corrected.json\n" +
		"  {staffetta} dlq replay {id} --edit corrected.json --yes"
	mend   = "Tell whoever sent it, or take it as JSON, correct what is wrong (headers that mislead are put right by themselves),\n" + correct
	unmade = "Tell whoever sent it: the payload cannot be read. If you know what was meant, take it as it was published, make JSON\nof it, " + correct
)

// row is one reason, and what can be done about such a letter.
type row struct {
	reason     Reason
	remedy     string
	unreadable string // if the payload cannot be read; empty: the same
}

var table = []row{
	{Invalid, mend, unmade},
	{NotJSON, mend, unmade},
	{NotProtobuf, mend, unmade},
	{ContentType, mend, unmade},
	{EventType, mend, unmade},
	{Structured, mend, unmade},
	{Mismatch, mend, unmade},
	{Conflicting, "The first request under this name stands: {staffetta} show {key}. To send this one as well, " + again, ""},
	{Cancelled, "It was cancelled before it was asked for. To send it after all, " + again, ""},
	{TooMany, "Its source has asked for more in an hour than intake.per_hour allows, or it is a cancel of what nobody had asked for, and there were more than\n" +
		"intake.strays allows: the note says which. Find out why; replay it in another hour, or once that is raised:" + replay, ""},
	{BadSubject, "Its subject names no campaign, so it cannot be replayed there. Ask for it under its own name, and tell whoever sent it\n" +
		"which subject is right, campaign.v1.request.<source>.<request id>:\n  {staffetta} dlq show {id} --payload | {staffetta} request -f -",
		"Its subject names no campaign, and its payload cannot be read. Tell whoever sent it which subject is right:\n" +
			"campaign.v1.request.<source>.<request id>, each of 1 to 64 letters, digits, _ and -"},
	{BadCommand, "The command says nothing that can be obeyed. Say it anew with {staffetta} cancel or {staffetta} resolve.", ""},
	{Refused, "The campaign could not obey, and nothing was changed. See where it stands now:\n  {staffetta} why {key}", ""},
	{Unknown, "Nobody had asked for the campaign within the time that the command waited. Once somebody has:" + replay, ""},
	{Broken, "Nobody did wrong but the service: an event that it would have owed breaks the contract, so it stored nothing. Report it, with\n" +
		"the note above; once a version is there that is mended:" + replay, ""},
}

// Reasons are all there are, in the order in which they are explained to people.
func Reasons() []Reason {
	all := []Reason{}
	for _, r := range table {
		all = append(all, r.reason)
	}
	return all
}

// Remedy is what can be done about a letter, in words and commands of the program.
// Legible says that its payload can be read. A reason that this version does not know
// has the remedy of a message that cannot be read: the letter itself says more.
func Remedy(program string, reason Reason, id uint64, key string, legible bool) string {
	r := table[0]
	if i := slices.IndexFunc(table, func(r row) bool { return r.reason == reason }); i >= 0 {
		r = table[i]
	}
	words, form := r.remedy, "--payload"
	if !legible {
		form = "--raw"
		if r.unreadable != "" {
			words = r.unreadable
		}
	}
	return strings.NewReplacer("{staffetta}", program, "{id}", strconv.FormatUint(id, 10), "{key}", key, "{form}", form).Replace(words)
}
