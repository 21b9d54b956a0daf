package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/staffetta-io/staffetta/internal/button"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/why"
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
	part("the requests", func(ctx context.Context) error { return c.readRequests(ctx, &e) })
	part("the commands", func(ctx context.Context) (err error) {
		e.Commands, err = c.Commands(ctx, key)
		return err
	})
	part("the events", func(ctx context.Context) error { return c.readEvents(ctx, &e) })
	part("the dead letters", func(ctx context.Context) error { return c.readLetters(ctx, &e) })
	part("the timer", func(ctx context.Context) (err error) {
		if e.Record != nil && !e.Record.Wake.IsZero() {
			e.Armed, err = c.Armed(ctx, key)
			e.Unarmed = err == nil && (e.Armed.IsZero() || e.Armed.After(e.Record.Wake))
		}
		return err
	})
	part("what is held", func(ctx context.Context) error { return c.readHeld(ctx, &e) })
	return e, ctx.Err()
}

func (c *Client) readHeld(ctx context.Context, e *why.Evidence) error {
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

// readRequests reads the requests, and where the first that can be read stands in the
// queue while there is no record.
func (c *Client) readRequests(ctx context.Context, e *why.Evidence) error {
	all, err := c.Requests(ctx, e.Key)
	if err != nil {
		return err
	}
	if e.Requests = all; e.Record != nil {
		return nil
	}
	for _, r := range e.Requests {
		if r.Err != "" {
			continue
		}
		e.QueuePlace, err = c.QueuePlace(ctx, e.Key.Source, r.Sequence)
		if err != nil || e.QueuePlace != (why.QueuePlace{}) {
			return err
		}
	}
	return nil
}

func (c *Client) readEvents(ctx context.Context, e *why.Evidence) error {
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

func (c *Client) readLetters(ctx context.Context, e *why.Evidence) error {
	for l, err := range c.Letters(ctx, LetterFilter{Key: e.Key}) {
		if err != nil {
			return err
		}
		e.Letters = append(e.Letters, why.Letter{ID: l.ID, At: l.Buried, Kind: l.Kind(), Sequence: l.Sequence,
			Reason: l.Reason, Fields: l.Fields, Note: l.Note})
	}
	return nil
}
