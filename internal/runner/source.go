package runner

import "context"

type sourceKey struct{}

// WithSource is a context for calls to the gateway, which knows from it whose they are.
func WithSource(ctx context.Context, source string) context.Context {
	return context.WithValue(ctx, sourceKey{}, source)
}

// SourceOf is whose call it is; empty: nobody's in particular.
func SourceOf(ctx context.Context) string {
	source, _ := ctx.Value(sourceKey{}).(string)
	return source
}
