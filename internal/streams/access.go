package streams

import (
	"context"
	"iter"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Access is how somebody reaches JetStream: the service, or a user who may lack a right.
type Access struct {
	JS     jetstream.JetStream
	Rights *Rights // nil: it is the service
}

// OwnAccess is that of the service, on a connection made with [Connect].
func OwnAccess(nc *nats.Conn) (Access, error) {
	js, err := JetStream(nc)
	return Access{JS: js}, err
}

// write is [Write] for somebody who may lack the right to it: no answer comes then, and
// the connection alone is told why.
func (a Access) write(ctx context.Context, m *nats.Msg, last uint64) (uint64, error) {
	if a.Rights == nil {
		return Write(ctx, a.JS.Conn(), m, last, AnswerWithin)
	}
	ctx, done := a.Rights.Watch(ctx, m.Subject)
	defer done()
	ctx, cancel := context.WithTimeout(ctx, AnswerWithin)
	defer cancel()
	ack, err := a.JS.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(last), NoRetry())
	if err != nil {
		return 0, OrDenied(ctx, err)
	}
	return ack.Sequence, nil
}

// Walk is [Walk] for somebody who may lack the right to it.
func (a Access) Walk(ctx context.Context, stream string, cfg jetstream.ConsumerConfig) iter.Seq2[jetstream.Msg, error] {
	if a.Rights == nil {
		return Walk(ctx, a.JS, stream, cfg)
	}
	return func(yield func(jetstream.Msg, error) bool) {
		heeding, done := a.Rights.Watch(ctx, stream)
		defer done()
		first, refused := true, error(nil)
		for m, err := range Walk(heeding, a.JS, stream, cfg) {
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
		heeding, done = a.Rights.Watch(ctx, stream)
		defer done()
		for m, err := range walkDirect(heeding, a.JS, stream, cfg) {
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
