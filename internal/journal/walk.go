package journal

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// walkBatch is how many messages are asked for at once, of headers alone (one more than
// fit on a page of answers, by which it is known that there are more) and with their
// payloads, which may be large.
const walkBatch, walkWhole = 2501, 256

// walk is the walk of somebody who may lack the right to it.
func (c *Client) walk(ctx context.Context, stream string, cfg jetstream.ConsumerConfig) iter.Seq2[jetstream.Msg, error] {
	return func(yield func(jetstream.Msg, error) bool) {
		heeding, done := c.rights.heed(ctx, stream)
		defer done()
		first, refused := true, error(nil)
		for m, err := range walk(heeding, c.js, stream, cfg) {
			if first && err != nil && mayNotConsume(heeding, err) {
				refused = err
				break
			}
			first = false
			if !yield(m, err) {
				return
			}
		}
		if refused == nil {
			return
		}
		heeding, done = c.rights.heed(ctx, stream)
		defer done()
		for m, err := range walkByGets(heeding, c.js, stream, cfg) {
			if first && err != nil && mayNotConsume(heeding, err) {
				err = refused // neither way
			}
			first = false
			if !yield(m, err) {
				return
			}
		}
	}
}

// behind is a walk that begins behind a sequence; zero: at the start.
func behind(sequence uint64) (cfg jetstream.ConsumerConfig) {
	if sequence > 0 {
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, sequence+1
	}
	return cfg
}

// walk yields the messages that a stream holds now, in order, and then ends.
// It reads in small batches through a consumer of its own, which the server
// forgets when the walk stops.
func walk(ctx context.Context, js jetstream.JetStream, stream string, cfg jetstream.ConsumerConfig) iter.Seq2[jetstream.Msg, error] {
	return func(yield func(jetstream.Msg, error) bool) {
		cfg.AckPolicy = jetstream.AckNonePolicy
		cfg.MemoryStorage = true
		cfg.InactiveThreshold = time.Minute
		cfg.Replicas = 1
		cons, err := js.CreateConsumer(ctx, stream, cfg)
		if err != nil {
			yield(nil, unread(ctx, js, stream, err))
			return
		}
		info := cons.CachedInfo()
		defer js.DeleteConsumer(context.WithoutCancel(ctx), stream, info.Name)
		// What is written during the walk is left for the next one.
		batch := uint64(walkWhole)
		if cfg.HeadersOnly {
			batch = walkBatch
		}
		for left, idle := info.NumPending, 0; left > 0; {
			asked := min(left, batch)
			got, err := uint64(0), error(nil)
			for m, e := range fetch(ctx, cons, int(asked)) {
				if err = e; err != nil {
					break
				}
				got++
				if !yield(m, nil) {
					return
				}
				if meta, e := m.Metadata(); e == nil && meta.NumPending == 0 {
					return // so was the rest of it, if there should have been more
				}
			}
			if err == nil {
				err = ctx.Err()
			}
			if left -= got; err == nil && got < asked {
				// The rest was overwritten or has expired, or the server is slow.
				// Only it can say which: a walk that ends early tells a lie.
				idle++
				if info, err = cons.Info(ctx); err == nil && info.NumPending == 0 {
					return
				}
				if err == nil && idle > maxIdle {
					err = fmt.Errorf("%d messages are there and do not come: %w", info.NumPending, context.DeadlineExceeded)
				}
			}
			if err != nil {
				yield(nil, unread(ctx, js, stream, err))
				return
			}
		}
	}
}

const (
	// fetchWait is how long the server may take for a batch. Looking for the
	// first message of a subject in a million takes it seconds.
	fetchWait = 5 * time.Second
	// maxIdle is how many batches may stay incomplete in one walk.
	maxIdle = 10
)

// fetch yields what is there of a batch. In a cluster a consumer may be known
// before it can be reached.
func fetch(ctx context.Context, cons jetstream.Consumer, n int) iter.Seq2[jetstream.Msg, error] {
	return func(yield func(jetstream.Msg, error) bool) {
		for try := 0; ; try++ {
			// Not FetchNoWait: the client gives that up after a second, says
			// nothing, and what comes later is lost.
			batch, err := cons.Fetch(n, jetstream.FetchMaxWait(fetchWait))
			if err != nil {
				yield(nil, err)
				return
			}
			for more := true; more; {
				var m jetstream.Msg
				select {
				case m, more = <-batch.Messages():
				case <-ctx.Done():
					yield(nil, ctx.Err())
					return
				}
				if more && !yield(m, nil) {
					return
				}
			}
			err = batch.Error()
			if err == nil {
				return
			}
			if !errors.Is(err, nats.ErrNoResponders) || try == 20 || ctx.Err() != nil {
				yield(nil, err)
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
}
