package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// MakeConsumer makes a durable consumer of the events' stream, from its first event on,
// if there is none of that name, and says whether it did. Whoever reads with it cannot
// change it. It is the operator's to call.
func (c *Client) MakeConsumer(ctx context.Context, name, filter string) (made bool, err error) {
	ctx, done := c.rights.Watch(ctx, streams.Events)
	defer done()
	what := fmt.Sprintf("consumer %s of %s", name, streams.Events)
	have, err := c.js.Consumer(ctx, streams.Events, name)
	switch {
	case err == nil:
		if its := have.CachedInfo().Config; its.FilterSubject != filter || its.DeliverSubject != "" {
			return false, fmt.Errorf("%s has filter %q and delivers to %q, want %q and nothing: delete it, it will be made again", what, its.FilterSubject, its.DeliverSubject, filter)
		}
		return false, nil
	case !errors.Is(err, jetstream.ErrConsumerNotFound):
		return false, streams.ExplainReadError(ctx, c.js, streams.Events, err)
	}
	_, err = c.js.CreateConsumer(ctx, streams.Events, streams.ReaderConsumer(name, filter))
	if err != nil {
		return false, fmt.Errorf("make %s: %w", what, err)
	}
	return true, nil
}
