package query

import (
	"cmp"
	"encoding/json"
)

// Bounds are how much one page holds.
type Bounds struct {
	items int // if the question does not say
	bytes int
	looks int // how many are looked at, whether they are asked for or not
}

var (
	// OneMessage has room in every server that the service works with, which take twice
	// 256 KiB, and is what somebody waits for. To begin a page takes the server longer
	// than to fill it.
	OneMessage = Bounds{items: maxLimit, bytes: 384 << 10, looks: 20_000}
	// InMemory is for whoever reads the streams, without a message in between.
	InMemory = Bounds{items: 50_000, bytes: 64 << 20, looks: 1_000_000}
)

// Pager fills one page.
type Pager[T any] struct {
	Items []T
	Next  string // empty: there is nothing more

	bounds       Bounds
	looks, bytes int
	last         string // the place of what was looked at last
}

// NewPager begins a page.
func NewPager[T any](p Page, b Bounds) *Pager[T] {
	b.items = cmp.Or(p.Limit, b.items)
	return &Pager[T]{Items: []T{}, bounds: b, last: p.After}
}

// Take puts on the page what stands at a place; false: it has no room there, and the
// next page begins with it.
func (p *Pager[T]) Take(item T, place string) bool {
	text, err := json.Marshal(item)
	// The first one has room in any case: else no page would ever get past it.
	if err == nil && len(p.Items) > 0 && p.bytes+len(text) > p.bounds.bytes {
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
	if len(p.Items) == p.bounds.items || p.looks == p.bounds.looks {
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
