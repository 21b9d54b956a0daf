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
	Sequence uint64 // 0: it was heard, not read from the stream
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

// filter is the subjects that are chosen.
func (o WatchOptions) filter() string {
	switch {
	case o.Key.RequestID != "":
		return eventPrefix + o.Key.String() + ".>"
	case o.Key.Source != "":
		return eventPrefix + o.Key.Source + ".>"
	}
	return eventPrefix + ">"
}

// Watch yields events in the order of the stream, each once, over reconnects.
// It ends when the context does, without an error.
func (c *Client) Watch(ctx context.Context, o WatchOptions) iter.Seq2[Told, error] {
	filter := o.filter()
	if !o.Follow {
		return c.past(ctx, filter)
	}
	return func(yield func(Told, error) bool) {
		f, err := c.Follow(ctx, o)
		if err != nil {
			yield(Told{}, err)
			return
		}
		f.All(ctx)(yield)
	}
}

// Feed is events that go on. It hears from the moment at which it was made.
type Feed struct {
	// Live says why it tells only what happens from now on, and may miss what
	// happens while the connection is lost: the user may not read the stream. Nil:
	// it reads the stream.
	Live error

	next func(context.Context) (Told, error)
	stop func()
}

// Follow begins to follow events, as o chooses them. Whoever may not read their
// stream, and may listen to their subjects, as a source may to its own, is told
// what happens from now on.
func (c *Client) Follow(ctx context.Context, o WatchOptions) (*Feed, error) {
	asking, done := c.rights.heed(ctx, StreamEvents)
	defer done()
	cfg := jetstream.OrderedConsumerConfig{FilterSubjects: []string{o.filter()}, DeliverPolicy: jetstream.DeliverAllPolicy}
	if o.New {
		cfg.DeliverPolicy = jetstream.DeliverNewPolicy
	}
	cons, err := c.js.OrderedConsumer(asking, StreamEvents, cfg)
	if err != nil {
		missing := denied(asking, c.js.Conn(), err)
		err = fmt.Errorf("watch: %w", unread(asking, c.js, StreamEvents, err))
		if missing == "" || ctx.Err() != nil {
			return nil, err
		}
		return c.listen(ctx, o.filter(), err)
	}
	feed, err := cons.Messages()
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	return &Feed{stop: feed.Stop, next: func(ctx context.Context) (Told, error) {
		m, err := feed.Next(jetstream.NextContext(ctx))
		if err != nil {
			return Told{}, fmt.Errorf("watch: %w", err)
		}
		return told(m)
	}}, nil
}

// listen hears events as they are published. One that is told again, after a crash
// of the service, is on the same subject and is left out.
func (c *Client) listen(ctx context.Context, filter string, why error) (*Feed, error) {
	nc := c.js.Conn()
	sub, err := nc.SubscribeSync(filter)
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	// The server's no is there before its answer to the flush.
	err = nc.FlushTimeout(answerWithin)
	if missing := missingRight(nc.LastError()); err == nil && missing != nil && missing.verb == "listen" && missing.subject == filter {
		err = missing
	}
	if err != nil {
		sub.Unsubscribe()
		return nil, why
	}
	seen := map[string]bool{}
	return &Feed{Live: why, stop: func() { sub.Unsubscribe() }, next: func(ctx context.Context) (Told, error) {
		for {
			m, err := sub.NextMsgWithContext(ctx)
			if err != nil {
				return Told{}, fmt.Errorf("watch: %w", err)
			}
			if seen[m.Subject] {
				continue
			}
			seen[m.Subject] = true
			at, err := time.Parse(time.RFC3339Nano, m.Header.Get("ce-time"))
			if err != nil {
				at = time.Now()
			}
			return tellOf(m.Subject, m.Header, m.Data, 0, at)
		}
	}}, nil
}

// All yields the events until ctx ends, without an error then. It can be ranged
// over once.
func (f *Feed) All(ctx context.Context) iter.Seq2[Told, error] {
	return func(yield func(Told, error) bool) {
		defer f.stop()
		for {
			t, err := f.next(ctx)
			if ctx.Err() != nil {
				return
			}
			if more := yield(t, err); !more || err != nil {
				return
			}
		}
	}
}

// Stop ends a feed that nobody ranges over.
func (f *Feed) Stop() { f.stop() }

func (c *Client) past(ctx context.Context, filter string) iter.Seq2[Told, error] {
	return func(yield func(Told, error) bool) {
		for m, err := range c.walk(ctx, StreamEvents, jetstream.ConsumerConfig{FilterSubject: filter}) {
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

// told reads an event of the stream.
func told(m jetstream.Msg) (Told, error) {
	meta, err := m.Metadata()
	if err != nil {
		return Told{Subject: m.Subject(), Header: m.Headers()}, fmt.Errorf("event %s: %w", m.Subject(), err)
	}
	return tellOf(m.Subject(), m.Headers(), m.Data(), meta.Sequence.Stream, meta.Timestamp)
}

// tellOf reads an event. One of a type that this version does not know is told
// without its message.
func tellOf(subject string, h nats.Header, data []byte, sequence uint64, stored time.Time) (Told, error) {
	t := Told{Subject: subject, Header: h, Sequence: sequence, Stored: stored}
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
