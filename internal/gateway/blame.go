package gateway

import (
	"sync"
	"time"
)

// blame tells a gateway that answers nobody from a source that gets no answers:
// something in its requests that makes the gateway fail. The first opens the
// breaker, for all. The second is left alone for a while by itself, and counts
// nothing against the gateway while others are answered.
type blame struct {
	failures int
	rest     time.Duration // how long a source is left alone

	mu      sync.Mutex
	answers [2]served            // guarded by mu: the newest two, of different sources
	failing map[string]fruitless // guarded by mu: sources whose last call was not answered
}

type served struct {
	source string
	at     time.Time
}

// fruitless is a source's calls in a row without an answer.
type fruitless struct {
	row   int
	last  time.Time
	until time.Time // it is left alone; zero: it is not
}

// known is how long a source is remembered of which the gateway has answered a call.
const known = time.Hour

func newBlame(failures int, rest time.Duration) *blame {
	return &blame{failures: failures, rest: rest, failing: map[string]fruitless{}}
}

// alone is for how long a source is left alone; zero: it is not.
func (b *blame) alone(source string) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(time.Until(b.failing[source].until), 0)
}

// answer notes that a source was answered.
func (b *blame) answer(source string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.failing, source)
	if b.answers[0].source != source {
		b.answers[1] = b.answers[0]
	}
	b.answers[0] = served{source, time.Now()}
}

// fail notes that a source was not, and says whether that is the source's own
// trouble: others were answered and none of them fails. A try of an open breaker is
// believed for longer, since nobody could have been answered just now.
func (b *blame) fail(source string, try bool) (own bool) {
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
