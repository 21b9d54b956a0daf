package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// Outcome is what became of a standing order: neither of both if nothing did yet.
type Outcome struct {
	Subject string // of the order
	Answer  *contract.StoredEvent
	Letter  *contract.Letter
}

// ErrNoOrder means that there is no standing order of that sequence, or no more: they
// are kept for seven days.
var ErrNoOrder = errors.New("there is no such standing order")

// Outcome looks up what became of the standing order that was stored so.
func (c *Client) Outcome(ctx context.Context, sequence uint64) (Outcome, error) {
	var out Outcome
	ctx, done := c.rights.Watch(ctx, streams.Commands)
	defer done()
	stream, m, err := c.order(ctx, sequence)
	if err != nil {
		return out, err
	}
	out.Subject = m.Subject
	source, _, _ := contract.SplitStanding(m.Subject, streams.CommandPrefix)
	o := contract.Order{Source: source, Stored: m.Time}
	events, err := c.js.Stream(ctx, streams.Events)
	if err != nil {
		return out, streams.ExplainReadError(ctx, c.js, streams.Events, err)
	}
	answer, err := events.GetLastMsgForSubject(ctx, contract.AnswerSubject(o, "*"))
	switch {
	case err == nil:
		t, err := contract.StoredEventOf(answer.Subject, answer.Header, answer.Data, answer.Sequence, answer.Time)
		out.Answer = &t
		return out, err
	case !errors.Is(err, jetstream.ErrMsgNotFound):
		return out, fmt.Errorf("order %d: %w", sequence, streams.ExplainReadError(ctx, c.js, streams.Events, err))
	}
	from := m.Time.Add(-streams.LookBack) // the letters' leader may have another clock
	for l, err := range journal.Letters(streams.Walk(ctx, c.js, streams.DeadLetters, jetstream.ConsumerConfig{
		HeadersOnly: true, FilterSubject: contract.DeadSubject(m.Subject), DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &from,
	})) {
		if err != nil {
			return out, fmt.Errorf("order %d: %w", sequence, err)
		}
		if l.Stream == stream && l.Sequence == sequence && l.Stored.Equal(m.Time.Truncate(time.Nanosecond)) {
			out.Letter = &l
			return out, nil
		}
	}
	return out, nil
}

// order is a standing order by its sequence, and where it lies. Those from before the
// streams were upgraded lie beside the timers.
func (c *Client) order(ctx context.Context, sequence uint64) (string, *jetstream.RawStreamMsg, error) {
	for _, name := range []string{streams.Commands, streams.Wakeups} {
		s, err := c.js.Stream(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) && name == streams.Commands {
			continue // they have not been upgraded yet
		}
		if err != nil {
			return "", nil, streams.ExplainReadError(ctx, c.js, name, err)
		}
		m, err := s.GetMsg(ctx, sequence)
		switch {
		case err == nil && contract.IsStanding(m.Subject):
			return name, m, nil
		case err != nil && !errors.Is(err, jetstream.ErrMsgNotFound):
			return "", nil, fmt.Errorf("order %d: %w", sequence, streams.ExplainReadError(ctx, c.js, name, err))
		}
	}
	return "", nil, fmt.Errorf("order %d: %w", sequence, ErrNoOrder)
}

// Lay publishes a standing order, after reading it as the service will. Stored is not
// obeyed: [Client.Outcome] says what became of it. An empty source is everybody.
func (c *Client) Lay(ctx context.Context, source, verb string, body proto.Message) (Placed, error) {
	what := verb + " " + contract.Scope(source)
	me, err := c.Me()
	subject := streams.CommandPrefix + contract.Scope(source) + "." + streams.Standing + "." + verb
	switch {
	case ctx.Err() != nil:
		return Placed{}, ctx.Err()
	case err != nil, me.Actor == "":
	case !contract.IsToken(me.Actor):
		return Placed{}, fmt.Errorf("%s: %w", what, unspeakable(me))
	default:
		subject += "." + me.Actor
	}
	m := nats.NewMsg(subject)
	if m.Data, err = (protojson.MarshalOptions{}).Marshal(body); err != nil {
		return Placed{}, fmt.Errorf("%s: %w", what, err)
	}
	m.Header.Set("content-type", "application/json")
	if _, err := contract.ReadOrder(c.rules, m.Subject, m.Header, m.Data, false); err != nil {
		return Placed{}, fmt.Errorf("%s: %w", what, err)
	}
	return c.publishCommand(ctx, m, what)
}
