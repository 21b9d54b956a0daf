package claims_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/staffetta-io/staffetta/internal/claims"
)

// people are what somebody gives to whom: number → values.
type people map[uint64][]uint64

// side lays them out in so many chunks, as they are stored.
func (p people) side(fields []string, bits int) claims.Side {
	chunks := make([][]uint64, 1<<bits)
	for number, values := range p {
		n := claims.ChunkOf(number, bits)
		chunks[n] = append(append(chunks[n], number), values...)
	}
	return claims.Side{Fields: fields, Bits: bits, Chunk: func(n int) ([]uint64, error) {
		return claims.Decode(claims.Encode(claims.Sort(chunks[n], 1+len(fields))), 1+len(fields))
	}}
}

// However they lie, two campaigns differ exactly if they give somebody another value in a
// field that both have.
func TestDiffer(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) (p people, fields []string) {
			fields = rapid.SampledFrom([][]string{{"code"}, {"code", "name"}, {"name"}, {"name", "code"}, {"hour"}}).Draw(t, name+" fields")
			p = people{}
			for range rapid.IntRange(0, 40).Draw(t, name) {
				number := rapid.Uint64Range(0, 30).Draw(t, "number") * 0x0842108421084210 // all over the range
				values := make([]uint64, len(fields))
				for i := range values {
					values[i] = rapid.SampledFrom([]uint64{7, 7, 7, 8}).Draw(t, "value")
				}
				p[number] = values
			}
			return p, fields
		}
		a, ofA := draw("a")
		b, ofB := draw("b")
		want := false
		for number, values := range a {
			for i, f := range ofA {
				if j := slices.Index(ofB, f); j >= 0 && b[number] != nil && b[number][j] != values[i] {
					want = true
				}
			}
		}
		got, err := claims.Differ(a.side(ofA, rapid.IntRange(0, 4).Draw(t, "bits of a")), b.side(ofB, rapid.IntRange(0, 4).Draw(t, "bits of b")))
		if err != nil || got != want {
			t.Fatalf("they differ: %t (%v), want %t\n%v %v\n%v %v", got, err, want, ofA, a, ofB, b)
		}
	})
}

// A chunk is far below what a message may have, however many people there are.
func TestChunksFit(t *testing.T) {
	t.Parallel()
	for rows, want := range map[int64]int{1: 0, 1000: 0, 10_000: 1, 100_000: 5, 1_000_000: 8} {
		const fields = 3
		bits := claims.BitsFor(rows, fields)
		if bits != want {
			t.Errorf("%d rows lie in 2^%d chunks, want 2^%d", rows, bits, want)
		}
		counts := make([]int, 1<<bits)
		r := rand.New(rand.NewPCG(1, 2))
		for range rows {
			counts[claims.ChunkOf(r.Uint64(), bits)]++
		}
		if most := slices.Max(counts) * 8 * (1 + fields); most > 400<<10 {
			t.Errorf("%d rows: a chunk has %d bytes", rows, most)
		}
	}
}

func TestSortKeepsRowsWhole(t *testing.T) {
	t.Parallel()
	got := claims.Sort([]uint64{9, 1, 3, 2, 7, 3}, 2)
	if diff := cmp.Diff([]uint64{3, 2, 7, 3, 9, 1}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := claims.Decode(make([]byte, 20), 2); err == nil {
		t.Error("a chunk that is torn is taken for whole")
	}
}
