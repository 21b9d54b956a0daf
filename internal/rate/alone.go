package rate

import (
	"slices"
	"sync"
	"time"
)

// Alone is the tokens of a process that shares its limits with nobody. It is [Tokens].
type Alone struct {
	born    time.Time
	timeout time.Duration

	mu      sync.Mutex
	windows []*window
	out     int // taken, not left
	flying  int // left, not answered
	free    func()
}

// NewAlone has all tokens of these limits, which are not both none. Timeout is how long
// after its leaving a request may still arrive.
func NewAlone(l Limits, timeout time.Duration) *Alone {
	a := &Alone{born: time.Now(), timeout: timeout, free: func() {}}
	for _, w := range []window{{limit: l.Second, span: second}, {limit: l.Minute, span: minute}} {
		if w.limit > 0 {
			a.windows = append(a.windows, &w)
		}
	}
	return a
}

// window is one limit, and when what was spent of it is free again, the earliest first.
type window struct {
	limit int
	span  time.Duration
	again []time.Duration
}

// in is how long no token is there if so many are in use.
func (w *window) in(now time.Duration, busy int) time.Duration {
	past := 0
	for past < len(w.again) && w.again[past] <= now {
		past++
	}
	w.again = w.again[past:]
	over := len(w.again) + busy - w.limit // so many, and one more, must be free first
	switch {
	case over < 0:
		return 0
	case over >= len(w.again):
		return Never
	}
	return w.again[over] - now
}

func (w *window) spend(at time.Duration) {
	at += w.span
	i := len(w.again)
	for i > 0 && w.again[i-1] > at {
		i--
	}
	w.again = slices.Insert(w.again, i, at)
}

func (a *Alone) Take() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.in() > 0 {
		return false
	}
	a.out++
	return true
}

func (a *Alone) In() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.in()
}

func (a *Alone) in() (d time.Duration) {
	for _, w := range a.windows {
		d = max(d, w.in(time.Since(a.born), a.out+a.flying))
	}
	return d
}

// Want changes nothing: nobody else is there.
func (a *Alone) Want([Classes]int) {}

func (a *Alone) Back() { a.change(func() { a.out-- }) }

func (a *Alone) Leave() bool {
	a.change(func() { a.out--; a.flying++ })
	return true
}

func (a *Alone) Answered() { a.spend(0) }

func (a *Alone) Unanswered(ago time.Duration) { a.spend(max(a.timeout-ago, 0)) }

func (a *Alone) spend(in time.Duration) {
	a.change(func() {
		a.flying--
		for _, w := range a.windows {
			w.spend(time.Since(a.born) + in)
		}
	})
}

func (a *Alone) change(do func()) {
	a.mu.Lock()
	do()
	free := a.free
	a.mu.Unlock()
	free()
}

// Heard changes nothing: whoever shares with nobody believes what it was told.
func (a *Alone) Heard(int, int, time.Duration) {}

func (a *Alone) OnFree(f func()) { a.free = f }

// Out is how many are taken and have not left; Counted how many count in the longest
// window.
func (a *Alone) Out() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.out
}

// Counted is how many requests count in the longest window, those under way included.
func (a *Alone) Counted() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.windows[len(a.windows)-1]
	w.in(time.Since(a.born), 0)
	return len(w.again) + a.flying
}
