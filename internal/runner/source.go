package runner

import "context"

type sourceKey struct{}

// WithSource is a context for calls to the gateway. The gateway's client learns from it
// for which source a call is made.
func WithSource(ctx context.Context, source string) context.Context {
	return context.WithValue(ctx, sourceKey{}, source)
}

// SourceOf is the source for which a call is made; empty: for none in particular.
func SourceOf(ctx context.Context) string {
	source, _ := ctx.Value(sourceKey{}).(string)
	return source
}

type lastKey struct{}

// WithLast is a context for calls to the gateway that go after all others: nobody's
// campaign waits for them.
func WithLast(ctx context.Context) context.Context {
	return context.WithValue(ctx, lastKey{}, true)
}

// IsLast says that a call goes after all others.
func IsLast(ctx context.Context) bool {
	last, _ := ctx.Value(lastKey{}).(bool)
	return last
}
