package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Client is the outside of the streams: asking for a campaign, cancelling
// one, watching, reading. It creates nothing and needs no more rights than
// the streams it touches.
type Client struct {
	js     jetstream.JetStream
	rights *streams.Rights
	rules  contract.Validator

	me    *streams.Me // who NATS says it is; nil: it does not say
	notMe error       // why it does not

	reader query.Reader
	own    *nats.Conn // made by Connect; nil: the connection is the caller's
}

// Connect returns a Client on a connection of its own. Close it.
func Connect(s streams.Server) (*Client, error) {
	nc, err := streams.Connect(s)
	if err != nil {
		return nil, err
	}
	c, err := New(nc)
	if err != nil {
		nc.Close()
		return nil, err
	}
	c.own = nc
	return c, nil
}

// Close closes the connection that Connect made; one that is the caller's stays.
func (c *Client) Close() {
	if c.own != nil {
		c.own.Close()
	}
}

// New returns a Client on a connection that stays the caller's.
func New(nc *nats.Conn) (*Client, error) {
	v, err := contract.NewValidator()
	if err != nil {
		return nil, err
	}
	c := &Client{rights: streams.WatchRights(nc), rules: v}
	c.ask(nc)
	if c.js, err = streams.JetStream(nc); err == nil && c.me != nil && c.me.Apart {
		c.js, err = jetstream.NewWithAPIPrefix(nc, streams.APIPrefix, jetstream.WithDefaultTimeout(streams.APIWithin))
	}
	if err != nil {
		return nil, err
	}
	c.reader = query.Either(c.FromService(), c.FromStreams(query.InMemory))
	return c, nil
}

// Placed says where a message was stored.
type Placed struct {
	Subject  string
	Stream   string
	Sequence uint64
	Stored   time.Time // zero: just now
}

// Request asks for a campaign, after checking the rules of the contract; an
// error names the fields that break one. The traceparent may be empty.
func (c *Client) Request(ctx context.Context, m *campaignv1.CampaignRequested, traceparent string) (Placed, error) {
	key := campaign.Key{Source: m.GetSource(), RequestID: m.GetRequestId()}
	if err := c.rules.Validate(m); err != nil {
		return Placed{}, fmt.Errorf("request %s: %w", key, err)
	}
	out, err := contract.RequestEnvelope(m, traceparent)
	if err != nil {
		return Placed{}, fmt.Errorf("request %s: %w", key, err)
	}
	return c.publish(ctx, streams.NewMsg(out.Subject, out.Header, out.Data), "request "+key.String())
}

func (c *Client) publish(ctx context.Context, m *nats.Msg, what string, o ...jetstream.PublishOpt) (Placed, error) {
	ctx, done := c.rights.Watch(ctx, m.Subject)
	defer done()
	ack, err := c.js.PublishMsg(ctx, m, o...)
	if errors.Is(err, jetstream.ErrNoStreamResponse) {
		return Placed{}, fmt.Errorf("%s: no stream takes %s: does it have a leader, and has the service ever run here?", what, m.Subject)
	}
	if missing := streams.Denied(ctx, c.js.Conn(), err); missing != nil {
		return Placed{}, fmt.Errorf("%s: %w", what, missing)
	}
	if err != nil {
		return Placed{}, fmt.Errorf("%s: %w", what, err)
	}
	return Placed{Subject: m.Subject, Stream: ack.Stream, Sequence: ack.Sequence}, nil
}

// Get returns the record of one campaign and when it was stored; not found is
// [ErrNoRecord].
func (c *Client) Get(ctx context.Context, key campaign.Key) (campaign.Campaign, time.Time, error) {
	data, at, err := c.Raw(ctx, key)
	if err != nil {
		return campaign.Campaign{}, at, err
	}
	rec, err := journal.DecodeRecord(key, data)
	if err != nil {
		return rec, at, fmt.Errorf("read %s: %w", key, err)
	}
	return rec, at, nil
}

// Raw returns the same as it is stored.
func (c *Client) Raw(ctx context.Context, key campaign.Key) (json.RawMessage, time.Time, error) {
	ctx, done := c.rights.Watch(ctx, streams.Records)
	defer done()
	s, err := c.js.Stream(ctx, streams.Records)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("%s: %w", key, streams.ExplainReadError(ctx, c.js, streams.Records, err))
	}
	m, err := s.GetLastMsgForSubject(ctx, contract.RecordSubject(key))
	if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && m.Header.Get(streams.HeaderKV) != "" {
		return nil, time.Time{}, fmt.Errorf("%s: %w", key, ErrNoRecord)
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("%s: %w", key, streams.ExplainReadError(ctx, c.js, streams.Records, err))
	}
	return json.RawMessage(m.Data), m.Time.UTC(), nil
}

// ErrNoRecord means that nothing was ever stored for the key: nobody asked
// for the campaign, or the request has not been handled yet.
var ErrNoRecord = errors.New("there is no record of this campaign")

// List yields every record, of one source if it is not empty, in the order in
// which they were last saved. It ends at the first error.
func (c *Client) List(ctx context.Context, source string) iter.Seq2[campaign.Campaign, error] {
	return func(yield func(campaign.Campaign, error) bool) {
		filter := streams.RecordPrefix + ">"
		if source != "" {
			filter = streams.RecordPrefix + source + ".*"
		}
		for m, err := range c.walk(ctx, streams.Records, jetstream.ConsumerConfig{FilterSubject: filter}) {
			if err != nil {
				yield(campaign.Campaign{}, fmt.Errorf("list campaigns: %w", err))
				return
			}
			if m.Headers().Get(streams.HeaderKV) != "" {
				continue
			}
			key, rest, err := contract.SplitSubject(m.Subject(), streams.RecordPrefix)
			if err != nil || rest != "" {
				continue // no campaign's
			}
			rec, err := journal.DecodeRecord(key, m.Data())
			if err != nil {
				err = fmt.Errorf("list campaigns: %s: %w", m.Subject(), err)
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

// access is that of whoever is outside, under the name that its account has for it.
func (c *Client) access() streams.Access {
	return streams.Access{JS: c.js, Rights: c.rights}
}

// walk reads what this client may read of a stream. See [streams.Access.Walk].
func (c *Client) walk(ctx context.Context, stream string, cfg jetstream.ConsumerConfig) iter.Seq2[jetstream.Msg, error] {
	return c.access().Walk(ctx, stream, cfg)
}
