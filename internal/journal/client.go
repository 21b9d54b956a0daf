package journal

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
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Client is the outside of the streams: asking for a campaign, cancelling
// one, watching, reading. It creates nothing and needs no more rights than
// the streams it touches.
type Client struct {
	js     jetstream.JetStream
	rights *rights
	validator

	me    *Me   // who NATS says it is; nil: it does not say
	notMe error // why it does not
}

// NewClient returns a Client on a connection that stays the caller's.
func NewClient(nc *nats.Conn) (*Client, error) {
	v, err := newValidator()
	if err != nil {
		return nil, err
	}
	c := &Client{rights: hearRights(nc), validator: v}
	c.ask(nc)
	if c.js, err = newJetStream(nc); err == nil && c.me != nil && c.me.apart {
		c.js, err = jetstream.NewWithAPIPrefix(nc, APIPrefix, jetstream.WithDefaultTimeout(apiWithin))
	}
	if err != nil {
		return nil, err
	}
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
	if err := c.validate(m); err != nil {
		return Placed{}, fmt.Errorf("request %s: %w", key, err)
	}
	out, err := requestMessage(m, traceparent)
	if err != nil {
		return Placed{}, fmt.Errorf("request %s: %w", key, err)
	}
	return c.publish(ctx, out, "request "+key.String())
}

// Differs are the fields in which a request is another one than that of a record.
func Differs(m *campaignv1.CampaignRequested, rec campaign.Campaign) []string {
	_, request := fromProto(m)
	return rec.Request.Diff(request)
}

func (c *Client) publish(ctx context.Context, m *nats.Msg, what string, o ...jetstream.PublishOpt) (Placed, error) {
	ctx, done := c.rights.heed(ctx, m.Subject)
	defer done()
	ack, err := c.js.PublishMsg(ctx, m, o...)
	if errors.Is(err, jetstream.ErrNoStreamResponse) {
		return Placed{}, fmt.Errorf("%s: no stream takes %s: has the service ever run here?", what, m.Subject)
	}
	if missing := denied(ctx, c.js.Conn(), err); missing != "" {
		return Placed{}, fmt.Errorf("%s: %s", what, missing)
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
	rec, err := decodeRecord(key, data)
	if err != nil {
		return rec, at, fmt.Errorf("read %s: %w", key, err)
	}
	return rec, at, nil
}

// Raw returns the same as it is stored.
func (c *Client) Raw(ctx context.Context, key campaign.Key) (json.RawMessage, time.Time, error) {
	ctx, done := c.rights.heed(ctx, StreamRecords)
	defer done()
	s, err := c.js.Stream(ctx, StreamRecords)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("%s: %w", key, unread(ctx, c.js, StreamRecords, err))
	}
	m, err := s.GetLastMsgForSubject(ctx, recordSubject(key))
	if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && m.Header.Get(headerKV) != "" {
		return nil, time.Time{}, fmt.Errorf("%s: %w", key, ErrNoRecord)
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("%s: %w", key, unread(ctx, c.js, StreamRecords, err))
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
		filter := recordPrefix + ">"
		if source != "" {
			filter = recordPrefix + source + ".*"
		}
		for m, err := range c.walk(ctx, StreamRecords, jetstream.ConsumerConfig{FilterSubject: filter}) {
			if err != nil {
				yield(campaign.Campaign{}, fmt.Errorf("list campaigns: %w", err))
				return
			}
			if m.Headers().Get(headerKV) != "" {
				continue
			}
			key, rest, err := splitSubject(m.Subject(), recordPrefix)
			if err != nil || rest != "" {
				continue // no campaign's
			}
			rec, err := decodeRecord(key, m.Data())
			if err != nil {
				err = fmt.Errorf("list campaigns: %s: %w", m.Subject(), err)
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}
