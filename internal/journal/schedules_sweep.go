package journal

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Sweep is the second net under the timers of schedules: until ctx ends it
// looks, every ten minutes or so, for schedules that should have been looked
// at and were not, and wakes them. It decides nothing.
func (s *Schedules) Sweep(ctx context.Context) {
	pause := 30*time.Second + rand.N(time.Minute)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		woken, err := s.SweepOnce(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.j.Log.Warn("sweep of the schedules", "error", err)
		case woken > 0:
			s.j.Log.Warn("sweep woke schedules that had been forgotten", "schedules", woken)
		}
		pause = sweepEvery*3/4 + rand.N(sweepEvery/2)
	}
}

// SweepOnce is one sweep. It returns how many schedules were woken. It reads
// headers only.
func (s *Schedules) SweepOnce(ctx context.Context) (woken int, err error) {
	seen := 0
	for m, err := range walk(ctx, s.j.js, StreamSchedules, jetstream.ConsumerConfig{HeadersOnly: true}) {
		if err != nil {
			return woken, err
		}
		seen++
		if err := pace(ctx, seen%walkBatch == 0); err != nil {
			return woken, err
		}
		text := m.Headers().Get(headerWake)
		wake, err := time.Parse(time.RFC3339Nano, text)
		if err != nil || time.Since(wake) < s.j.Overdue {
			continue // it rests, or is not due
		}
		name := strings.TrimPrefix(m.Subject(), schedulePrefix)
		up := nats.NewMsg(scheduleWakeupPrefix + name)
		if _, err := s.j.js.PublishMsg(ctx, up, jetstream.WithMsgID("overdue-"+name+"-"+text), jetstream.WithMsgTTL(wakeupLife)); err != nil {
			return woken, fmt.Errorf("wake schedule %s: %w", name, err)
		}
		woken++
	}
	return woken, nil
}
