package query

import (
	"cmp"
	"encoding/json"
)

// Bounds are how much fits on one page.
type Bounds struct {
	items int // how many items, if the question does not say
	bytes int
	looks int // how many are looked at, those that are not asked for included
}

var (
	// OneMessage fits into a message of every server that the service works with: those
	// take at least twice 256 KiB. It is filled while a person waits: to begin a page
	// takes the server longer than to fill it.
	OneMessage = Bounds{items: maxLimit, bytes: 384 << 10, looks: 20_000}
	// InMemory is for a program that reads the streams itself, without a message
	// between.
	InMemory = Bounds{items: 50_000, bytes: 64 << 20, looks: 1_000_000}
)

// Looks are how many items are looked at for one page.
func (b Bounds) Looks() int { return b.looks }

// Pager fills one page.
type Pager[T any] struct {
	Items []T
	Next  string // empty: there is nothing more

	bounds       Bounds
	looks, bytes int
	last         string // the place of the item that was looked at last
}

// NewPager begins a page.
func NewPager[T any](p Page, b Bounds) *Pager[T] {
	b.items = cmp.Or(p.Limit, b.items)
	return &Pager[T]{Items: []T{}, bounds: b, last: p.After}
}

// Take puts the item at a place on the page. False: it does not fit, and the next page
// begins with it.
func (p *Pager[T]) Take(item T, place string) bool {
	n := size(item)
	// The first item is taken in any case: otherwise no page would ever get past it.
	if len(p.Items) > 0 && p.bytes+n > p.bounds.bytes {
		return p.full()
	}
	if !p.Pass(place) {
		return false
	}
	p.bytes += n
	p.Items = append(p.Items, item)
	return true
}

// size is the length of an item in JSON, or a little more.
func size(item any) int {
	if i, ok := item.(interface{ atMost() int }); ok {
		return i.atMost()
	}
	text, err := json.Marshal(item)
	if err != nil {
		return 0 // the error shows again when the whole page is encoded
	}
	return len(text)
}

// Pass leaves out the item at a place. False: the page has looked at enough items.
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
