package audience

// numbers is a set of phone numbers. A million of them take 16 MiB, half of what a map
// takes.
type numbers struct {
	slots []uint64 // 0: free. Their count is a power of two
	n     int
}

// add puts a number into the set, unless it is there.
func (s *numbers) add(digits uint64) {
	if 4*(s.n+1) > 3*len(s.slots) {
		before := s.slots
		s.slots = make([]uint64, max(1024, 2*len(before)))
		for _, d := range before {
			if d != 0 {
				s.slots[s.slot(d)] = d
			}
		}
	}
	if at := s.slot(digits); s.slots[at] == 0 {
		s.slots[at] = digits
		s.n++
	}
}

// has says whether a number is in the set.
func (s *numbers) has(digits uint64) bool {
	return s.n > 0 && s.slots[s.slot(digits)] == digits
}

// slot is where a number is, or would be.
func (s *numbers) slot(digits uint64) int {
	const golden = 0x9e3779b97f4a7c15 // neighbours end up far apart
	last := len(s.slots) - 1
	at := int(digits*golden>>32) & last
	for s.slots[at] != 0 && s.slots[at] != digits {
		at = (at + 1) & last
	}
	return at
}
