package query

import (
	"cmp"
	"encoding/json"
)

// An answer is one message, and somebody waits for it.
const (
	pageBytes = 256 << 10 // half of what every server takes that the service works with
	pageLooks = 20_000    // how many are looked at for one page, whether they are asked for or not
)

// Pager fills one page.
type Pager[T any] struct {
	Items []T
	Next  string // empty: there is nothing more

	limit, looks, bytes int
	last                string // the place of what was looked at last
}

// NewPager begins a page.
func NewPager[T any](p Page) *Pager[T] {
	return &Pager[T]{Items: []T{}, limit: cmp.Or(p.Limit, maxLimit), last: p.After}
}

// Take puts on the page what stands at a place; false: it has no room there, and the
// next page begins with it.
func (p *Pager[T]) Take(item T, place string) bool {
	text, err := json.Marshal(item)
	// The first one has room in any case: else no page would ever get past it.
	if err == nil && len(p.Items) > 0 && p.bytes+len(text) > pageBytes {
		return p.full()
	}
	if !p.Pass(place) {
		return false
	}
	p.bytes += len(text)
	p.Items = append(p.Items, item)
	return true
}

// Pass leaves out what stands at a place; false: the page has looked at enough.
func (p *Pager[T]) Pass(place string) bool {
	if len(p.Items) == p.limit || p.looks == pageLooks {
		return p.full()
	}
	p.looks++
	p.last = place
	return true
}

func (p *Pager[T]) full() bool {
	p.Next = p.last
	return false
}
