package tracing

import (
	"context"
	"crypto/sha256"
	"fmt"

	"go.opentelemetry.io/otel/trace"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// digest is what an id is made of: the same words give the same id, everywhere.
func digest(key campaign.Key, words ...any) [sha256.Size]byte {
	return sha256.Sum256([]byte("staffetta " + key.String() + " " + fmt.Sprint(words...)))
}

func spanID(key campaign.Key, words ...any) (id trace.SpanID) {
	d := digest(key, words...)
	copy(id[:], d[:])
	return id
}

// story is the traces of one campaign: the first is its producer's, and after each long
// wait another one begins. Each knows the one before and the one behind.
type story struct {
	key      campaign.Key
	producer trace.SpanContext // not valid: the request came without one
}

// storyOf reads a W3C traceparent. What is none is taken for no trace.
func storyOf(key campaign.Key, traceparent string) story {
	return story{key, parse(traceparent)}
}

// leg is one of the traces.
func (s story) leg(n int) (id trace.TraceID) {
	if n == 0 && s.producer.IsValid() {
		return s.producer.TraceID()
	}
	d := digest(s.key, "trace", n)
	copy(id[:], d[:])
	return id
}

// root is the span with which a leg begins, and from which all others of it come.
func (s story) root(n int) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: s.leg(n), SpanID: spanID(s.key, "leg", n), TraceFlags: trace.FlagsSampled, Remote: true})
}

// ids hands out those that a span was given, by its context.
type ids struct{}

type given struct {
	trace trace.TraceID
	span  trace.SpanID
}

type givenKey struct{}

func withIDs(ctx context.Context, g given) context.Context {
	return context.WithValue(ctx, givenKey{}, g)
}

func (ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	g, _ := ctx.Value(givenKey{}).(given)
	return g.trace, g.span
}

func (ids) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	g, _ := ctx.Value(givenKey{}).(given)
	return g.span
}
