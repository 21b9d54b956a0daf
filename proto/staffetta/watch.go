package staffetta

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/staffetta-io/staffetta/proto/staffetta/internal/wire"
)

// watchAgain is how long a watch waits before it asks once more for what was told before.
const watchAgain = time.Second

// Watch yields what was told of one campaign, from its beginning and then as it happens:
// each event once, in order, over lost connections too. It ends behind an event that
// [Event.Ends], without an error when ctx ends, and at the first error. It may begin before
// the campaign is asked for.
//
// What was told before, it asks the service; while none answers it waits, for nothing is
// told meanwhile. It remembers nothing once it ends: a program that must not miss an event
// reads with [Client.Consume].
func (c *Client) Watch(ctx context.Context, source, requestID string) iter.Seq2[Event, error] {
	key := source + "." + requestID
	return func(yield func(Event, error) bool) {
		// First it listens, then it asks: what is told in between comes twice, not never.
		live, err := c.conn.Listen(ctx, eventPrefix+key+".>")
		if err != nil {
			yield(Event{}, fmt.Errorf("watch %s: %w", key, err))
			return
		}
		defer live.Stop()
		seen := map[string]bool{}
		more := func(e Event) bool {
			if seen[e.ID] {
				return true
			}
			seen[e.ID] = true
			return yield(e, nil) && !e.Ends()
		}
		past := func() bool {
			all, err := c.told(ctx, key)
			switch {
			case ctx.Err() != nil:
				return false
			case err != nil:
				yield(Event{}, fmt.Errorf("watch %s: %w", key, err))
				return false
			}
			for _, e := range all {
				if !more(e) {
					return false
				}
			}
			return true
		}
		if !past() {
			return
		}
		for {
			m, err := live.Next(ctx)
			switch {
			case ctx.Err() != nil:
				return
			case errors.Is(err, wire.ErrGap):
				if !past() {
					return
				}
				continue
			case err != nil:
				yield(Event{}, fmt.Errorf("watch %s: %w", key, err))
				return
			}
			e, err := eventOf(m)
			if err != nil {
				yield(e, fmt.Errorf("watch %s: %w", key, err))
				return
			}
			if !more(e) {
				return
			}
		}
	}
}

// told are the events of a campaign so far, in order. It waits until a service answers.
func (c *Client) told(ctx context.Context, key string) (all []Event, err error) {
	question := struct {
		Key   string `json:"key"`
		After string `json:"after,omitempty"`
	}{Key: key}
	for {
		var page struct {
			Events []answeredEvent `json:"events"`
			Next   string          `json:"next"`
		}
		err := c.Query(ctx, "events", question, &page)
		if IsCode(err, NoAnswer) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(watchAgain):
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, a := range page.Events {
			e, err := a.event()
			if err != nil {
				return nil, err
			}
			all = append(all, e)
		}
		if question.After = page.Next; page.Next == "" {
			return all, nil
		}
	}
}
