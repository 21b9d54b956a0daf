package streams

import (
	"context"
	"errors"
	"iter"
	"math"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Whoever is not trusted with the streams makes no consumer, for it delivers to any
// subject that it is told. People who may read walk a stream message by message
// instead: slower, and nothing is left behind at the server.

// mayNotConsume says that a walk failed because its consumer may not be made.
func mayNotConsume(ctx context.Context, err error) bool {
	missing := (*Right)(nil)
	return errors.As(OrDenied(ctx, err), &missing) && missing.Verb == "publish"
}

// walkDirect yields the messages of a stream as [Walk] does.
func walkDirect(ctx context.Context, js jetstream.JetStream, stream string, cfg jetstream.ConsumerConfig) iter.Seq2[jetstream.Msg, error] {
	return func(yield func(jetstream.Msg, error) bool) {
		s, err := js.Stream(ctx, stream)
		if err != nil {
			yield(nil, ExplainReadError(ctx, js, stream, err))
			return
		}
		filter := cfg.FilterSubject
		if filter == "" {
			filter = ">"
		}
		// What is written during the walk is left for the next one, but for records, which
		// move when they are saved: those that were not reached yet lie behind the end.
		last, rounds := s.CachedInfo().State.LastSeq, 1
		for seq := max(cfg.OptStartSeq, s.CachedInfo().State.FirstSeq, 1); seq <= last || moves(stream); seq++ {
			m, err := s.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(filter))
			if errors.Is(err, jetstream.ErrMsgNotFound) {
				return
			}
			if err != nil {
				yield(nil, ExplainReadError(ctx, js, stream, err))
				return
			}
			if seq = m.Sequence; seq > last {
				if !moves(stream) || rounds == maxRounds {
					return
				}
				info, err := s.Info(ctx)
				if err != nil {
					yield(nil, ExplainReadError(ctx, js, stream, err))
					return
				}
				last, rounds = max(info.State.LastSeq, seq), rounds+1
			}
			if cfg.OptStartTime != nil && m.Time.Before(*cfg.OptStartTime) {
				continue
			}
			if !yield(&directMessage{stream: stream, raw: m}, nil) {
				return
			}
		}
	}
}

// directMessage is a message that nobody delivered, so there is nothing to acknowledge.
type directMessage struct {
	jetstream.Msg // nil: what is not below is not there
	stream        string
	raw           *jetstream.RawStreamMsg
}

func (g *directMessage) Subject() string      { return g.raw.Subject }
func (g *directMessage) Data() []byte         { return g.raw.Data }
func (g *directMessage) Headers() nats.Header { return g.raw.Header }

func (g *directMessage) Metadata() (*jetstream.MsgMetadata, error) {
	// Nobody counts what lies behind it.
	return &jetstream.MsgMetadata{Stream: g.stream, Timestamp: g.raw.Time, Sequence: jetstream.SequencePair{Stream: g.raw.Sequence}, NumPending: math.MaxUint64 - 1}, nil
}
