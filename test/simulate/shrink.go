package simulate

import "slices"

// Shrink makes the tape of a broken history as simple as it can, and still
// broken in the same way: shorter, with fewer choices that are not zero.
func (w *World) Shrink(v *Violation) *Violation {
	s := shrinker{w: w, best: v, left: 20_000}
	for before := -1; before != s.weight() && s.left > 0; {
		before = s.weight()
		s.cut()
		for size := 64; size > 0; size /= 2 {
			s.blank(size)
			s.drop(size)
		}
		s.lower()
	}
	return s.best
}

type shrinker struct {
	w    *World
	best *Violation
	left int // runs that are left
}

// weight is what shrinking makes smaller.
func (s *shrinker) weight() int {
	n := len(s.best.Tape)
	for _, c := range s.best.Tape {
		n += 100 * int(c)
	}
	return n
}

// try runs a simpler tape, and keeps it if it is broken in the same way.
func (s *shrinker) try(tape []uint16) bool {
	s.left--
	if s.left < 0 {
		return false
	}
	v := s.w.Replay(tape)
	if v == nil || v.Kind != s.best.Kind {
		return false
	}
	for len(v.Tape) > 0 && v.Tape[len(v.Tape)-1] == 0 {
		v.Tape = v.Tape[:len(v.Tape)-1]
	}
	was := s.best
	if s.best = v; s.weight() < (&shrinker{best: was}).weight() {
		return true
	}
	s.best = was
	return false
}

// cut shortens the end.
func (s *shrinker) cut() {
	for n := len(s.best.Tape) / 2; n > 0; n /= 2 {
		for len(s.best.Tape) > n && s.try(s.best.Tape[:len(s.best.Tape)-n]) {
		}
	}
}

// blank makes blocks of choices harmless.
func (s *shrinker) blank(size int) {
	for i := 0; i+size <= len(s.best.Tape); i += size {
		block := s.best.Tape[i : i+size]
		if slices.Max(block) == 0 {
			continue
		}
		tape := slices.Clone(s.best.Tape)
		clear(tape[i : i+size])
		s.try(tape)
	}
}

// drop leaves blocks of choices out.
func (s *shrinker) drop(size int) {
	for i := 0; i+size <= len(s.best.Tape); {
		if !s.try(slices.Delete(slices.Clone(s.best.Tape), i, i+size)) {
			i += size
		}
	}
}

// lower makes single choices smaller.
func (s *shrinker) lower() {
	for i := 0; i < len(s.best.Tape); i++ {
		for i < len(s.best.Tape) && s.best.Tape[i] > 1 {
			tape := slices.Clone(s.best.Tape)
			tape[i]--
			if !s.try(tape) {
				break
			}
		}
	}
}
