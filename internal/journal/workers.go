package journal

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/staffetta-io/staffetta/internal/runner"
)

// workers are those of a lane. One whose message waits long for somebody else steps
// aside: another worker takes its place, and it goes home once its message is done.
type workers struct {
	wait sync.WaitGroup
	room *room
	work <-chan *flight
	do   func(context.Context, *flight)
}

// room bounds how many are aside at the same time, over all lanes.
type room struct {
	taken atomic.Int64
	limit int64
}

func (r *room) enter() bool {
	if r.taken.Add(1) > r.limit {
		r.taken.Add(-1)
		return false
	}
	return true
}

func (r *room) leave() { r.taken.Add(-1) }

// start begins with n of them. They end when the channel is closed.
func (w *workers) start(ctx context.Context, n int) {
	for range n {
		w.wait.Go(func() {
			for f := range w.work {
				if w.replaced(ctx, f) {
					return
				}
			}
		})
	}
}

// replaced does one message, and says whether somebody has taken its worker's place.
func (w *workers) replaced(ctx context.Context, f *flight) bool {
	aside := false
	w.do(runner.WithAside(ctx, func() {
		if !aside && w.room.enter() {
			aside = true
			w.start(ctx, 1)
		}
	}), f)
	if aside {
		w.room.leave()
	}
	return aside
}
