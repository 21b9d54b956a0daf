package app

import (
	"context"
	"errors"
	"slices"
	"testing"
)

func TestLifecycle(t *testing.T) {
	t.Parallel()
	t.Run("UndoesTheLastMadeFirstWhateverFails", func(t *testing.T) {
		t.Parallel()
		var l lifecycle
		var done []string
		trouble := errors.New("it is stuck")
		for _, name := range []string{"handlers", "NATS", "HTTP"} {
			l.onStop(name, func(context.Context) error {
				done = append(done, name)
				if name == "NATS" {
					return trouble
				}
				return nil
			})
		}
		err := l.stop()
		if !errors.Is(err, trouble) || err.Error() != "stop NATS: it is stuck" {
			t.Errorf("got %v", err)
		}
		if want := []string{"HTTP", "NATS", "handlers"}; !slices.Equal(done, want) {
			t.Errorf("undone in the order %v, want %v", done, want)
		}
	})
	t.Run("HasNothingToDoTheSecondTime", func(t *testing.T) {
		t.Parallel()
		var l lifecycle
		n := 0
		l.onStop("once", closing(func() { n++ }))
		if err := errors.Join(l.stop(), l.stop()); err != nil || n != 1 {
			t.Errorf("undone %d times, %v", n, err)
		}
	})
}
