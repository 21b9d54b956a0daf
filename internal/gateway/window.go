package gateway

import (
	"math"
	"time"
)

// window remembers when the last requests left, as many as its limit allows,
// in a ring: its memory never grows.
type window struct {
	limit  int
	span   time.Duration
	stamps []time.Duration // a ring of limit places
	first  int             // the oldest
	n      int
}

// never is later than anything: only a token given back makes a change.
const never = time.Duration(math.MaxInt64)

// free is when one more request may be admitted, given that so many have been
// admitted that have not left; zero or past means now.
func (w *window) free(now time.Duration, held int) time.Duration {
	for w.n > 0 && w.stamps[w.first] <= now-w.span {
		w.first = (w.first + 1) % w.limit
		w.n--
	}
	over := w.n + held - w.limit // so many, and one more, must grow old first
	switch {
	case over < 0:
		return 0
	case over >= w.n:
		return never
	}
	return w.stamps[(w.first+over)%w.limit] + w.span
}

// add says that a request has left now.
func (w *window) add(now time.Duration) {
	if w.n == w.limit { // one that nobody admitted: the newest count
		w.first = (w.first + 1) % w.limit
		w.n--
	}
	w.stamps[(w.first+w.n)%w.limit] = now
	w.n++
}
