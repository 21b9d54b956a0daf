package suppression

import (
	"maps"
	"slices"
)

// hashes is a set of hashes. Nearly all of them are sorted; the few that were changed last
// stand beside, so that one number more does not copy a million.
type hashes struct {
	sorted []uint64        // never changed once it is there
	recent map[uint64]bool // says of a hash that it is in the set, or not any more
}

// recentAtMost is how many stand beside.
const recentAtMost = 4096

// clone is a set of its own.
func (h hashes) clone() hashes { return hashes{h.sorted, maps.Clone(h.recent)} }

func (h hashes) empty() bool { return len(h.sorted) == 0 && len(h.recent) == 0 }

func (h hashes) has(hash uint64) bool {
	if in, known := h.recent[hash]; known {
		return in
	}
	_, found := slices.BinarySearch(h.sorted, hash)
	return found
}

// change puts hashes into the set, or takes them out. They are sorted, each is there once.
func (h *hashes) change(changed []uint64, in bool) {
	if len(h.recent)+len(changed) <= recentAtMost {
		if h.recent == nil {
			h.recent = map[uint64]bool{}
		}
		for _, hash := range changed {
			h.recent[hash] = in
		}
		return
	}
	var added, gone []uint64
	for _, hash := range slices.Sorted(maps.Keys(h.recent)) {
		if h.recent[hash] {
			added = append(added, hash)
		} else {
			gone = append(gone, hash)
		}
	}
	h.sorted, h.recent = merged(without(h.sorted, gone), added), nil
	if in {
		h.sorted = merged(h.sorted, changed)
	} else {
		h.sorted = without(h.sorted, changed)
	}
}

// merged has the hashes of both, each once.
func merged(a, b []uint64) []uint64 {
	switch {
	case len(b) == 0:
		return a
	case len(a) == 0:
		return b
	}
	all := make([]uint64, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			all, a = append(all, a[0]), a[1:]
		case a[0] > b[0]:
			all, b = append(all, b[0]), b[1:]
		default:
			all, a, b = append(all, a[0]), a[1:], b[1:]
		}
	}
	return append(append(all, a...), b...)
}

// without has the hashes of a that are not in b.
func without(a, b []uint64) []uint64 {
	if len(b) == 0 {
		return a
	}
	left := make([]uint64, 0, len(a))
	for _, hash := range a {
		for len(b) > 0 && b[0] < hash {
			b = b[1:]
		}
		if len(b) == 0 || b[0] != hash {
			left = append(left, hash)
		}
	}
	return left
}
