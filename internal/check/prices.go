package check

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// prices bounds the prices, which cost calls of the account: one of a source at a time,
// and in any minute so many of a source, and of all sources together.
type prices struct {
	perMinute func() int // nil, or not more than 0: the default

	mu       sync.Mutex
	underWay map[string]bool // guarded by mu: by source
	asked    []asked         // guarded by mu: in the last minute, the oldest first
}

type asked struct {
	source string
	at     time.Time
}

// CallsOfPrice is how many calls of the account one price takes: create, configure,
// calculate, price, delete.
const CallsOfPrice = 5

// defaultPerMinute is a tenth of the calls that an account may make in a minute.
const defaultPerMinute = 20

func newPrices(perMinute func() int) *prices {
	return &prices{perMinute: perMinute, underWay: map[string]bool{}}
}

// most is how many prices may be asked in a minute, for all sources and for one.
func (p *prices) most() (all, ofSource int) {
	all = defaultPerMinute
	if p.perMinute != nil {
		if n := p.perMinute(); n > 0 {
			all = n
		}
	}
	return all, max(1, all/4)
}

// take takes the place of one price, until giveBack; or says why there is none.
func (p *prices) take(source string, now time.Time) (no string) {
	all, ofSource := p.most()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = slices.DeleteFunc(p.asked, func(a asked) bool { return now.Sub(a.at) >= time.Minute })
	if p.underWay[source] {
		return fmt.Sprintf("a price is being asked for %s: ask again when it is there", source)
	}
	own := slices.Clone(p.asked)
	own = slices.DeleteFunc(own, func(a asked) bool { return a.source != source })
	switch {
	case len(own) >= ofSource:
		return fmt.Sprintf("%s has asked for %d prices within a minute, and may have no more: ask again in %s, or without price", source, len(own), left(own[0], now))
	case len(p.asked) >= all:
		return fmt.Sprintf("all sources together have asked for %d prices within a minute, and may have no more: ask again in %s, or without price", len(p.asked), left(p.asked[0], now))
	}
	p.underWay[source] = true
	p.asked = append(p.asked, asked{source, now})
	return ""
}

// left is how long it takes until a price is a minute ago, in whole seconds.
func left(a asked, now time.Time) time.Duration {
	return (a.at.Add(time.Minute).Sub(now) + time.Second - 1).Truncate(time.Second)
}

func (p *prices) giveBack(source string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.underWay, source)
}
