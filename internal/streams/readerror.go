package streams

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ExplainReadError says that a stream cannot be read, and what to look at: people read
// it who ran one command.
func ExplainReadError(ctx context.Context, js jetstream.JetStream, stream string, err error) error {
	hint := ""
	switch missing := Denied(ctx, js.Conn(), err); {
	case missing != nil:
		return fmt.Errorf("read %s: %w", stream, missing)
	case errors.Is(err, jetstream.ErrStreamNotFound):
		hint = ": has the service ever run here?"
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		hint = ": is JetStream enabled, on the server and for this account?"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		hint = ": NATS does not answer; may this user read it, and does the stream have a leader?"
	}
	return fmt.Errorf("read %s: %w%s", stream, err, hint)
}
