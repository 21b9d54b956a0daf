package journal_test

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/streams"
	"github.com/staffetta-io/staffetta/internal/suppression"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// numbersOf are so many numbers, one on each line, from one of them on.
func numbersOf(from, n int) []byte {
	var list bytes.Buffer
	list.WriteString("phoneNumber\n")
	for i := range n {
		fmt.Fprintf(&list, "+39333%07d\n", from+i)
	}
	return list.Bytes()
}

// heap is what is in use after a collection, in MiB.
func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}

// BenchmarkSuppressAMillion has a million numbers suppressed, reads them as a service that
// starts does, and prepares 100,000 recipients beside them, of whom nine tenths are suppressed. It
// lays nothing down in the time that it measures: an upload is as fast as the wire.
func BenchmarkSuppressAMillion(b *testing.B) {
	s := setup(b, journal.Options{})
	lay := func(source string, list []byte) *campaignv1.Audience {
		b.Helper()
		a, err := client.Audience(bytes.NewReader(list), campaignv1.Audience_FORMAT_CSV)
		if err == nil {
			err = s.client.LayDown(b.Context(), source, a, bytes.NewReader(list), nil)
		}
		if err != nil {
			b.Fatal(err)
		}
		return a
	}
	people := lay("shop-italia", numbersOf(990_000-80_000, 100_000))
	request := campaign.Request{Text: "Ciao", Audience: &campaign.Audience{Digest: people.Sha256, Size: people.Size, Chunks: int(people.Chunks), Format: campaign.CSV}}
	prepare := func(j *journal.Journal, sent int64) time.Duration {
		b.Helper()
		began := time.Now()
		p, err := j.People().Prepare(b.Context(), key, request)
		if err != nil || p.Sent != sent {
			b.Fatalf("%+v, %v", p, err)
		}
		return time.Since(began)
	}
	without := prepare(s.j, 100_000)
	list := lay("@all", numbersOf(0, suppressedInBench))
	n := uint64(0)
	for b.Loop() {
		n++
		before, began := heap(), time.Now()
		o := contract.Order{Verb: contract.VerbSuppress, By: "anna", Stream: streams.Commands, Sequence: n, Stored: time.Unix(int64(n), 0), Body: &campaignv1.SuppressNumbers{By: "anna", Numbers: list}}
		if told, err := s.j.ObeySuppression(b.Context(), o); err != nil || told.GetNumbers() != suppressedInBench {
			b.Fatal(told, err)
		}
		b.ReportMetric(float64(time.Since(began).Milliseconds()), "suppress-ms")
		b.ReportMetric(heap()-before, "kept-MiB")

		began = time.Now()
		if _, err := suppression.NewList(s.j.SuppressionStore()).For(b.Context(), key.Source); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(began).Milliseconds()), "read-at-start-ms")
		b.ReportMetric(float64(prepare(s.j, 10_000).Milliseconds()), "prepare-beside-ms")
		b.ReportMetric(float64(without.Milliseconds()), "prepare-without-ms")

		screen, err := s.j.Suppressions().For(b.Context(), key.Source)
		if err != nil {
			b.Fatal(err)
		}
		began = time.Now()
		for i := range 1_000_000 {
			if i%1000 == 0 && !screen.Suppresses("+393330000042") {
				b.Fatal("it is not suppressed")
			}
			screen.Suppresses("+393339999999")
		}
		b.ReportMetric(float64(time.Since(began).Nanoseconds())/1_001_000, "ns/look-up")
	}
}

const suppressedInBench = 1_000_000
