package journal

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/button"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// OpenButton opens the red button.
//
// It is written as budgets are, by whoever has the right to this one subject. Where
// nobody but the service writes a bucket, [button.Button.Press] and Release are what
// a command to the service comes to.
func OpenButton(ctx context.Context, a streams.Access) (*button.Button, error) {
	ctx, done := a.Rights.Watch(ctx, "STREAM.INFO."+streams.Records)
	defer done()
	s, err := a.JS.Stream(ctx, streams.Records)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("open the red button: there is no stream %s: has the service ever run here?", streams.Records)
	}
	if err != nil {
		return nil, fmt.Errorf("open the red button: %w", streams.OrDenied(ctx, err))
	}
	return button.New(streams.NewNamedRecords(a, s, streams.RecordPrefix)), nil
}
