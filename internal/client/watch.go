package client

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// WatchOptions choose events. The zero value: what the stream holds now, of
// all campaigns.
type WatchOptions struct {
	Key    campaign.Key // zero: every campaign; only Source set: every campaign of it
	After  uint64       // without Follow: only those behind this sequence
	Follow bool         // go on until the context ends
	New    bool         // with Follow: leave out what the stream held before
}

// filter is the subjects that are chosen.
func (o WatchOptions) filter() string {
	switch {
	case o.Key.RequestID != "":
		return streams.EventPrefix + o.Key.String() + ".>"
	case o.Key.Source != "":
		return streams.EventPrefix + o.Key.Source + ".>"
	}
	return streams.EventPrefix + ">"
}

// Watch yields events in the order of the stream, each once, over reconnects.
// It ends when the context does, without an error.
func (c *Client) Watch(ctx context.Context, o WatchOptions) iter.Seq2[contract.StoredEvent, error] {
	filter := o.filter()
	if !o.Follow {
		return c.past(ctx, filter, o.After)
	}
	return func(yield func(contract.StoredEvent, error) bool) {
		f, err := c.follow(ctx, o)
		if err != nil {
			yield(contract.StoredEvent{}, err)
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
	// Unread says why what was before is not told either, to somebody who may only
	// listen. Nil: it is told.
	Unread error

	past []contract.StoredEvent // told first
	next func(context.Context) (contract.StoredEvent, error)
	stop func()
}

// Follow begins to follow events, as o chooses them. Whoever may not read their
// stream, and may listen to their subjects, as a source may to its own, is told
// what happens from now on, and by the service what was before.
func (c *Client) Follow(ctx context.Context, o WatchOptions) (*Feed, error) {
	f, err := c.follow(ctx, o)
	if err != nil || f.Live == nil || o.New {
		return f, err
	}
	// It listens already: what happens from here on is in the past, or heard, or both.
	for e, err := range c.Past(ctx, o.Key) {
		if err != nil {
			f.past, f.Unread = nil, err
			return f, nil
		}
		f.past = append(f.past, e)
	}
	return f, nil
}

// follow is Follow, without what was before for whoever may only listen.
func (c *Client) follow(ctx context.Context, o WatchOptions) (*Feed, error) {
	asking, done := c.rights.Watch(ctx, streams.Events)
	defer done()
	cfg := jetstream.OrderedConsumerConfig{FilterSubjects: []string{o.filter()}, DeliverPolicy: jetstream.DeliverAllPolicy}
	if o.New {
		cfg.DeliverPolicy = jetstream.DeliverNewPolicy
	}
	cons, err := c.js.OrderedConsumer(asking, streams.Events, cfg)
	if err != nil {
		err = fmt.Errorf("watch: %w", streams.ExplainReadError(asking, c.js, streams.Events, err))
		if !streams.NoAccess(err) || ctx.Err() != nil {
			return nil, err
		}
		return c.listen(ctx, o.filter(), err)
	}
	feed, err := cons.Messages()
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	return &Feed{stop: feed.Stop, next: func(ctx context.Context) (contract.StoredEvent, error) {
		m, err := feed.Next(jetstream.NextContext(ctx))
		if err != nil {
			return contract.StoredEvent{}, fmt.Errorf("watch: %w", err)
		}
		return readStored(m)
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
	err = nc.FlushTimeout(streams.AnswerWithin)
	if missing := streams.MissingRight(nc.LastError()); err == nil && missing != nil && missing.Verb == "listen" && missing.Subject == filter {
		err = missing
	}
	if err != nil {
		sub.Unsubscribe()
		return nil, why
	}
	seen := map[string]bool{}
	return &Feed{Live: why, stop: func() { sub.Unsubscribe() }, next: func(ctx context.Context) (contract.StoredEvent, error) {
		for {
			m, err := sub.NextMsgWithContext(ctx)
			if err != nil {
				return contract.StoredEvent{}, fmt.Errorf("watch: %w", err)
			}
			if seen[m.Subject] {
				continue
			}
			seen[m.Subject] = true
			at, err := time.Parse(time.RFC3339Nano, m.Header.Get("ce-time"))
			if err != nil {
				at = time.Now()
			}
			return contract.StoredEventOf(m.Subject, m.Header, m.Data, 0, at)
		}
	}}, nil
}

// All yields the events until ctx ends, each once, without an error then. It can be
// ranged over once.
func (f *Feed) All(ctx context.Context) iter.Seq2[contract.StoredEvent, error] {
	return func(yield func(contract.StoredEvent, error) bool) {
		defer f.stop()
		told := map[string]bool{}
		for _, e := range f.past {
			told[e.Subject] = true
			if !yield(e, nil) {
				return
			}
		}
		for {
			e, err := f.next(ctx)
			if ctx.Err() != nil {
				return
			}
			if err == nil && told[e.Subject] {
				continue
			}
			if more := yield(e, err); !more || err != nil {
				return
			}
		}
	}
}

// Stop ends a feed that nobody ranges over.
func (f *Feed) Stop() { f.stop() }

// Past yields the events that the stream still holds, of one campaign, of one source or
// all, as Reader has them. It ends at the first error.
func (c *Client) Past(ctx context.Context, key campaign.Key) iter.Seq2[contract.StoredEvent, error] {
	a := query.EventsAsk{Source: key.Source}
	if key.RequestID != "" {
		a = query.EventsAsk{Key: key.String()}
	}
	return func(yield func(contract.StoredEvent, error) bool) {
		for told, err := range query.Each(func(after string) ([]query.Event, string, error) {
			a.After = after
			page, err := c.Reader().Events(ctx, a)
			return page.Events, page.Next, err
		}) {
			var e contract.StoredEvent
			if err == nil {
				e, err = ReadEvent(told)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

func (c *Client) past(ctx context.Context, filter string, after uint64) iter.Seq2[contract.StoredEvent, error] {
	return func(yield func(contract.StoredEvent, error) bool) {
		cfg := streams.Behind(after)
		cfg.FilterSubject = filter
		for m, err := range c.walk(ctx, streams.Events, cfg) {
			if err != nil {
				yield(contract.StoredEvent{}, fmt.Errorf("watch: %w", err))
				return
			}
			if !yield(readStored(m)) {
				return
			}
		}
	}
}

// readStored reads an event of the stream.
func readStored(m jetstream.Msg) (contract.StoredEvent, error) {
	meta, err := m.Metadata()
	if err != nil {
		return contract.StoredEvent{Subject: m.Subject(), Header: m.Headers()}, fmt.Errorf("event %s: %w", m.Subject(), err)
	}
	return contract.StoredEventOf(m.Subject(), m.Headers(), m.Data(), meta.Sequence.Stream, meta.Timestamp)
}
