package journal

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Told is one event as it stands in the stream.
type Told struct {
	Key      campaign.Key
	Type     string // cost_calculated, confirmed …
	Subject  string
	Sequence uint64
	Stored   time.Time
	Header   nats.Header
	Message  proto.Message // *campaignv1.CampaignConfirmed …; nil: of a type unknown to this version
}

// WatchOptions choose events. The zero value: what the stream holds now, of
// all campaigns.
type WatchOptions struct {
	Key    campaign.Key // zero: every campaign; only Source set: every campaign of it
	Follow bool         // go on until the context ends
	New    bool         // with Follow: leave out what the stream held before
}

// Watch yields events in the order of the stream, each once, over reconnects.
// It ends when the context does, without an error.
func (c *Client) Watch(ctx context.Context, o WatchOptions) iter.Seq2[Told, error] {
	filter := eventPrefix + ">"
	switch {
	case o.Key.RequestID != "":
		filter = eventPrefix + o.Key.String() + ".>"
	case o.Key.Source != "":
		filter = eventPrefix + o.Key.Source + ".>"
	}
	if !o.Follow {
		return c.past(ctx, filter)
	}
	return func(yield func(Told, error) bool) {
		cfg := jetstream.OrderedConsumerConfig{FilterSubjects: []string{filter}, DeliverPolicy: jetstream.DeliverAllPolicy}
		if o.New {
			cfg.DeliverPolicy = jetstream.DeliverNewPolicy
		}
		cons, err := c.js.OrderedConsumer(ctx, StreamEvents, cfg)
		if err != nil {
			yield(Told{}, fmt.Errorf("watch: %w", unread(c.js, StreamEvents, err)))
			return
		}
		feed, err := cons.Messages()
		if err != nil {
			yield(Told{}, fmt.Errorf("watch: %w", err))
			return
		}
		defer feed.Stop()
		for {
			m, err := feed.Next(jetstream.NextContext(ctx))
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				yield(Told{}, fmt.Errorf("watch: %w", err))
				return
			}
			if !yield(told(m)) {
				return
			}
		}
	}
}

func (c *Client) past(ctx context.Context, filter string) iter.Seq2[Told, error] {
	return func(yield func(Told, error) bool) {
		for m, err := range walk(ctx, c.js, StreamEvents, jetstream.ConsumerConfig{FilterSubject: filter}) {
			if err != nil {
				yield(Told{}, fmt.Errorf("watch: %w", err))
				return
			}
			if !yield(told(m)) {
				return
			}
		}
	}
}

// told reads an event. One of a type that this version does not know is told
// without its message.
func told(m jetstream.Msg) (Told, error) {
	meta, err := m.Metadata()
	if err != nil {
		return Told{Subject: m.Subject()}, fmt.Errorf("event %s: %w", m.Subject(), err)
	}
	return parseEvent(m.Subject(), m.Headers(), m.Data(), meta.Sequence.Stream, meta.Timestamp)
}

func parseEvent(subject string, h nats.Header, data []byte, seq uint64, stored time.Time) (Told, error) {
	t := Told{Subject: subject, Header: h, Sequence: seq, Stored: stored}
	var rest string
	var err error
	if t.Key, rest, err = splitSubject(t.Subject, eventPrefix); err != nil {
		return t, fmt.Errorf("event: %w", err)
	}
	t.Type, _, _ = strings.Cut(rest, ".")
	kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(header(t.Header, "ce-type")))
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
