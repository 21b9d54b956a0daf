package sandbox

import (
	"fmt"
	"sort"
	"sync"
	"time"
)

// maxSpeed keeps the arithmetic of durations far from its edges.
const maxSpeed = 1_000_000

// A timeline is the sandbox's time: the clock, moved ahead where somebody asked
// for it, and beside it the simulated time of sending, which runs at its own
// speed. Progress is worked out from it on demand; nothing ticks.
type timeline struct {
	mu    sync.RWMutex
	clock func() time.Time
	ahead time.Duration
	// segments are the points at which the speed changed, in order; never empty.
	segments []segment
}

// A bend says: at this instant so much simulated time had passed, and from here
// on it runs at this speed.
type segment struct {
	at    time.Time
	work  time.Duration
	speed float64
}

func (b segment) workAt(at time.Time) time.Duration {
	return b.work + time.Duration(float64(at.Sub(b.at))*b.speed)
}

func (t *timeline) reset(clock func() time.Time, speed float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clock, t.ahead = clock, 0
	t.segments = []segment{{at: t.read(), speed: speed}}
}

// read strips the monotonic reading: instants are compared with dates that came
// over the wire.
func (t *timeline) read() time.Time { return t.clock().Round(0).UTC().Add(t.ahead) }

func (t *timeline) now() time.Time {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.read()
}

// work is the simulated time of sending that has passed at an instant.
func (t *timeline) work(at time.Time) time.Duration {
	t.mu.RLock()
	defer t.mu.RUnlock()
	i := sort.Search(len(t.segments), func(i int) bool { return t.segments[i].at.After(at) })
	return t.segments[max(i-1, 0)].workAt(at)
}

// when is the instant at which so much simulated time has passed, the reverse of
// work.
func (t *timeline) when(work time.Duration) time.Time {
	t.mu.RLock()
	defer t.mu.RUnlock()
	i := sort.Search(len(t.segments), func(i int) bool { return t.segments[i].work > work })
	b := t.segments[max(i-1, 0)]
	return b.at.Add(time.Duration(float64(work-b.work) / b.speed))
}

// advance moves the clock ahead, and with it sending, by the same simulated time.
func (t *timeline) advance(d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("advance by %v: time does not go back", d)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	last := t.segments[len(t.segments)-1]
	from := t.read()
	t.ahead += d
	t.segments = append(t.segments,
		segment{at: from, work: last.workAt(from), speed: 1},
		segment{at: from.Add(d), work: last.workAt(from) + d, speed: last.speed})
	return nil
}

func (t *timeline) setSpeed(speed float64) error {
	if !(speed > 0) || speed > maxSpeed {
		return fmt.Errorf("speed %v is not between 0 and %v", speed, float64(maxSpeed))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.read()
	t.segments = append(t.segments, segment{at: now, work: t.segments[len(t.segments)-1].workAt(now), speed: speed})
	return nil
}

func (t *timeline) speed() float64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.segments[len(t.segments)-1].speed
}

// Now is the sandbox's time: the clock, and what it was advanced by.
func (s *Sandbox) Now() time.Time { return s.time.now() }

// Advance moves the sandbox's time ahead, and sending with it by as much
// simulated time. It fails if d is negative.
func (s *Sandbox) Advance(d time.Duration) error { return s.time.advance(d) }

// SetSpeed changes the speed of sending from now on; see Options.Speed.
func (s *Sandbox) SetSpeed(speed float64) error { return s.time.setSpeed(speed) }
