package app

import (
	"sync"
	"time"
)

// flights are the wake-ups being handled, by when they were begun. The oldest
// one says what their number does not: whether one of them is stuck.
type flights struct {
	mu    sync.Mutex
	last  uint64
	begun map[uint64]time.Time
}

func (f *flights) takeOff() (id uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.begun == nil {
		f.begun = map[uint64]time.Time{}
	}
	f.last++
	f.begun[f.last] = time.Now()
	return f.last
}

func (f *flights) land(id uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.begun, id)
}

func (f *flights) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.begun)
}

// oldest is for how long the oldest one has been in the air; zero if none is.
func (f *flights) oldest() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	var most time.Duration
	for _, begun := range f.begun {
		most = max(most, time.Since(begun))
	}
	return most
}
