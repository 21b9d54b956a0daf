package client

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// Ask sends a question and returns the answer. That this user may not ask, or not hear
// the answer, is said at once, with the right that is missing; that nobody is there is
// [nats.ErrNoResponders].
func (c *Client) Ask(ctx context.Context, subject string, question []byte) (*nats.Msg, error) {
	ctx, done := c.rights.Watch(ctx, subject)
	defer done()
	nc := c.js.Conn()
	m, err := nc.RequestWithContext(ctx, subject, question)
	if missing := streams.Denied(ctx, nc, err); missing != nil {
		return nil, fmt.Errorf("ask %s: %w", subject, missing)
	}
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", subject, err)
	}
	return m, nil
}
