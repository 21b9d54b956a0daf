package journal

import (
	"context"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/streams"
)

// sweep is the second net under the timers of schedules, see [Journal.Sweep].
func (s *Schedules) sweep(ctx context.Context, pause func() error) (done, error) {
	woken, err := s.wakeOverdue(ctx, pause)
	if err == nil && woken > 0 {
		s.j.options.Log.Warn("sweep woke schedules that had been forgotten", "schedules", woken)
	}
	return done{}, err
}

// wakeOverdue looks for schedules that should have been looked at and were not, and
// wakes them. It decides nothing. It returns how many they were. It reads headers only.
func (s *Schedules) wakeOverdue(ctx context.Context, pause func() error) (woken int, err error) {
	for r, err := range s.records.Walk(ctx, jetstream.ConsumerConfig{HeadersOnly: true}) {
		if err != nil {
			return woken, err
		}
		if err := pause(); err != nil {
			return woken, err
		}
		since, late := overdue(r.Header)
		if late < s.j.options.Overdue {
			continue
		}
		name := strings.TrimPrefix(r.Subject, streams.SchedulePrefix)
		if err := s.waker.wake(ctx, name, "overdue-"+name+"-"+since, nil); err != nil {
			return woken, fmt.Errorf("wake schedule %s: %w", name, err)
		}
		woken++
	}
	return woken, nil
}
