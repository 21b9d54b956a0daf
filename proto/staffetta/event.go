package staffetta

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
	"github.com/staffetta-io/staffetta/proto/staffetta/internal/wire"
)

// Event is one thing that was told of a campaign.
type Event struct {
	// ID is the event's name: <source>.<request id>.<type>.<n>. An event that comes again,
	// for whatever reason, has the same.
	ID        string
	Source    string
	RequestID string // @standing: what became of a standing order
	Type      string // confirmed, stats …: see package campaignv1
	N         int    // counts the events of one type, of one campaign, from 1

	Time        time.Time // when it happened, UTC
	Gateway     string    // URL of the gateway that numbered the campaign; empty: it has no number
	TraceParent string    // the one of the request, W3C; empty: it had none
	TraceState  string    // what stood beside it; empty: nothing

	// Sequence is the event's place among all events: a later one has a greater. 0: it
	// was heard as it was told, before anybody said its place.
	Sequence uint64
	// Tries is how often this event was handed to a handler, this time too; for events of
	// [Client.Consume] only.
	Tries int
	// Late says that an event of the same campaign with a greater Sequence was handled
	// before this one: see [Client.Consume].
	Late bool

	// Message is the event itself: *campaignv1.CampaignConfirmed and so on. Nil: this
	// version of the package does not know the type.
	Message proto.Message
}

// Key names the event's campaign: <source>.<request id>.
func (e Event) Key() string { return e.Source + "." + e.RequestID }

// Labels are those of the request, by name; nil: it had none, or this version of the
// package does not know the event's type.
func (e Event) Labels() map[string]string {
	m, _ := e.Message.(interface{ GetLabels() map[string]string })
	if m == nil {
		return nil
	}
	return m.GetLabels()
}

// Ends says that no event is expected after this one: the campaign was rejected, cancelled
// or failed, or these are its last figures. After CampaignUnresolved, more may come.
func (e Event) Ends() bool {
	switch m := e.Message.(type) {
	case *campaignv1.CampaignRejected, *campaignv1.CampaignCancelled, *campaignv1.CampaignFailed:
		return true
	case *campaignv1.CampaignStats:
		return m.GetLast()
	}
	return false
}

// named fills in what the id says: <source>.<request id>.<type>.<n>.
func (e *Event) named(id string) error {
	words := strings.Split(id, ".")
	if len(words) != 4 {
		return fmt.Errorf("event %q: want <source>.<request id>.<type>.<n>", id)
	}
	n, err := strconv.Atoi(words[3])
	if err != nil {
		return fmt.Errorf("event %q: it ends in no number", id)
	}
	e.ID, e.Source, e.RequestID, e.Type, e.N = id, words[0], words[1], words[2], n
	return nil
}

// eventOf reads a message of the events' stream.
func eventOf(m wire.Msg) (Event, error) {
	e := Event{
		Gateway: wire.Get(m.Header, "ce-gateway"), TraceParent: wire.Get(m.Header, "traceparent"), TraceState: wire.Get(m.Header, "tracestate"),
		Sequence: m.Sequence, Tries: m.Tries,
	}
	id, ours := strings.CutPrefix(m.Subject, eventPrefix)
	if !ours {
		return e, fmt.Errorf("%s: is no subject of an event", m.Subject)
	}
	if err := e.named(id); err != nil {
		return e, err
	}
	var err error
	if e.Time, err = time.Parse(time.RFC3339Nano, wire.Get(m.Header, "ce-time")); err != nil {
		e.Time = m.Stored.UTC()
	}
	e.Message, err = messageOf(wire.Get(m.Header, "ce-type"), func(body proto.Message) error { return proto.Unmarshal(m.Data, body) })
	if err != nil {
		return e, fmt.Errorf("event %s: %w", id, err)
	}
	return e, nil
}

// messageOf makes the message of a type; nil: the type is not known here.
func messageOf(kind string, read func(proto.Message) error) (proto.Message, error) {
	known, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(kind))
	if err != nil {
		return nil, nil
	}
	body := known.New().Interface()
	return body, read(body)
}

// answeredEvent is a CloudEvent in JSON, as the service answers it.
type answeredEvent struct {
	ID          string          `json:"id"`
	Type        string          `json:"type"`
	Time        time.Time       `json:"time"`
	Gateway     string          `json:"gateway"`
	TraceParent string          `json:"traceparent"`
	TraceState  string          `json:"tracestate"`
	Sequence    uint64          `json:"sequence"`
	Data        json.RawMessage `json:"data"`
}

func (a answeredEvent) event() (Event, error) {
	e := Event{Time: a.Time, Gateway: a.Gateway, TraceParent: a.TraceParent, TraceState: a.TraceState, Sequence: a.Sequence}
	if err := e.named(a.ID); err != nil {
		return e, err
	}
	if len(a.Data) == 0 {
		return e, nil
	}
	var err error
	e.Message, err = messageOf(a.Type, func(body proto.Message) error {
		return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(a.Data, body) // answers grow
	})
	if err != nil {
		return e, fmt.Errorf("event %s: %w", a.ID, err)
	}
	return e, nil
}
