package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// Orphan is a request that the service has had and that has no record.
type Orphan struct {
	Key      campaign.Key
	Sequence uint64
	Stored   time.Time
	Told     []contract.StoredEvent // what its events tell, of the statistics the last one; none: it was never quoted, so it was not sent
}

// Orphans lists them, the oldest first. It changes nothing. A request that waits for
// its turn, or lies in the dead letters, is none.
func (c *Client) Orphans(ctx context.Context) ([]Orphan, error) {
	ctx, done := c.rights.Watch(ctx, "STREAM.INFO.", "CONSUMER.INFO.", "MSG.GET.")
	defer done()
	var floor uint64
	cons, err := c.js.Consumer(ctx, streams.Requests, streams.RequestConsumer().Name)
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound), errors.Is(err, jetstream.ErrStreamNotFound):
	case err != nil:
		return nil, streams.ExplainReadError(ctx, c.js, streams.Requests, err)
	default:
		floor = cons.CachedInfo().AckFloor.Stream
	}
	records, err := c.js.Stream(ctx, streams.Records)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		records = nil // none has one
	} else if err != nil {
		return nil, streams.ExplainReadError(ctx, c.js, streams.Records, err)
	}
	events, err := c.js.Stream(ctx, streams.Events)
	if err != nil {
		return nil, streams.ExplainReadError(ctx, c.js, streams.Events, err)
	}
	var all []Orphan
	seen := map[campaign.Key]bool{}
	own := map[string]*queue{} // by source; nil: it has no consumer of its own
	for o, err := range c.unburied(ctx) {
		if err != nil {
			return nil, err
		}
		if seen[o.Key] {
			continue
		}
		if records != nil {
			_, err := records.GetLastMsgForSubject(ctx, contract.RecordSubject(o.Key))
			if err == nil {
				continue
			}
			if !errors.Is(err, jetstream.ErrMsgNotFound) {
				return nil, streams.ExplainReadError(ctx, c.js, streams.Records, err)
			}
		}
		if o.Told, err = journal.EventsOf(ctx, c.js.Conn(), events, o.Key); err != nil {
			return nil, fmt.Errorf("read the events of %s: %w", o.Key, err)
		}
		if len(o.Told) == 0 && o.Sequence > floor {
			continue // it waits for its turn
		}
		if len(o.Told) == 0 {
			q, known := own[o.Key.Source]
			if !known {
				q = c.ownConsumer(ctx, o.Key.Source)
				own[o.Key.Source] = q
			}
			if q != nil && q.waits(o.Sequence) {
				continue // it waits for its turn among its source's
			}
		}
		seen[o.Key] = true
		all = append(all, o)
	}
	return all, nil
}

// unburied yields the requests that no dead letter holds, the oldest first, each without
// what its events tell. It ends at the first error.
func (c *Client) unburied(ctx context.Context) iter.Seq2[Orphan, error] {
	return func(yield func(Orphan, error) bool) {
		// By sequence, each with when it was stored: a stream that was made again counts
		// anew.
		buried := map[uint64]time.Time{}
		for l, err := range c.Letters(ctx, LetterFilter{}) {
			if err != nil {
				yield(Orphan{}, err)
				return
			}
			if l.Stream == streams.Requests {
				buried[l.Sequence] = l.Stored
			}
		}
		for m, err := range c.walk(ctx, streams.Requests, jetstream.ConsumerConfig{HeadersOnly: true}) {
			var meta *jetstream.MsgMetadata
			if err == nil {
				meta, err = m.Metadata()
			}
			if err != nil {
				yield(Orphan{}, err)
				return
			}
			key, rest, err := contract.SplitSubject(m.Subject(), streams.RequestPrefix)
			if err != nil || rest != "" || buried[meta.Sequence.Stream].Equal(meta.Timestamp) {
				continue
			}
			if !yield(Orphan{Key: key, Sequence: meta.Sequence.Stream, Stored: meta.Timestamp.UTC()}, nil) {
				return
			}
		}
	}
}

// Recover says that somebody has looked at the orphans: services go on, and handle
// them again by their rules, which ask the events first. Where the records' stream is
// missing or empty beside events, it says in that stream, which it makes if need be,
// that they are lost; that needs the right to change streams. So does the stream of
// budgets that are lost, which it makes anew, with none in it.
func (c *Client) Recover(ctx context.Context, by string) error {
	ctx, done := c.rights.Watch(ctx, ".STREAM.", streams.RecoveryMark)
	defer done()
	in, err := streams.Survey(ctx, c.js)
	if err != nil {
		return streams.ExplainReadError(ctx, c.js, streams.Records, err)
	}
	id, err := in.Identity()
	if err != nil {
		return err
	}
	if in.Lost() != nil {
		meta := id.Metadata()
		if meta == nil {
			meta = map[string]string{}
		}
		meta[streams.MetaRecovered] = time.Now().UTC().Format(time.RFC3339)
		if in.Have[streams.Records] != nil {
			err = c.mark(ctx, streams.Records, meta)
		} else {
			replicas := 1
			if events := in.Have[streams.Events]; events != nil {
				replicas = events.Config.Replicas
			}
			cfg := streams.Core(replicas)[0]
			cfg.Metadata = meta
			_, err = c.js.CreateStream(ctx, cfg)
		}
		if err != nil {
			return fmt.Errorf("say in %s that the records are lost: %w", streams.Records, err)
		}
	}
	if err := c.forgetBudgets(ctx, id); err != nil {
		return fmt.Errorf("make %s anew: %w", streams.Budgets, err)
	}
	data, err := json.Marshal(journal.Recovery{Schema: 1, By: by})
	if err != nil {
		return err
	}
	_, err = c.js.Publish(ctx, streams.RecoveryMark, data)
	if missing := streams.Denied(ctx, c.js.Conn(), err); missing != nil {
		return fmt.Errorf("say that somebody has looked: %w", missing)
	}
	if err != nil {
		return fmt.Errorf("say that somebody has looked: %w", err)
	}
	return nil
}

// forgetBudgets makes the stream of budgets that are lost anew.
func (c *Client) forgetBudgets(ctx context.Context, id streams.Identity) error {
	lost := streams.LostBudgets(ctx, c.js)
	if lost == nil || !errors.As(lost, new(*loop.Refusal)) {
		return lost
	}
	records, err := c.js.Stream(ctx, streams.Records)
	if err != nil {
		return err
	}
	_, err = streams.Ensure(ctx, c.js, streams.OfBudgets(records.CachedInfo().Config.Replicas), id)
	if missing := streams.Denied(ctx, c.js.Conn(), err); missing != nil {
		return missing
	}
	return err
}
