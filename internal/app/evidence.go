package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/staffetta-io/staffetta/internal/button"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/why"
)

// What the outside can be told, in the words of the journal.
type (
	Entry        = journal.Entry
	Placed       = journal.Placed
	Letter       = journal.Letter
	LetterFilter = journal.LetterFilter
	Replay       = journal.Replay
	Orphan       = journal.Orphan
	Doubt        = journal.Doubt
)

// LetterReasons are all the reasons of dead letters.
var LetterReasons = journal.Reasons

// Errors of reading, as the journal has them.
var (
	ErrNoRecord = journal.ErrNoRecord
	ErrNoLetter = journal.ErrNoLetter
)

// readWithin bounds each of the reads that evidence is made of: NATS answers
// nothing at all where it denies.
const readWithin = 5 * time.Second

// Evidence reads everything the streams hold about one campaign. What cannot
// be read is named in it; only without the record there is no story.
func (c *Client) Evidence(ctx context.Context, key campaign.Key) (why.Evidence, error) {
	e := why.Evidence{Key: key, Now: time.Now().UTC()}
	switch rec, _, err := c.Get(ctx, key); {
	case err == nil:
		e.Record = &rec
	case !errors.Is(err, ErrNoRecord):
		return e, err
	}
	part := func(what string, read func(context.Context) error) {
		ctx, cancel := context.WithTimeout(ctx, readWithin)
		defer cancel()
		if err := read(ctx); err != nil {
			e.Missing = append(e.Missing, fmt.Sprintf("%s: %v", what, err))
		}
	}
	part("the requests", func(ctx context.Context) error { return c.requests(ctx, &e) })
	part("the commands", func(ctx context.Context) error { return c.commands(ctx, &e) })
	part("the events", func(ctx context.Context) error { return c.events(ctx, &e) })
	part("the dead letters", func(ctx context.Context) error { return c.letters(ctx, &e) })
	part("the timer", func(ctx context.Context) (err error) {
		if e.Record != nil && !e.Record.Wake.IsZero() {
			e.Armed, err = c.Armed(ctx, key)
			e.Unarmed = err == nil && (e.Armed.IsZero() || e.Armed.After(e.Record.Wake))
		}
		return err
	})
	part("what is held", func(ctx context.Context) error { return c.held(ctx, &e) })
	return e, ctx.Err()
}

func (c *Client) held(ctx context.Context, e *why.Evidence) error {
	b, err := c.OpenButton(ctx)
	if err != nil {
		return err
	}
	s, err := b.State(ctx)
	if err != nil {
		return err
	}
	e.Held, e.HeldAs = s.Words(e.Key.Source), "--source "+e.Key.Source
	if _, all := s.Held[button.All]; all {
		e.HeldAs = "--all"
	}
	return nil
}

func (c *Client) requests(ctx context.Context, e *why.Evidence) error {
	heard, err := c.Requests(ctx, e.Key)
	if err != nil {
		return err
	}
	for _, h := range heard {
		r := why.Request{At: h.Stored, Sequence: h.Sequence, Content: h.Wakeup.Request, Replay: h.Replay}
		if h.Err != nil {
			r.Err = h.Err.Error()
		}
		e.Requests = append(e.Requests, r)
		if e.Record != nil || r.Err != "" || e.Turn != (why.Turn{}) {
			continue
		}
		turn, err := c.Turn(ctx, h.Sequence)
		if err != nil {
			return err
		}
		e.Turn = why.Turn{Ahead: turn.Ahead, Taken: turn.Taken, Done: turn.Done, Pulling: turn.Pulling}
	}
	return nil
}

func (c *Client) commands(ctx context.Context, e *why.Evidence) error {
	heard, err := c.Commands(ctx, e.Key)
	for _, h := range heard {
		e.Commands = append(e.Commands, why.Command{At: h.Stored, Sequence: h.Sequence, Input: h.Wakeup.Command})
	}
	return err
}

func (c *Client) events(ctx context.Context, e *why.Evidence) error {
	for told, err := range c.Watch(ctx, WatchOptions{Key: e.Key}) {
		if err != nil {
			return err
		}
		event, known := told.Event()
		if !known {
			event = campaign.Event{Type: campaign.EventType(told.Type)}
		}
		if event.At.IsZero() {
			event.At = told.Stored
		}
		e.Events = append(e.Events, event)
	}
	return nil
}

func (c *Client) letters(ctx context.Context, e *why.Evidence) error {
	for l, err := range c.Letters(ctx, LetterFilter{Key: e.Key}) {
		if err != nil {
			return err
		}
		e.Letters = append(e.Letters, why.Letter{ID: l.ID, At: l.Buried, Kind: l.Kind(), Sequence: l.Sequence,
			Reason: l.Reason, Fields: l.Fields, Note: l.Note})
	}
	return nil
}
