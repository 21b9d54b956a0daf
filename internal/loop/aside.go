package loop

import (
	"context"
	"time"
)

// A worker whose run waits for a long calculation has nothing to do meanwhile, so it
// takes another message. A worker that waits for the gateway's rate limit takes none:
// the other message would have to wait as well, with one more draft made.

// longWait is how long a worker waits before it lets another one take its place. Another
// worker is a new goroutine, whose stack has to grow, and one more draft in hand: that
// costs more than most calculations take. And in a tenth of a second the vendor's rate
// lets only five calls leave, so until then a worker that waits holds up hardly anybody.
const longWait = 100 * time.Millisecond

type asideKey struct{}

// WithAside is a context for a handler, which lets its worker take another message with
// [StepAside]. aside may be called at any time, from any goroutine and more than once.
// The handler itself goes on.
func WithAside(ctx context.Context, aside func()) context.Context {
	return context.WithValue(ctx, asideKey{}, aside)
}

// StepAside begins to wait. If the wait is long, and ctx has an aside, the worker takes
// another message. The wait is over once back is called.
func StepAside(ctx context.Context) (back func()) {
	aside, ok := ctx.Value(asideKey{}).(func())
	if !ok {
		return func() {}
	}
	long := time.AfterFunc(longWait, aside)
	return func() { long.Stop() }
}
