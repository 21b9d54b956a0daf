package journal

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// bury writes the dead letter of a message and returns when it is stored. Only
// then may the message be terminated: after a crash in between it comes back, and
// its letter is found. Two who write it at once are told apart by the stream, which
// drops the second one by its id. again says that it may have one already.
func (j *Journal) bury(ctx context.Context, m jetstream.Msg, meta *jetstream.MsgMetadata, again bool, v loop.Verdict) error {
	subject, h, data := m.Subject(), m.Headers(), m.Data()
	if asks := h.Get(headerResend); asks != "" {
		// The sweep's wish says nothing; what cannot be acted on is the request. By
		// its letter the next sweep knows that it is done with.
		switch request, err := j.intake.resent(ctx, asks); {
		case err == nil:
			subject, h, data = request.Subject, request.Header, request.Data
			meta = &jetstream.MsgMetadata{Stream: streams.Requests, Timestamp: request.Time}
			meta.Sequence.Stream, again = request.Sequence, true
		case !errors.As(err, new(*contract.Unreadable)) && !errors.Is(err, jetstream.ErrMsgNotFound):
			return fmt.Errorf("dead letter of %s: %w", subject, err)
		}
	}
	if again {
		if written, err := j.hasLetter(ctx, subject, meta); err != nil || written {
			return err
		}
	}
	e := contract.DeadLetter(subject, h, data, contract.Origin{Stream: meta.Stream, Sequence: meta.Sequence.Stream, Stored: meta.Timestamp}, v)
	letter := streams.NewMsg(e.Subject, e.Header, e.Data)
	err := j.repeat(ctx, func(within time.Duration) error {
		ctx, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		_, err := j.js.PublishMsg(ctx, letter, streams.NoRetry())
		return err
	})
	if err != nil {
		return fmt.Errorf("dead letter of %s: %w", subject, err)
	}
	return nil
}

// hasLetter says that a message became a dead letter before. A walk may be led by a replica
// that is behind: it must have come as far as the last letter that the leader knows.
func (j *Journal) hasLetter(ctx context.Context, subject string, meta *jetstream.MsgMetadata) (bool, error) {
	trouble := func(err error) (bool, error) { return false, fmt.Errorf("dead letters of %s: %w", subject, err) }
	filed := contract.DeadSubject(subject)
	from := meta.Timestamp.Add(-streams.LookBack) // the letters' leader may have another clock
	last, err := streams.AskLeader(ctx, j.nc, streams.DeadLetters, filed)
	if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && last.Time.Before(from) {
		return false, nil
	}
	if err != nil {
		return trouble(err)
	}
	reached := false
	for l, err := range walkLetters(ctx, j.js, jetstream.ConsumerConfig{
		FilterSubject: filed, DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &from,
	}) {
		if err != nil {
			return trouble(err)
		}
		if l.Stream == meta.Stream && l.Sequence == meta.Sequence.Stream && l.Stored.Equal(meta.Timestamp) {
			return true, nil
		}
		reached = reached || l.ID >= last.Sequence
	}
	if !reached {
		return trouble(fmt.Errorf("letter %d is there, and was not among them", last.Sequence))
	}
	return false, nil
}

// walkLetters yields letters without their payloads, and ends at the first error.
func walkLetters(ctx context.Context, js jetstream.JetStream, cfg jetstream.ConsumerConfig) iter.Seq2[contract.Letter, error] {
	cfg.HeadersOnly = true
	return Letters(streams.Walk(ctx, js, streams.DeadLetters, cfg))
}

// Letters reads what a walk of the dead letters yields, without payloads. It ends at the
// first error.
func Letters(walk iter.Seq2[jetstream.Msg, error]) iter.Seq2[contract.Letter, error] {
	return func(yield func(contract.Letter, error) bool) {
		for m, err := range walk {
			var l contract.Letter
			if err == nil {
				var meta *jetstream.MsgMetadata
				if meta, err = m.Metadata(); err == nil {
					l = contract.LetterOf(m.Subject(), m.Headers(), nil, meta.Sequence.Stream, meta.Timestamp)
				}
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
	}
}
