package rate

import "time"

// Clock knows between which two instants the server's time lies, whatever the clocks of
// this machine say. What was written here has been dated by the server, after it was
// sent; what was read has been dated before it came. More is not needed: what must not be
// too early counts by the later instant, what must not be too late by the earlier one.
//
// Of this machine only the passing of time is believed, and of that only what both of its
// clocks agree on: one stands still while the machine sleeps, the other is set.
// It is not safe for concurrent use.
type Clock struct {
	read func() (steady, wall time.Duration)

	lastSteady, lastWall time.Duration
	least, most          time.Duration // what the two agree has passed, and what one says
	slow, fast           time.Duration // the same, with the drift

	known     bool
	low, high time.Duration // the server's time minus slow, and minus fast
	sampledAt time.Duration // fast, when both bounds were last learnt
}

// setBack is by how much a clock must have lost to have been set, and asleep how long the
// machine may have slept when it was.
const (
	setBack = time.Second
	asleep  = 2 * time.Minute
)

// drift is how far a clock may be wrong about the passing of time: by one part in this
// many.
const drift = 2000

// machine reads the clocks of this machine.
func machine() func() (steady, wall time.Duration) {
	born := time.Now()
	return func() (time.Duration, time.Duration) {
		now := time.Now()
		return now.Sub(born), now.Round(0).Sub(born.Round(0))
	}
}

func newClock(read func() (steady, wall time.Duration)) *Clock {
	c := &Clock{read: read}
	c.lastSteady, c.lastWall = read()
	return c
}

// tick counts what has passed since it was called last.
func (c *Clock) tick() {
	steady, wall := c.read()
	a, b := max(steady-c.lastSteady, 0), wall-c.lastWall
	if b < a-setBack {
		// It was set, and the machine may have slept before: nobody knows for how long.
		b = a + asleep
	}
	c.lastSteady, c.lastWall = steady, wall
	c.least, c.most = c.least+min(a, max(b, 0)), c.most+max(a, b)
	c.slow, c.fast = c.least-c.least/drift, c.most+c.most/drift
}

// now is the server's time: not before low, not after high.
func (c *Clock) now() (low, high time.Duration) {
	c.tick()
	return c.low + c.slow, c.high + c.fast
}

// instant is one moment of this machine.
type instant struct{ slow, fast time.Duration }

func (c *Clock) instant() instant {
	c.tick()
	return instant{c.slow, c.fast}
}

// learn takes what the server dated: not before the first instant, and not after the
// second. False: that cannot be, so the server's clock is another one than it was.
func (c *Clock) learn(before, after instant, dated time.Duration) bool {
	c.tick()
	high, low := dated-before.fast, dated-after.slow
	if !c.known {
		c.known, c.low, c.high, c.sampledAt = true, low, high, c.fast
		return true
	}
	same := max(c.low, low)+c.slow <= min(c.high, high)+c.fast
	if same {
		low, high = max(c.low, low), min(c.high, high)
	}
	c.low, c.high, c.sampledAt = low, high, c.fast
	return same
}

// hear takes what the server had dated before this instant: its time is not earlier.
func (c *Clock) hear(after instant, dated time.Duration) bool {
	c.tick()
	if !c.known {
		return true
	}
	c.low = max(c.low, dated-after.slow)
	if c.low+c.slow <= c.high+c.fast {
		return true
	}
	// How late it is at most is not known any more: what is held lapses, and what is
	// spent counts for long, until it is learnt anew.
	c.high, c.sampledAt = c.low+c.slow-c.fast+time.Minute, -time.Hour
	return false
}

// stale says that the bounds were learnt too long ago to be narrow.
func (c *Clock) stale() bool {
	c.tick()
	return !c.known || c.fast-c.sampledAt > 20*time.Second
}
