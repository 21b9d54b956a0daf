// Package suppressiontest says what a [suppression.Store] promises, and keeps one in memory.
package suppressiontest

import (
	"context"
	"hash/fnv"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/suppression"
)

// Store is a [suppression.Store] in memory, which loses what it is told to lose.
type Store struct {
	mu   sync.Mutex
	key  string // id of the secret; empty: there never was one
	lost bool   // there was one
	seq  uint64
	all  []suppression.Segment
	// After is called after a segment is stored, with its order: an error is what the
	// writer is told, though it is stored.
	Stored func(order string) error
}

// LoseKey loses the secret. What was hashed under it stays.
func (s *Store) LoseKey() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = true
}

// RenewKey has the secret lost for good, by somebody's word: the next one is another one.
func (s *Store) RenewKey() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key, s.lost = "", false
}

// TakeBack has a power cut take back the last n segments.
func (s *Store) TakeBack(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = s.all[:len(s.all)-n]
	s.seq -= uint64(n)
}

// Key implements [suppression.Store].
func (s *Store) Key(_ context.Context, make bool) (suppression.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.lost:
		return suppression.Key{}, &loop.Refusal{Note: "the secret is lost"}
	case s.key == "" && !make:
		return suppression.Key{}, nil
	case s.key == "":
		s.key = time.Now().Format(time.RFC3339Nano)
	}
	id := s.key
	return suppression.Key{ID: id, New: func() func(string) uint64 {
		h := fnv.New64a()
		return func(number string) uint64 {
			h.Reset()
			h.Write([]byte(id + number))
			return h.Sum64()
		}
	}}, nil
}

// Last implements [suppression.Store].
func (s *Store) Last(context.Context) (suppression.Place, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) == 0 {
		return suppression.Place{}, nil
	}
	return s.all[len(s.all)-1].Place, nil
}

// After implements [suppression.Store].
func (s *Store) After(_ context.Context, sequence uint64) iter.Seq2[suppression.Segment, error] {
	return func(yield func(suppression.Segment, error) bool) {
		s.mu.Lock()
		all := slices.Clone(s.all)
		s.mu.Unlock()
		for _, segment := range all {
			if segment.Place.Sequence > sequence && !yield(segment, nil) {
				return
			}
		}
	}
}

// Put implements [suppression.Store].
func (s *Store) Put(_ context.Context, segment suppression.Segment) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.all, func(have suppression.Segment) bool {
		return have.Order == segment.Order && have.Source == segment.Source
	}) {
		return nil
	}
	s.seq++
	segment.Place = suppression.Place{Sequence: s.seq, Stored: time.Now()}
	s.all = append(s.all, segment)
	if s.Stored != nil {
		return s.Stored(segment.Order)
	}
	return nil
}

// Contract holds a store to what it promises. It begins empty.
func Contract(t *testing.T, s suppression.Store) {
	t.Helper()
	ctx := t.Context()
	after := func(sequence uint64) (all []suppression.Segment) {
		t.Helper()
		for segment, err := range s.After(ctx, sequence) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, segment)
		}
		return all
	}
	last := func() suppression.Place {
		t.Helper()
		p, err := s.Last(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	put := func(segment suppression.Segment) {
		t.Helper()
		if err := s.Put(ctx, segment); err != nil {
			t.Fatal(err)
		}
	}

	if k, err := s.Key(ctx, false); err != nil || k.ID != "" {
		t.Errorf("before anybody needed it the secret is %q, %v", k.ID, err)
	}
	if p, all := last(), after(0); p != (suppression.Place{}) || len(all) != 0 {
		t.Errorf("before anything was put there is %+v, %d segments", p, len(all))
	}
	key, err := s.Key(ctx, true)
	if err != nil || key.ID == "" {
		t.Fatalf("the secret is %q, %v", key.ID, err)
	}
	if again, err := s.Key(ctx, false); err != nil || again.ID != key.ID {
		t.Errorf("the secret is %q, and then %q, %v", key.ID, again.ID, err)
	}
	if one, other := key.New(), key.New(); one("+393331234567") != other("+393331234567") || one("+393331234567") == one("+393331234568") {
		t.Error("a hash does not stand for its number alone")
	}

	many := make([]uint64, 70_000) // more than one message holds
	for i := range many {
		many[i] = uint64(i) * 7
	}
	first := suppression.Segment{Order: "orders-1-17", Change: suppression.Suppressed, At: time.Unix(1, 0).UTC(), By: "anna", Actor: "anna", Note: "complaints", Command: 1, Numbers: 3, Malformed: 2, Key: key.ID, List: "ab", Hashes: []uint64{1, 5, 9}}
	second := suppression.Segment{Order: "orders-2-18", Source: "shop-italia", Change: suppression.Allowed, At: time.Unix(2, 0).UTC(), By: "bruno", Command: 2, Numbers: int64(len(many)), Key: key.ID, Hashes: many}
	put(first)
	at := last()
	if at.Sequence == 0 || at.Stored.IsZero() {
		t.Errorf("the first lies at %+v", at)
	}
	put(second)
	same := func(got []suppression.Segment, want ...suppression.Segment) {
		t.Helper()
		for i := range got {
			if p := got[i].Place; p.Sequence == 0 || i == len(got)-1 && (p.Sequence != last().Sequence || !p.Stored.Equal(last().Stored)) {
				t.Errorf("segment %d lies at %+v, the last at %+v", i, p, last())
			}
			got[i].Place, got[i].Parts = suppression.Place{}, 0
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("segments (-put +got):\n%s", diff)
		}
	}
	same(after(0), first, second)
	same(after(at.Sequence), second)
	// The same order again adds nothing, whatever it says now.
	changed := first
	changed.By, changed.Hashes = "eve", []uint64{2}
	put(changed)
	same(after(0), first, second)
}
