package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A lifecycle remembers how to undo what was made, in the order of its making.
// Whoever makes something says so on the next line.
type lifecycle struct {
	mu    sync.Mutex
	steps []step
}

type step struct {
	name string
	undo func(context.Context) error
}

// stopWithin bounds the whole teardown. It is not the time for work in hand
// (that is Options.Grace), only for letting go.
const stopWithin = 10 * time.Second

func (l *lifecycle) onStop(name string, undo func(context.Context) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.steps = append(l.steps, step{name, undo})
}

// stop undoes everything, last made first, whatever fails on the way. A second
// call finds nothing left to do.
func (l *lifecycle) stop() error {
	l.mu.Lock()
	steps := l.steps
	l.steps = nil
	l.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	var errs []error
	for _, step := range slices.Backward(steps) {
		if err := step.undo(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", step.name, err))
		}
	}
	return errors.Join(errs...)
}

// closing makes an undo of what cannot fail.
func closing(f func()) func(context.Context) error {
	return func(context.Context) error { f(); return nil }
}
