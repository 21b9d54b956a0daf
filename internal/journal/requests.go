package journal

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// loadRequest reads a request by its sequence.
func (j *Journal) loadRequest(ctx context.Context, seq uint64) (*jetstream.RawStreamMsg, error) {
	return streams.AskLeaderFor(ctx, j.nc, streams.Requests, seq)
}

// handledOf is up to which sequence the requests of a source are handled, of those that are
// left to its own consumer: all of them, if it has none.
func (j *Journal) handledOf(ctx context.Context, source string) (uint64, error) {
	floor, apart, err := streams.Handled(ctx, j.js, streams.RequestConsumer().Of(source))
	if err != nil || !apart {
		return math.MaxUint64, err
	}
	return floor, nil
}

// Asked says whether the stream has a request of the key. See [runner.Journal].
func (j *Journal) Asked(ctx context.Context, key campaign.Key) (bool, error) {
	_, err := streams.AskLeader(ctx, j.nc, streams.Requests, contract.RequestSubject(key))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for a request of %s: %w", key, err)
	}
	return true, nil
}

// AskFor publishes a request of our own, unless one of that key is there. See
// [runner.Journal].
func (j *Journal) AskFor(ctx context.Context, key campaign.Key, r campaign.Request) error {
	e, err := contract.RequestOf(j.intake.Rules, key, r)
	if err != nil {
		return fmt.Errorf("ask for %s: %w: %w", key, runner.ErrBroken, err)
	}
	if err := j.createOnly(ctx, streams.NewMsg(e.Subject, e.Header, e.Data)); err != nil {
		return fmt.Errorf("ask for %s: %w", key, err)
	}
	return nil
}
