package journal

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// Erase takes what is left of what was said out of the streams. See [runner.Journal].
// What no worker has had in hand yet may be another request under the same key, whose
// sender is owed an answer: the floor of the consumer is the limit.
func (j *Journal) Erase(ctx context.Context, key campaign.Key) error {
	floor, _, err := streams.Handled(ctx, j.js, streams.RequestConsumer())
	if err == nil {
		var own uint64
		if own, err = j.handledOf(ctx, key.Source); own < floor {
			floor = own
		}
	}
	if err != nil {
		return fmt.Errorf("erase %s: %w", key, err)
	}
	if floor > 0 {
		if _, err := streams.Erase(ctx, j.js, streams.Requests, contract.RequestSubject(key), floor); err != nil {
			return fmt.Errorf("erase %s: %w", key, err)
		}
	}
	switch m, err := streams.AskLeader(ctx, j.nc, streams.Requests, contract.RequestSubject(key)); {
	case err == nil:
		return fmt.Errorf("erase %s: request %d waits for its turn, or for one before it", key, m.Sequence)
	case !errors.Is(err, jetstream.ErrMsgNotFound):
		return fmt.Errorf("erase %s: %w", key, err)
	}
	if _, err := streams.Erase(ctx, j.js, streams.DeadLetters, contract.LetterSubject(key), 0); err != nil {
		return fmt.Errorf("erase %s: %w", key, err)
	}
	return nil
}

// mayErase says that this user may erase messages, by asking for one that there never is.
func (j *Journal) mayErase(ctx context.Context) error {
	ctx, done := streams.WatchRights(j.nc).Watch(ctx, streams.EraseCall)
	defer done()
	for _, name := range streams.Erasable() {
		_, err := j.nc.RequestWithContext(ctx, streams.EraseCall+name, []byte(`{"seq":0}`))
		if missing := streams.Denied(ctx, j.nc, err); missing != nil {
			return fmt.Errorf("retention.text: %w; write erases: true into the table of access and print it again, or leave retention.text out", missing)
		}
		if err != nil {
			return fmt.Errorf("retention.text: ask whether messages of %s may be erased: %w", name, err)
		}
	}
	return nil
}
