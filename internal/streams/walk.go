package streams

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// WalkBatch is how many messages are asked for at once, of headers alone (one more than
// fit on a page of answers, by which it is known that there are more) and with their
// payloads, which may be large.
const WalkBatch, walkWhole = 2501, 256

// Behind is a walk that begins behind a sequence; zero: at the start.
func Behind(sequence uint64) (cfg jetstream.ConsumerConfig) {
	if sequence > 0 {
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, sequence+1
	}
	return cfg
}

// Walk yields the messages that a stream holds now, in order, and then ends.
// It reads in small batches through a consumer of its own, which the server
// forgets when the walk stops. A record that is saved during the walk moves to the end
// of its stream: it is yielded there, perhaps for the second time, and never left out.
func Walk(ctx context.Context, js jetstream.JetStream, stream string, cfg jetstream.ConsumerConfig) iter.Seq2[jetstream.Msg, error] {
	return func(yield func(jetstream.Msg, error) bool) {
		cons, forget, err := passing(ctx, js, stream, cfg)
		if err != nil {
			yield(nil, ExplainReadError(ctx, js, stream, err))
			return
		}
		defer forget()
		w := &walk{js: js, stream: stream, cfg: cfg, cons: cons, at: cons.CachedInfo().Delivered.Stream, idle: maxIdle}
		left := cons.CachedInfo().NumPending
		for range maxRounds {
			goOn, err := w.round(ctx, left, yield)
			if err == nil && goOn {
				left, err = w.moved(ctx)
			}
			if err != nil {
				yield(nil, ExplainReadError(ctx, js, stream, err))
			}
			if err != nil || !goOn || left == 0 {
				return
			}
		}
	}
}

// passing makes a consumer for one look, and says how it is forgotten.
func passing(ctx context.Context, js jetstream.JetStream, stream string, cfg jetstream.ConsumerConfig) (_ jetstream.Consumer, forget func(), err error) {
	cfg.AckPolicy = jetstream.AckNonePolicy
	cfg.MemoryStorage = true
	cfg.InactiveThreshold = time.Minute
	cfg.Replicas = 1
	cons, err := js.CreateConsumer(ctx, stream, cfg)
	if err != nil {
		return nil, nil, err
	}
	return cons, func() {
		//lint:ignore errcheck the server forgets it by itself after InactiveThreshold
		js.DeleteConsumer(context.WithoutCancel(ctx), stream, cons.CachedInfo().Name)
	}, nil
}

// moves says whether a stream is a bucket: its records are saved again, and then lie at
// its end.
func moves(stream string) bool { return strings.HasPrefix(stream, "KV_") }

// maxRounds is how often a walk goes after records that were saved meanwhile. Each round
// is as much shorter than the one before as reading is faster than saving.
const maxRounds = 8

// walk is a walk under way.
type walk struct {
	js     jetstream.JetStream
	stream string
	cfg    jetstream.ConsumerConfig
	cons   jetstream.Consumer
	at     uint64 // sequence of the last message that was delivered, or of where the walk begins
	idle   int    // how many more batches may stay incomplete
}

// round yields so many messages, or as many of them as are still there; false: the
// caller wants no more.
func (w *walk) round(ctx context.Context, left uint64, yield func(jetstream.Msg, error) bool) (bool, error) {
	batch := uint64(walkWhole)
	if w.cfg.HeadersOnly {
		batch = WalkBatch
	}
	for left > 0 {
		asked, got := min(left, batch), uint64(0)
		for m, err := range fetch(ctx, w.cons, int(asked)) {
			if err != nil {
				return false, err
			}
			got++
			meta, err := m.Metadata()
			if err == nil {
				w.at = meta.Sequence.Stream
			}
			if !yield(m, nil) {
				return false, nil
			}
			if err == nil && meta.NumPending == 0 {
				return true, nil // so was the rest of it, if there should have been more
			}
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if left -= got; got < asked {
			// The rest was overwritten or has expired, or the server is slow.
			// Only it can say which: a walk that ends early tells a lie.
			info, err := w.cons.Info(ctx)
			if err != nil {
				return false, err
			}
			if info.NumPending == 0 {
				return true, nil
			}
			if w.idle--; w.idle < 0 {
				return false, fmt.Errorf("%d messages are there and do not come: %w", info.NumPending, context.DeadlineExceeded)
			}
		}
	}
	return true, nil
}

// moved is how many records were saved during the walk. Those that the walk had not
// reached yet lie there and nowhere else. Where messages never move, what is written
// during the walk is left for the next one.
func (w *walk) moved(ctx context.Context) (uint64, error) {
	if !moves(w.stream) {
		return 0, nil
	}
	// The consumer's own count says for a moment that a record that moves is nowhere:
	// what is removed is counted at once, and what is added when a signal comes. The
	// stream itself has the new one before it loses the old one.
	s, err := w.js.Stream(ctx, w.stream)
	if err != nil {
		return 0, err
	}
	filter := w.cfg.FilterSubject
	if filter == "" {
		filter = ">"
	}
	_, err = s.GetMsg(ctx, w.at+1, jetstream.WithGetMsgSubject(filter))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	info, err := w.cons.Info(ctx)
	if err != nil {
		return 0, err
	}
	return max(info.NumPending, 1), nil
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

// LookBack is how far back is looked where something may have been lost, or stored
// under another clock: a server that lost power may have lost the newest messages, and
// it is more than the clocks of two servers differ by.
const LookBack = time.Hour
