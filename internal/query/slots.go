package query

import "sync"

// How many questions are answered at the same time. There is a limit for each source,
// one for all sources together, and one for people, so that sources do not delay
// people.
const (
	slotsOfSource  = 4
	slotsOfSources = 12
	slotsOfPeople  = 12
)

// slots are the questions that are being answered, by source; those of people have
// none.
type slots struct {
	mu      sync.Mutex
	taken   map[string]int
	sources int
}

// take takes a slot, if one is free.
func (t *slots) take(source string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.taken == nil {
		t.taken = map[string]int{}
	}
	switch {
	case source == "" && t.taken[""] == slotsOfPeople,
		source != "" && (t.taken[source] == slotsOfSource || t.sources == slotsOfSources):
		return false
	}
	if source != "" {
		t.sources++
	}
	t.taken[source]++
	return true
}

func (t *slots) giveBack(source string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if source != "" {
		t.sources--
	}
	if t.taken[source]--; t.taken[source] == 0 {
		delete(t.taken, source)
	}
}
