package gateway

import (
	"sync"
	"time"
)

// sourceBreaker distinguishes a gateway that answers no source from a source that gets
// no answers, because something in its requests makes the gateway fail. The first opens
// the breaker, for all. The second makes only that source wait for a while. It does not
// count against the gateway as long as others are answered.
type sourceBreaker struct {
	failures int
	rest     time.Duration // how long a source waits

	mu      sync.Mutex
	answers [2]served                // guarded by mu: the newest two, of different sources
	failing map[string]unansweredRow // guarded by mu: sources whose last call was not answered
}

type served struct {
	source string
	at     time.Time
}

// unansweredRow is a source's calls in a row without an answer.
type unansweredRow struct {
	row   int
	last  time.Time
	until time.Time // until when it waits; zero: it does not
}

// known is how long an answered source is remembered.
const known = time.Hour

func newSourceBreaker(failures int, rest time.Duration) *sourceBreaker {
	return &sourceBreaker{failures: failures, rest: rest, failing: map[string]unansweredRow{}}
}

// alone is how long a source still waits; zero: it does not.
func (b *sourceBreaker) alone(source string) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(time.Until(b.failing[source].until), 0)
}

// answer notes that a source was answered.
func (b *sourceBreaker) answer(source string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.failing, source)
	if b.answers[0].source != source {
		b.answers[1] = b.answers[0]
	}
	b.answers[0] = served{source, time.Now()}
}

// fail notes that a source was not answered, and says whether that is the source's own
// trouble: others were answered and none of them fails. If an open breaker's try fails,
// older answers count, since no other source could have been answered just now.
func (b *sourceBreaker) fail(source string, try bool) (own bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	f := b.failing[source]
	f.row, f.last = f.row+1, now
	within := 2 * b.rest
	if try {
		within = known
	}
	for _, a := range b.answers {
		own = own || a.source != source && !a.at.IsZero() && now.Sub(a.at) < within
	}
	for other, its := range b.failing {
		switch {
		case now.Sub(its.last) > known:
			delete(b.failing, other)
		case other != source && now.Sub(its.last) < 2*b.rest:
			own = false
		}
	}
	if own && (try || f.row >= b.failures) {
		f.until = now.Add(b.rest)
	}
	b.failing[source] = f
	return own
}
