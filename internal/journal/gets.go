package journal

import (
	"context"
	"errors"
	"iter"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Whoever is not trusted with the streams makes no consumer, for it delivers to any
// subject that it is told. People who may read walk a stream message by message
// instead: slower, and nothing is left behind at the server.

// mayNotConsume says that a walk failed because its consumer may not be made.
func mayNotConsume(ctx context.Context, err error) bool {
	missing := (*right)(nil)
	return errors.As(orDenied(ctx, err), &missing) && missing.verb == "publish"
}

// walkByGets yields the messages of a stream as [walk] does.
func walkByGets(ctx context.Context, js jetstream.JetStream, stream string, cfg jetstream.ConsumerConfig) iter.Seq2[jetstream.Msg, error] {
	return func(yield func(jetstream.Msg, error) bool) {
		s, err := js.Stream(ctx, stream)
		if err != nil {
			yield(nil, unread(ctx, js, stream, err))
			return
		}
		filter := cfg.FilterSubject
		if filter == "" {
			filter = ">"
		}
		// What is written during the walk is left for the next one.
		last := s.CachedInfo().State.LastSeq
		for seq := max(cfg.OptStartSeq, s.CachedInfo().State.FirstSeq, 1); seq <= last; seq++ {
			m, err := s.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(filter))
			if errors.Is(err, jetstream.ErrMsgNotFound) {
				return
			}
			if err != nil {
				yield(nil, unread(ctx, js, stream, err))
				return
			}
			if seq = m.Sequence; seq > last {
				return
			}
			if cfg.OptStartTime != nil && m.Time.Before(*cfg.OptStartTime) {
				continue
			}
			if !yield(&gotten{stream: stream, raw: m}, nil) {
				return
			}
		}
	}
}

// gotten is a message that nobody delivered, so there is nothing to acknowledge.
type gotten struct {
	jetstream.Msg // nil: what is not below is not there
	stream        string
	raw           *jetstream.RawStreamMsg
}

func (g *gotten) Subject() string      { return g.raw.Subject }
func (g *gotten) Data() []byte         { return g.raw.Data }
func (g *gotten) Headers() nats.Header { return g.raw.Header }

func (g *gotten) Metadata() (*jetstream.MsgMetadata, error) {
	return &jetstream.MsgMetadata{Stream: g.stream, Timestamp: g.raw.Time, Sequence: jetstream.SequencePair{Stream: g.raw.Sequence}}, nil
}
