package simulate

import (
	"fmt"
	"strconv"
	"strings"
)

// Tape is the source of every choice of a history: at first chance, later its own
// record. A choice of zero is always the harmless one. So a tape that is cut
// short, or has zeros in the place of numbers, is a simpler history.
type Tape struct {
	random uint64   // the generator's state
	replay []uint16 // what to repeat; past its end every choice is zero
	fresh  bool     // choose by chance
	made   []uint16 // what was chosen
}

// Roll empties the tape: from now on it chooses by chance.
func (t *Tape) Roll(seed uint64) {
	t.random, t.fresh, t.made, t.replay = seed, true, t.made[:0], nil
}

// Replay makes the tape repeat the choices.
func (t *Tape) Replay(choices []uint16) {
	t.fresh, t.made, t.replay = false, t.made[:0], choices
}

// Choose gives one of n choices, all equally likely.
func (t *Tape) Choose(n int) int {
	if t.fresh {
		return t.note(int(t.next() % uint64(n)))
	}
	return t.repeat(n)
}

// Rarely returns zero, except once in so many times: then one of the n-1 other
// choices.
func (t *Tape) Rarely(once, n int) int {
	if !t.fresh {
		return t.repeat(n)
	}
	r := t.next()
	if r%uint64(once) != 0 {
		return t.note(0)
	}
	return t.note(1 + int((r>>20)%uint64(n-1)))
}

func (t *Tape) note(v int) int {
	t.made = append(t.made, uint16(v))
	return v
}

func (t *Tape) repeat(n int) int {
	v := 0
	if i := len(t.made); i < len(t.replay) {
		v = int(t.replay[i]) % n
	}
	return t.note(v)
}

// next is splitmix64.
func (t *Tape) next() uint64 {
	t.random += 0x9e3779b97f4a7c15
	z := t.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Text is a tape as it is kept in a file.
func Text(choices []uint16) string {
	words := make([]string, len(choices))
	for i, c := range choices {
		words[i] = strconv.Itoa(int(c))
	}
	return strings.Join(words, " ")
}

// ParseText reads what Text writes.
func ParseText(s string) ([]uint16, error) {
	var choices []uint16
	for word := range strings.FieldsSeq(s) {
		n, err := strconv.ParseUint(word, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("a tape has %q: want numbers", word)
		}
		choices = append(choices, uint16(n))
	}
	return choices, nil
}
