package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// Approve tells the service that somebody agrees to one quote of a campaign,
// and to nothing else.
func (c *Client) Approve(ctx context.Context, key campaign.Key, quoteID, by string) (Placed, error) {
	return c.Command(ctx, key, contract.VerbApprove, contract.ApproveBody{QuoteID: quoteID, By: by})
}

// Prove has a quote sent to a few phones before somebody approves it. The people are laid
// down before. The proof's own campaign is the record's, once the command is obeyed.
func (c *Client) Prove(ctx context.Context, key campaign.Key, body contract.ProofBody) (Placed, error) {
	return c.Command(ctx, key, contract.VerbProof, body)
}

// Decline tells the service that somebody does not agree to a quote: the
// campaign is rejected.
func (c *Client) Decline(ctx context.Context, key campaign.Key, quoteID, by, why string) (Placed, error) {
	return c.Command(ctx, key, contract.VerbDecline, contract.DeclineBody{QuoteID: quoteID, By: by, Why: why})
}

// Cancel tells the service that a campaign must not be sent. by may be empty if NATS knows
// who speaks.
func (c *Client) Cancel(ctx context.Context, key campaign.Key, by, why string) (Placed, error) {
	if by == "" {
		if me, err := c.Me(); err != nil || me.Actor == "" {
			return Placed{}, fmt.Errorf("cancel %s: say who cancels it", key)
		}
	}
	return c.Command(ctx, key, contract.VerbCancel, contract.CancelBody{By: by, Why: why})
}

// Resolve tells the service what somebody saw at the gateway of a campaign
// that nobody else could establish. by must not be empty.
func (c *Client) Resolve(ctx context.Context, key campaign.Key, by string, sent bool, why string) (Placed, error) {
	return c.Command(ctx, key, contract.VerbResolve, contract.ResolveBody{By: by, Sent: &sent, Why: why})
}

// FollowAgain has a campaign followed again whose figures never added up. by must not
// be empty.
func (c *Client) FollowAgain(ctx context.Context, key campaign.Key, by string) (Placed, error) {
	return c.Command(ctx, key, contract.VerbFollow, contract.FollowBody{By: by})
}

// Command publishes a command, after reading it as the service will: what the
// service would put aside is an error here. It waits in the stream for up to a
// week. Stored is not obeyed: the record says what became of it.
func (c *Client) Command(ctx context.Context, key campaign.Key, verb string, body any) (Placed, error) {
	what := verb + " " + key.String()
	subject, err := c.speakAs(ctx, key, verb)
	if err != nil {
		return Placed{}, fmt.Errorf("%s: %w", what, err)
	}
	m := nats.NewMsg(subject)
	if m.Data, err = json.Marshal(body); err != nil {
		return Placed{}, fmt.Errorf("%s: %w", what, err)
	}
	if _, err := contract.ReadCommand(m.Subject, m.Header, m.Data, false); err != nil {
		return Placed{}, fmt.Errorf("%s: %w", what, err)
	}
	m.Header.Set("content-type", "application/json")
	return c.publishCommand(ctx, m, what)
}

// publishCommand stores a command where commands lie.
func (c *Client) publishCommand(ctx context.Context, m *nats.Msg, what string) (Placed, error) {
	placed, err := c.publish(ctx, m, what, jetstream.WithExpectStream(streams.Commands))
	if code := (*jetstream.APIError)(nil); errors.As(err, &code) && code.ErrorCode == codeOtherStream {
		// Beside the timers, in streams that have not been upgraded, nothing has an end
		// unless it brings its own.
		m.Header.Del(jetstream.ExpectedStreamHeader)
		return c.publish(ctx, m, what, jetstream.WithMsgTTL(streams.CommandLife))
	}
	return placed, err
}

// codeOtherStream: the message expects to be stored in another stream.
const codeOtherStream = 10060

// commandStream is where commands are published, as somebody sees it who may look.
func (c *Client) commandStream(ctx context.Context) (string, error) {
	ctx, done := c.rights.Watch(ctx, streams.Commands)
	defer done()
	switch _, err := c.js.Stream(ctx, streams.Commands); {
	case err == nil:
		return streams.Commands, nil
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return streams.Wakeups, nil
	default:
		return "", streams.ExplainReadError(ctx, c.js, streams.Commands, err)
	}
}

// Forget tells the service to forget what a campaign said. by must not be empty.
func (c *Client) Forget(ctx context.Context, key campaign.Key, by string) (Placed, error) {
	return c.Command(ctx, key, contract.VerbForget, contract.FollowBody{By: by})
}
