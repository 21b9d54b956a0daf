package claims

import (
	"encoding/binary"
	"errors"
	"iter"
	"math/bits"
	"slices"
	"strings"
)

// A row stands for one recipient: a hash of the number, and for each field a hash of the
// number and the value. Rows are sorted by the first of them, and lie in chunks by its
// highest bits, so two campaigns are compared a chunk at a time.

// ChunkSize is what a chunk holds about, in bytes.
const ChunkSize = 192 << 10

// BitsFor is how many bits tell the chunks of so many rows apart.
func BitsFor(rows int64, fields int) int {
	chunks := max(1, (rows*int64(8*(1+fields))+ChunkSize-1)/ChunkSize)
	return bits.Len64(uint64(chunks - 1))
}

// ChunkOf is the chunk in which a number's hash lies.
func ChunkOf(number uint64, bits int) int {
	if bits == 0 {
		return 0
	}
	return int(number >> (64 - bits))
}

// Sort sorts rows of so many words by their first word. They are those of one chunk.
func Sort(rows []uint64, width int) []uint64 {
	order := make([]int, len(rows)/width)
	for i := range order {
		order[i] = i * width
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case rows[a] < rows[b]:
			return -1
		case rows[a] > rows[b]:
			return 1
		}
		return 0
	})
	sorted := make([]uint64, 0, len(rows))
	for _, at := range order {
		sorted = append(sorted, rows[at:at+width]...)
	}
	return sorted
}

// Encode writes rows as bytes.
func Encode(rows []uint64) []byte {
	b := make([]byte, 0, 8*len(rows))
	for _, word := range rows {
		b = binary.BigEndian.AppendUint64(b, word)
	}
	return b
}

// errTorn says that a chunk does not hold whole rows.
var errTorn = errors.New("a chunk of hashes is not whole")

// Decode reads rows of so many words.
func Decode(b []byte, width int) ([]uint64, error) {
	if len(b)%(8*width) != 0 {
		return nil, errTorn
	}
	rows := make([]uint64, len(b)/8)
	for i := range rows {
		rows[i] = binary.BigEndian.Uint64(b[8*i:])
	}
	return rows, nil
}

// Side is one of two campaigns that are compared: how its rows lie, and where a chunk is
// read.
type Side struct {
	Fields []string
	Bits   int
	Chunk  func(n int) ([]uint64, error)
}

// Differ says whether two campaigns give somebody different values. Campaigns without a
// field in common do not.
func Differ(a, b Side) (bool, error) {
	if b.Bits < a.Bits {
		a, b = b, a // a has the larger chunks
	}
	var ofA, ofB []int
	for i, f := range a.Fields {
		if j := slices.Index(b.Fields, f); j >= 0 {
			ofA, ofB = append(ofA, 1+i), append(ofB, 1+j)
		}
	}
	if len(ofA) == 0 {
		return false, nil
	}
	for n := range 1 << a.Bits {
		rows, err := a.Chunk(n)
		if err != nil {
			return false, err
		}
		parts := 1 << (b.Bits - a.Bits)
		at, width := 0, 1+len(a.Fields)
		for m := n * parts; m < (n+1)*parts; m++ {
			others, err := b.Chunk(m)
			if err != nil {
				return false, err
			}
			for row := range each(others, 1+len(b.Fields)) {
				for at < len(rows) && rows[at] < row[0] {
					at += width
				}
				if at == len(rows) || rows[at] != row[0] {
					continue
				}
				for i := range ofA {
					if rows[at+ofA[i]] != row[ofB[i]] {
						return true, nil
					}
				}
			}
		}
	}
	return false, nil
}

// each yields rows of so many words.
func each(rows []uint64, width int) iter.Seq[[]uint64] {
	return func(yield func([]uint64) bool) {
		for ; len(rows) >= width; rows = rows[width:] {
			if !yield(rows[:width]) {
				return
			}
		}
	}
}

// Fold makes the names by which a gateway may mean the same field one.
func Fold(name string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "_", "", "-", "", ".", "").Replace(name))
}
