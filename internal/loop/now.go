package loop

import "time"

// Now is the clock of a worker, in UTC, unless the stream's clock is known to be ahead:
// the moment at which a wake-up was stored has certainly passed. A worker whose clock
// is slow would otherwise arm a timer that fires at once, find that it is not due yet,
// arm it again, and so on until its clock has caught up.
func Now(clock, stored time.Time) time.Time {
	if stored.After(clock) {
		return stored.UTC()
	}
	return clock.Round(0).UTC()
}
