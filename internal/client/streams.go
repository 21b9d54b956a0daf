package client

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/staffetta-io/staffetta/internal/streams"
)

// Stream is what is seen of one stream.
type Stream struct {
	Name         string    `json:"stream"`
	Missing      bool      `json:"missing,omitempty"`
	Installation string    `json:"installation,omitempty"` // empty: it bears none
	Layout       string    `json:"layout,omitempty"`
	Made         time.Time `json:"made,omitzero"`
	Messages     uint64    `json:"messages"`
	Bytes        uint64    `json:"bytes"`
	First        time.Time `json:"first,omitzero"`
	Last         time.Time `json:"last,omitzero"`
}

// Current says that the stream bears what the streams bear that are made today.
func (s Stream) Current() bool {
	return s.Installation != "" && s.Layout == strconv.Itoa(streams.Layout)
}

// Streams are all that there can be, in their order.
type Streams struct {
	All   []Stream
	Wrong error // why no service starts on them as they are; nil: they belong together
}

// Streams says what is there of the streams.
func (c *Client) Streams(ctx context.Context) (Streams, error) {
	ctx, done := c.rights.Watch(ctx, "STREAM.INFO.", "STREAM.MSG.GET.")
	defer done()
	in, err := streams.Survey(ctx, c.js)
	if err != nil {
		return Streams{}, streams.ExplainReadError(ctx, c.js, streams.Records, err)
	}
	var all []Stream
	for _, want := range streams.All(0) {
		s := Stream{Name: want.Name, Missing: true}
		if info := in.Have[want.Name]; info != nil {
			s = Stream{Name: want.Name, Installation: streams.IdentityOf(info.Config).Installation, Layout: info.Config.Metadata[streams.MetaLayout], Made: info.Created.UTC(),
				Messages: info.State.Msgs, Bytes: info.State.Bytes, First: info.State.FirstTime.UTC(), Last: info.State.LastTime.UTC()}
		}
		all = append(all, s)
	}
	_, wrong := in.ID()
	return Streams{all, errors.Join(wrong, in.Lost(), in.Outlive(), streams.LostBudgets(ctx, c.js))}, nil
}
