package query

import "sync"

// How many questions are answered at the same time: each source's own, those of all
// sources, and those of people, whom sources do not hold up.
const (
	turnsOfSource  = 4
	turnsOfSources = 12
	turnsOfPeople  = 12
)

// turns are the questions in hand, by source; those of people have none.
type turns struct {
	mu      sync.Mutex
	taken   map[string]int
	sources int
}

// take takes a turn, if there is one.
func (t *turns) take(source string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.taken == nil {
		t.taken = map[string]int{}
	}
	switch {
	case source == "" && t.taken[""] == turnsOfPeople,
		source != "" && (t.taken[source] == turnsOfSource || t.sources == turnsOfSources):
		return false
	}
	if source != "" {
		t.sources++
	}
	t.taken[source]++
	return true
}

func (t *turns) giveBack(source string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if source != "" {
		t.sources--
	}
	if t.taken[source]--; t.taken[source] == 0 {
		delete(t.taken, source)
	}
}
