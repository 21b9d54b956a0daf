package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// LetterFilter chooses dead letters. The zero value: all.
type LetterFilter struct {
	Source string
	Key    campaign.Key
	After  uint64 // only those behind this id
}

// ErrNoLetter means that there is no dead letter of that id, or no more: they
// are kept for 90 days.
var ErrNoLetter = errors.New("there is no such dead letter")

// Letters yields dead letters, the oldest first, without their payloads. It
// ends at the first error.
func (c *Client) Letters(ctx context.Context, f LetterFilter) iter.Seq2[contract.Letter, error] {
	return func(yield func(contract.Letter, error) bool) {
		cfg := streams.Behind(f.After)
		switch {
		case f.Key != (campaign.Key{}):
			cfg.FilterSubject = streams.DeadPrefix + f.Key.String()
		case f.Source != "":
			cfg.FilterSubject = streams.DeadPrefix + f.Source + ".*"
		}
		cfg.HeadersOnly = true
		for l, err := range journal.Letters(c.walk(ctx, streams.DeadLetters, cfg)) {
			if err != nil {
				err = fmt.Errorf("list dead letters: %w", err)
			}
			if !yield(l, err) {
				return
			}
		}
	}
}

// Letter returns one dead letter, whole; not found is [ErrNoLetter].
func (c *Client) Letter(ctx context.Context, id uint64) (contract.Letter, error) {
	ctx, done := c.rights.Watch(ctx, streams.DeadLetters)
	defer done()
	s, err := c.js.Stream(ctx, streams.DeadLetters)
	if err != nil {
		return contract.Letter{}, fmt.Errorf("dead letter %d: %w", id, streams.ExplainReadError(ctx, c.js, streams.DeadLetters, err))
	}
	m, err := s.GetMsg(ctx, id)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return contract.Letter{}, fmt.Errorf("dead letter %d: %w", id, ErrNoLetter)
	}
	if err != nil {
		return contract.Letter{}, fmt.Errorf("dead letter %d: %w", id, streams.ExplainReadError(ctx, c.js, streams.DeadLetters, err))
	}
	return contract.LetterOf(m.Subject, m.Header, m.Data, m.Sequence, m.Time), nil
}

// AwaitLetter waits until a message becomes a dead letter. Who may make no consumer asks
// again and again. It ends with an error when the context does.
func (c *Client) AwaitLetter(ctx context.Context, key campaign.Key, p Placed) (query.Letter, error) {
	l, err := c.awaitLetter(ctx, key, p)
	if err == nil || !streams.NoAccess(err) {
		return letterAnswer(l, Placed{}), err
	}
	for {
		l, found, err := c.LetterOf(ctx, key, p)
		if found || err != nil {
			return l, err
		}
		select {
		case <-ctx.Done():
			return l, ctx.Err()
		case <-time.After(letterEvery):
		}
	}
}

// letterEvery is how often it is asked whether a message has become a dead letter.
const letterEvery = time.Second

// LetterOf is the dead letter that a message became, if it became one, as Reader has it.
func (c *Client) LetterOf(ctx context.Context, key campaign.Key, p Placed) (query.Letter, bool, error) {
	for l, err := range query.Each(func(after string) ([]query.Letter, string, error) {
		all, err := c.Reader().DLQ(ctx, query.DLQAsk{Key: key.String(), Page: query.Page{After: after}})
		return all.Letters, all.Next, err
	}) {
		if err != nil {
			return l, false, err
		}
		if l.Stream == p.Stream && l.Sequence == p.Sequence {
			return l, true, nil
		}
	}
	return query.Letter{}, false, nil
}

// awaitLetter is AwaitLetter by a consumer of the dead letters.
func (c *Client) awaitLetter(ctx context.Context, key campaign.Key, p Placed) (contract.Letter, error) {
	ctx, done := c.rights.Watch(ctx, streams.DeadLetters)
	defer done()
	wrong := func(err error) (contract.Letter, error) {
		return contract.Letter{}, fmt.Errorf("dead letters of %s: %w", key, streams.ExplainReadError(ctx, c.js, streams.DeadLetters, err))
	}
	cons, err := c.js.OrderedConsumer(ctx, streams.DeadLetters, jetstream.OrderedConsumerConfig{FilterSubjects: []string{streams.DeadPrefix + key.String()}})
	if err != nil {
		return wrong(err)
	}
	feed, err := cons.Messages()
	if err != nil {
		return wrong(err)
	}
	defer feed.Stop()
	for {
		m, err := feed.Next(jetstream.NextContext(ctx))
		if err != nil {
			return wrong(err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return wrong(err)
		}
		if l := contract.LetterOf(m.Subject(), m.Headers(), m.Data(), meta.Sequence.Stream, meta.Timestamp); l.Stream == p.Stream && l.Sequence == p.Sequence {
			return l, nil
		}
	}
}
