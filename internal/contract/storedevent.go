package contract

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// Event is the Event in the words of the rules: what toProto made of one,
// back. It is for reading: what the contract does not say stays zero. False:
// it is of a type that this version does not know.
func (t StoredEvent) Event() (campaign.Event, bool) {
	if t.Message == nil {
		return campaign.Event{}, false
	}
	said := t.Message.ProtoReflect()
	for kind, row := range messages {
		if row.kind != said.Type() {
			continue
		}
		fields := said.Descriptor().Fields()
		e := campaign.Event{Type: kind, Gateway: HeaderOf(t.Header, headerGateway), Account: HeaderOf(t.Header, headerAccount),
			Sequence: sequenceOf(t.Header), N: int(said.Get(fields.ByName("version")).Int()), CampaignID: said.Get(fields.ByName("campaign_id")).Int()}
		// When it was said; the instants in the messages mean each something else.
		e.At, _ = time.Parse(time.RFC3339Nano, HeaderOf(t.Header, "ce-time"))
		row.from(t.Message, &e)
		return e, true
	}
	return campaign.Event{}, false
}

// StoredEvent is one event as it stands in the stream.
type StoredEvent struct {
	Key      campaign.Key // without a request id: what became of a standing order
	Type     string       // cost_calculated, confirmed …
	Subject  string
	Sequence uint64 // 0: it was heard, not read from the stream
	Stored   time.Time
	Header   Header
	Message  proto.Message // *campaignv1.CampaignConfirmed …; nil: of a type unknown to this version
}

// About is what an event is about: a campaign, or the source whose standing orders it
// tells of.
func (t StoredEvent) About() string {
	if t.Key.RequestID == "" {
		return Scope(t.Key.Source)
	}
	return t.Key.String()
}

// Attribute is an attribute of the CloudEvent, as its header has it.
func (t StoredEvent) Attribute(header string) string { return get(t.Header, header) }

// EventAbout is the key in an event's subject, and its type. Without a request id it
// tells what became of a standing order: of everybody, without a source.
func EventAbout(subject string) (key campaign.Key, kind string, err error) {
	source, rest, standing := SplitStanding(subject, streams.EventPrefix)
	switch {
	case !standing:
		key, rest, err = SplitSubject(subject, streams.EventPrefix)
	case source != everybody:
		key.Source = source
	}
	kind, _, _ = strings.Cut(rest, ".")
	return key, kind, err
}

// StoredEventOf reads an event. One of a type that this version does not know is told
// without its message.
func StoredEventOf(subject string, h Header, data []byte, sequence uint64, stored time.Time) (StoredEvent, error) {
	t := StoredEvent{Subject: subject, Header: h, Sequence: sequence, Stored: stored}
	var err error
	if t.Key, t.Type, err = EventAbout(subject); err != nil {
		return t, fmt.Errorf("event: %w", err)
	}
	kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(HeaderOf(t.Header, "ce-type")))
	if err != nil {
		return t, nil
	}
	body := kind.New().Interface()
	if err := proto.Unmarshal(data, body); err != nil {
		return t, fmt.Errorf("event %s: %w", t.Subject, err)
	}
	t.Message = body
	return t, nil
}
