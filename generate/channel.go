package main

import (
	"strings"

	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// channel is a subject, or a family of them, and what goes over it.
type channel struct {
	name    string // in the document
	address string // with parameters in braces, each one token
	title   string
	sends   bool   // who uses Staffetta sends it; otherwise it is told
	stream  string // that stores it; empty: none does
	message string // its name in the document
	schema  string // file of its payload; empty: any bytes
	content string // type of its payload
	headers string // the name of its header lines; empty: none are known
	who     string // may send or read it
	advice  string // for whom reads it
	about   string // its description, where no schema has one
	example string // file of a golden message; empty: none
	reply   string // message of the answer; empty: none
	answer  string // file of the answer's payload
}

const (
	aSource   = "A source, under its own name; people of a role with asks; operators."
	aReader   = "A source, of its own campaigns; people of a role that reads events or everything; operators."
	aVerb     = "People of a role that tells this verb, each as the actor that it is; operators."
	orOwner   = "A source, about its own campaigns and under its own name; people of a role that tells this verb; operators."
	asksWho   = "A source is told of its own; people of a role that reads everything, and operators, of all."
	howToRead = "Live: subscribe. Each event once, also over restarts: a durable pull consumer with explicit acknowledgement and this filter, {source} being your own or *. Acknowledge when your work is stored. With max_ack_pending 1 it is in order; otherwise keep the stream's sequence and leave newer state alone."

	eventBase  = streams.EventPrefix + "{source}.{request_id}."
	answerBase = streams.EventPrefix + "{scope}." + streams.Standing + "."
)

// channels are all that somebody else may publish to, read, or ask.
func channels() (all []channel) {
	all = append(all, channel{
		name: "request", address: streams.RequestPrefix + "{source}.{request_id}", title: "Ask for a campaign", sends: true,
		stream: streams.Requests, message: "CampaignRequested", schema: fileOf(requested()), content: "application/json", headers: "RequestHeaders",
		who: aSource, example: "campaign_requested",
	})
	all = append(all, channel{
		name: "audience", address: streams.AudiencePrefix + "{source}.{sha256}.{chunk}", title: "Lay down the people of a campaign, a chunk of them", sends: true,
		stream: streams.Audiences, message: "Chunk", content: "application/octet-stream", headers: "ChunkHeaders",
		who: aSource + " Nobody but the service reads it.", about: "At most 256 KiB of what field audience of the request names. docs/recipients.md says how people are written.",
	})
	all = append(all, channel{
		name: "audience_version", address: streams.AudiencePrefix + "{source}.@{name}.{version}", title: "Publish a list of people under a name", sends: true,
		stream: streams.Audiences, message: string(version().Name()), schema: fileOf(version()), content: "application/json",
		who: aSource + " Nobody but the service reads it.", example: snake(string(version().Name())),
	})
	for _, e := range events() {
		all = append(all, channel{
			name: "event." + e.kind, address: eventBase + e.kind + ".{n}", title: "Told: " + e.kind,
			stream: streams.Events, message: string(e.message.Name()), schema: fileOf(e.message), content: contract.ContentProtobuf, headers: "EventHeaders",
			who: aReader, advice: howToRead, example: snake(string(e.message.Name())),
		})
	}
	for _, verb := range contract.Verbs() {
		who := aVerb
		if verb == contract.VerbCancel {
			who = orOwner
		}
		all = append(all, channel{
			name: "command." + verb, address: streams.CommandPrefix + "{source}.{request_id}." + verb + ".{actor}", title: "Tell a campaign: " + verb, sends: true,
			stream: streams.Commands, message: verb, schema: "command." + verb + ".json", content: "application/json", who: who,
		})
	}
	for _, o := range orders() {
		who := aVerb
		for _, its := range contract.ScheduleVerbs() {
			if its == o.kind {
				who = orOwner
			}
		}
		all = append(all, channel{
			name: "order." + o.kind, address: streams.CommandPrefix + "{scope}." + streams.Standing + "." + o.kind + ".{actor}", title: "Lay down: " + o.kind, sends: true,
			stream: streams.Commands, message: string(o.message.Name()), schema: fileOf(o.message), content: "application/json", who: who, example: snake(string(o.message.Name())),
		})
	}
	for _, a := range answers() {
		all = append(all, channel{
			name: "answer." + a.kind, address: answerBase + a.kind + ".{n}", title: "Told: " + a.kind,
			stream: streams.Events, message: string(a.message.Name()), schema: fileOf(a.message), content: contract.ContentProtobuf, headers: "EventHeaders",
			who: aReader, advice: howToRead, example: snake(string(a.message.Name())),
		})
	}
	all = append(all, channel{
		name: "dead", address: streams.DeadPrefix + "{source}.{request_id}", title: "What nobody could act on",
		stream: streams.DeadLetters, message: "DeadLetter", content: "application/octet-stream", headers: "LetterHeaders",
		who: "People of a role that reads everything, message by message; operators. A source asks staffetta.query.dlq.", advice: "The payload is that of the message, whole, whatever it is.",
	})
	for _, q := range query.Questions() {
		all = append(all, channel{
			name: "query." + q.Verb, address: query.Subject + q.Verb, title: "Ask: " + q.About, sends: true,
			message: "query." + q.Verb, schema: "staffetta.query." + q.Verb + ".question.json", content: "application/json", who: asksWho,
			reply: "query." + q.Verb + ".answer", answer: "staffetta.query." + q.Verb + ".answer.json",
		})
	}
	return all
}

// snake is the name of a message's golden file.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteString(strings.ToLower(string(r)))
	}
	return b.String()
}

// parameters say what stands in the braces of an address.
var parameters = map[string]string{
	"source":     "Who asks: 1 to 64 letters, digits, _ or -.",
	"request_id": "The asker's own id of the campaign: 1 to 64 letters, digits, _ or -. With the source it is the campaign's identity, for ever.",
	"sha256":     "SHA-256 of all chunks, one after the other: 64 hexadecimal digits in lower case.",
	"chunk":      "Number of the chunk, from 1.",
	"name":       "The name of a list of people: 1 to 64 letters, digits, _ or -. The @ before it stands in the subject.",
	"version":    "Any token that no other version of the name has.",
	"actor":      "The user's name at NATS, which only that user may publish as. Left out, with the point before it, on a server that knows no names.",
	"scope":      "The source that it is about, or @all. Schedules are one source's.",
	"n":          "The ordinal of the event among those of its type for this campaign, from 1. Of an answer to a standing order: when the order was stored, in nanoseconds since 1970. Of an occurrence that was left out: when it was due, in the same unit.",
}

// parametersOf are the names in the braces of an address.
func parametersOf(address string) (names []string) {
	for _, part := range strings.Split(address, "{")[1:] {
		name, _, _ := strings.Cut(part, "}")
		names = append(names, name)
	}
	return names
}
