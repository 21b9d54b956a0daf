package audience_test

import (
	"fmt"
	"io"
	"iter"
	"runtime"
	"testing"

	"github.com/staffetta-io/staffetta/internal/audience"
)

func million(n int) iter.Seq2[audience.Contact, error] {
	return func(yield func(audience.Contact, error) bool) {
		values := []string{"BF2026"}
		for i := range n {
			if !yield(audience.Contact{Place: audience.Place{Line: i + 2}, Number: fmt.Sprintf("+39333%07d", i), Values: values}, nil) {
				return
			}
		}
	}
}

func BenchmarkPrepareAMillion(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		peak := uint64(0)
		contacts := func(yield func(audience.Contact, error) bool) {
			i := 0
			for c, err := range million(audience.Most) {
				if i++; i%50_000 == 0 {
					runtime.ReadMemStats(&after)
					peak = max(peak, after.HeapAlloc-before.HeapAlloc)
				}
				if !yield(c, err) {
					return
				}
			}
		}
		p, err := audience.Prepare(contacts, audience.Wish{Fields: []string{"code"}}, io.Discard, nil)
		if err != nil || p.Valid != audience.Most {
			b.Fatal(p, err)
		}
		b.ReportMetric(float64(peak)/(1<<20), "MiB")
	}
}
