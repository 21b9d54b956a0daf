package runner

import "context"

// A worker whose run waits for a long calculation has nothing to do meanwhile. Its
// place is another message's. One that waits for the gateway's rate keeps it: whoever
// took it would have to wait as well, with one more draft in hand.

type asideKey struct{}

// WithAside is a context for a handler, which calls aside, once or more and from its
// own goroutine, to give the place of its worker to another message. It goes on all
// the same.
func WithAside(ctx context.Context, aside func()) context.Context {
	return context.WithValue(ctx, asideKey{}, aside)
}

// CarryAside is ctx with what the other context says of its worker's place.
func CarryAside(ctx, other context.Context) context.Context {
	if aside, ok := other.Value(asideKey{}).(func()); ok {
		return WithAside(ctx, aside)
	}
	return ctx
}

// StepAside gives the place away, where there is one.
func StepAside(ctx context.Context) {
	if aside, ok := ctx.Value(asideKey{}).(func()); ok {
		aside()
	}
}
