package main

import (
	"github.com/google/jsonschema-go/jsonschema"

	"github.com/staffetta-io/staffetta/internal/contract"
)

// header is one header line of a message.
type header struct {
	name   string
	always bool
	is     string // the one value that it has; empty: several
	means  string
}

// eventHeaders are those of events: the attributes of a CloudEvent in binary mode. A test
// holds them to what the service writes.
var eventHeaders = []header{
	{"ce-specversion", true, "1.0", "Version of CloudEvents."},
	{"ce-id", true, "", "The event's id: the last four tokens of its subject. An event that is read twice has it twice: keep it in the same transaction as what you do for it."},
	{"ce-source", true, "staffetta", "Who tells it."},
	{"ce-type", true, "", "The full name of the message in protobuf, as staffetta.campaign.v1.CampaignConfirmed."},
	{"ce-subject", true, "", "The campaign: <source>.<request id>. Of an answer to a standing order the source, or @all."},
	{"ce-time", true, "", "When it happened, RFC 3339 in UTC."},
	{"content-type", true, contract.ContentProtobuf, "The payload is protobuf in binary."},
	{"ce-gateway", false, "", "URL of the gateway whose number campaign_id is. The same number is another campaign elsewhere."},
	{"ce-account", false, "", "Account at that gateway, where there are several."},
	{"ce-sequence", false, "", "Order of the events of one campaign: ten digits, to be compared as text. This and the following are not in events of the first versions; docs/cloudevents.md explains them."},
	{"ce-partitionkey", false, "", "The campaign: what has the same one belongs in the same place, in order."},
	{"ce-dataschema", false, "", "Where the message is explained."},
	{"ce-traceparent", false, "", "As traceparent, for who reads attributes only."},
	{"ce-tracestate", false, "", "As tracestate."},
	{"traceparent", false, "", "Trace of the request, W3C Trace Context."},
	{"tracestate", false, "", "What the systems in that trace have added."},
}

// requestHeaders are those that a request may have. None is needed.
var requestHeaders = []header{
	{"content-type", false, "", "application/protobuf, also where there is none; or application/json for protobuf's JSON."},
	{"ce-specversion", false, "1.0", "Version of CloudEvents, if it is one, in binary mode."},
	{"ce-id", false, "", "Any id. What makes a request one is its source and request id, in the subject and inside."},
	{"ce-source", false, "", "Who asks."},
	{"ce-type", false, "staffetta.campaign.v1.CampaignRequested", "Another type is refused."},
	{"ce-subject", false, "", "The campaign."},
	{"ce-time", false, "", "When it was asked for. The service goes by when the stream stored it."},
	{"traceparent", false, "", "Trace that every event of the campaign carries on, W3C Trace Context."},
}

// chunkHeaders are those that a chunk of recipients may have.
var chunkHeaders = []header{
	{contract.HeaderDigest, false, "", "What is in this chunk, RFC 9530: sha-256=:<base64>:. Without it only all chunks together can be told to be wrong."},
}

// letterHeaders are those that a dead letter has beside the message's own.
var letterHeaders = []header{
	{"Staffetta-Reason", true, "", "Why nobody could act on it, for programs: docs/operations.md lists the reasons and their remedies."},
	{"Staffetta-Note", true, "", "Why, for people."},
	{"Staffetta-Field", false, "", "Path of a field at fault; once for each."},
	{"Staffetta-Subject", true, "", "Subject of the message."},
	{"Staffetta-Stream", true, "", "Stream in which it lies, or lay."},
	{"Staffetta-Sequence", true, "", "Its sequence there."},
	{"Staffetta-Stored", true, "", "When that stream stored it, RFC 3339."},
	{"Nats-Msg-Id", true, "", "Of which message it is the letter, so that there is one letter of each."},
	{"Staffetta-Left-Out", false, "", "How many of the message's headers found no room."},
	{"Staffetta-Replay", false, "", "Of which letter the message was a replay."},
}

// headerSchema is a schema of header lines. There may be others.
func headerSchema(headers []header) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "object", Properties: map[string]*jsonschema.Schema{}}
	for _, h := range headers {
		p := &jsonschema.Schema{Type: "string", Description: h.means}
		if h.is != "" {
			p.Enum = []any{h.is}
		}
		s.Properties[h.name] = p
		s.PropertyOrder = append(s.PropertyOrder, h.name)
		if h.always {
			s.Required = append(s.Required, h.name)
		}
	}
	return s
}
