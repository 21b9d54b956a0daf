package contract

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// ContentProtobuf is the content type of what the service itself says.
const ContentProtobuf = "application/protobuf"

// EventEnvelope is the event as it goes out: the same event gives the same
// bytes, today and after a crash.
func EventEnvelope(c campaign.Campaign, e campaign.Event) (Envelope, error) {
	body, err := ToProto(c, e)
	if err != nil {
		return Envelope{}, err
	}
	id := EventID(c.Key, e)
	m := Envelope{Subject: streams.EventPrefix + id, Header: Headers(
		"ce-specversion", "1.0",
		"ce-id", id,
		"ce-source", "staffetta",
		"ce-type", string(body.ProtoReflect().Descriptor().FullName()),
		"ce-subject", c.Key.String(),
		"ce-time", e.At.UTC().Format(time.RFC3339Nano),
		"content-type", ContentProtobuf,
	)}
	if m.Data, err = (proto.MarshalOptions{Deterministic: true}).Marshal(body); err != nil {
		return Envelope{}, err
	}
	if e.Gateway != "" {
		m.Header[headerGateway] = []string{e.Gateway}
	}
	if e.Account != "" {
		m.Header[headerAccount] = []string{e.Account}
	}
	if c.Trace != "" {
		m.Header["traceparent"] = []string{c.Trace}
	}
	if e.Sequence > 0 { // otherwise an earlier version owed it, and it is told as that one would have
		describe(m.Header, c, e, body)
	}
	return m, nil
}

// headerGateway says which gateway gave the campaign its number, as an extension
// attribute of the CloudEvent. The number means nothing to another one (rule 30).
const headerGateway = "ce-gateway"

// headerAccount says in the same way in which account at that gateway, where there are
// several.
const headerAccount = "ce-account"
