package loop_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/staffetta-io/staffetta/internal/loop"
)

// Only who waits long gives its place to somebody else.
func TestStepAside(t *testing.T) {
	for _, test := range []struct {
		name  string
		waits time.Duration
		want  int32
	}{
		{"Short", 50 * time.Millisecond, 0},
		{"Long", time.Second, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var aside atomic.Int32
				back := loop.StepAside(loop.WithAside(context.Background(), func() { aside.Add(1) }))
				time.Sleep(test.waits)
				back()
				time.Sleep(time.Minute) // what was not begun by now never is
				if n := aside.Load(); n != test.want {
					t.Errorf("stepped aside %d times after %s, want %d", n, test.waits, test.want)
				}
			})
		})
	}
}

// A handler that no worker runs has nobody to give its place to.
func TestStepAsideWithoutAWorker(t *testing.T) { loop.StepAside(context.Background())() }
