package journal

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/button"
)

// buttonMark is the record of the red button. It lies among the campaigns' records:
// it is there as soon as they are, is backed up with them, and whoever can save a
// campaign can know whether it may. A campaign's key has two words, so it is no
// campaign's.
//
// It is written as budgets are, by whoever has the right to this one subject. Where
// nobody but the service writes a bucket, [button.Button.Press] and Release are what
// a command to the service comes to.
const buttonMark = recordPrefix + button.Record

// OpenButton opens the red button, on a connection made with [Connect].
func OpenButton(ctx context.Context, nc *nats.Conn) (*button.Button, error) {
	js, err := newJetStream(nc)
	if err != nil {
		return nil, fmt.Errorf("open the red button: %w", err)
	}
	s, err := js.Stream(ctx, StreamRecords)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("open the red button: there is no stream %s: has the service ever run here?", StreamRecords)
	}
	if err != nil {
		return nil, fmt.Errorf("open the red button: %w", orDenied(ctx, err))
	}
	return button.New(&shelf{nc: nc, js: js, stream: s, prefix: recordPrefix}), nil
}

// HeedButton is a context for what is done with the red button, which ends when the
// server says that this user may not. See heed.
func (c *Client) HeedButton(ctx context.Context) (context.Context, func()) {
	return c.rights.heed(ctx, StreamRecords, buttonMark)
}
