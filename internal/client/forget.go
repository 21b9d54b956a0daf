package client

import (
	"context"
	"fmt"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// Erase takes the requests and the dead letters of a campaign out of their streams,
// overwrites them, and says how many there were. Only the operator may.
func (c *Client) Erase(ctx context.Context, key campaign.Key) (erased int, err error) {
	for _, name := range streams.Erasable() {
		subject := contract.LetterSubject(key)
		if name == streams.Requests {
			subject = contract.RequestSubject(key)
		}
		ctx, done := c.rights.Watch(ctx, name)
		defer done()
		n, err := streams.Erase(ctx, c.js, name, subject, 0)
		if erased += n; err != nil {
			return erased, fmt.Errorf("erase %s: %w", key, streams.OrDenied(ctx, err))
		}
	}
	return erased, nil
}
