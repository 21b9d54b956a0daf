package client

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// ask asks once who the client is.
func (c *Client) ask(nc *nats.Conn) {
	ctx, done := c.rights.Watch(context.Background(), streams.WhoAmI)
	defer done()
	me, err := streams.AskMe(ctx, nc, contract.IsToken)
	if c.notMe = err; err == nil {
		c.me = &me
	}
}

// Me is who NATS says that this client is. An error says why it does not, and perhaps
// which right is missing.
func (c *Client) Me() (streams.Me, error) {
	if c.me == nil {
		return streams.Me{}, c.notMe
	}
	return *c.me, nil
}

// speakAs is the subject on which this client tells a campaign something. Whoever has no
// name at NATS, or may not ask for it, speaks without one: that is unproven, and refused
// where there are accounts.
func (c *Client) speakAs(ctx context.Context, key campaign.Key, verb string) (string, error) {
	me, err := c.Me()
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil, me.Actor == "":
		return contract.CommandSubject(key, verb), nil
	case !contract.IsToken(me.Actor):
		return "", unspeakable(me)
	}
	return contract.CommandPattern(key.Source, key.RequestID, verb, me.Actor), nil
}

// unspeakable says that a user's name cannot end a subject.
func unspeakable(me streams.Me) error {
	return fmt.Errorf("NATS knows this user as %q, which cannot end a subject: want 1 to 64 letters, digits, _ or -; give it a name with staffetta access print, see docs/security.md", me.Actor)
}
