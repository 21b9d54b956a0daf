package journal

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Forget tells the service to forget what a campaign said. by must not be empty.
func (c *Client) Forget(ctx context.Context, key campaign.Key, by string) (Placed, error) {
	return c.Command(ctx, key, VerbForget, followBody{By: by})
}

// Erase takes the requests and the dead letters of a campaign out of their streams,
// overwrites them, and says how many there were. Only the operator may.
func (c *Client) Erase(ctx context.Context, key campaign.Key) (erased int, err error) {
	requests, err := c.Requests(ctx, key)
	if err != nil {
		return 0, err
	}
	at := map[string][]uint64{}
	for _, r := range requests {
		at[StreamRequests] = append(at[StreamRequests], r.Sequence)
	}
	for l, err := range c.Letters(ctx, LetterFilter{Key: key}) {
		if err != nil {
			return 0, err
		}
		at[StreamDeadLetters] = append(at[StreamDeadLetters], l.ID)
	}
	for name, sequences := range at {
		ctx, done := c.rights.heed(ctx, name)
		defer done()
		s, err := c.js.Stream(ctx, name)
		if err != nil {
			return erased, fmt.Errorf("erase %s: %w", key, orDenied(ctx, err))
		}
		for _, seq := range sequences {
			if err := s.SecureDeleteMsg(ctx, seq); err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
				return erased, fmt.Errorf("erase message %d of %s: %w", seq, name, orDenied(ctx, err))
			}
			erased++
		}
	}
	return erased, nil
}
