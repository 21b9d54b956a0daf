package suppression

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/staffetta-io/staffetta/internal/loop"
)

// Store keeps segments. It is safe for concurrent use.
type Store interface {
	// Key is the secret of the hashes. With make it is made if there never was one; without,
	// the zero Key says that there never was. That it is lost is a [*loop.Refusal]: what was
	// hashed under it cannot be compared with any number.
	Key(ctx context.Context, make bool) (Key, error)

	// Last is where the last whole segment lies; zero: there is none.
	Last(ctx context.Context) (Place, error)

	// After yields the whole segments that lie behind a sequence, in their order, with
	// their hashes. It ends at the first error.
	After(ctx context.Context, sequence uint64) iter.Seq2[Segment, error]

	// Put stores a segment under the name of its order, unless there is one: then nothing is
	// changed. After a crash in between there is the whole segment, or none that counts, and
	// to put it again ends it.
	Put(ctx context.Context, s Segment) error
}

// Key makes hashes of numbers.
type Key struct {
	ID  string                            // tells it from any other; empty: there is none
	New func() func(number string) uint64 // each for one goroutine
}

// List is what is suppressed. It is read once, and from then on what was added. It is safe
// for concurrent use.
type List struct {
	store Store
	turn  chan struct{} // who has it reads
	known state         // guarded by turn
}

// NewList is the one that a store keeps.
func NewList(s Store) *List {
	return &List{store: s, turn: make(chan struct{}, 1), known: state{of: map[string]hashes{}}}
}

// state is what was read of the segments. What was handed out is never changed.
type state struct {
	key      Key
	at       Place
	segments []Segment // without hashes
	of       map[string]hashes
}

// now is all that the store holds at this moment. Nothing older is ever believed: what
// somebody was told is in effect is in effect here.
func (l *List) now(ctx context.Context) (state, error) {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return state{}, ctx.Err()
	}
	key, err := l.store.Key(ctx, false)
	if err != nil {
		return state{}, err
	}
	last, err := l.store.Last(ctx)
	switch {
	case err != nil:
		return state{}, err
	case key.ID == "" && last != (Place{}):
		return state{}, lost("of before")
	}
	next := l.known
	next.key = key
	if last.Sequence < next.at.Sequence || last.Sequence == next.at.Sequence && !last.Stored.Equal(next.at.Stored) || key.ID != l.known.key.ID {
		// The stream has gone back, or is another one: nothing that was read counts.
		next = state{key: key}
	}
	if last.Sequence > next.at.Sequence {
		if next, err = l.follow(ctx, next); err != nil {
			return state{}, err
		}
		if next.at.Sequence < last.Sequence {
			return state{}, fmt.Errorf("segment %d of what is suppressed is there, and was not among those that were read", last.Sequence)
		}
	}
	l.known = next
	return next, nil
}

// lost is the answer while nobody can say who is suppressed: nobody is taken for allowed.
func lost(key string) error {
	return &loop.Refusal{Note: fmt.Sprintf("numbers were suppressed under a secret that is lost (%s), and nobody can say which: restore KV_people together with the other streams, or suppress them again: docs/disaster.md", key)}
}

// follow reads what was added.
func (l *List) follow(ctx context.Context, s state) (state, error) {
	before := s.of
	s.of = map[string]hashes{}
	for scope, set := range before {
		s.of[scope] = set.clone()
	}
	s.segments = slices.Clip(s.segments)
	for segment, err := range l.store.After(ctx, s.at.Sequence) {
		switch {
		case err != nil:
			return s, err
		case segment.Key != s.key.ID:
			return s, lost(segment.Key)
		}
		set := s.of[segment.scope()]
		set.change(segment.Hashes, segment.Change == Suppressed)
		s.of[segment.scope()], s.at = set, segment.Place
		segment.Hashes = nil
		s.segments = append(s.segments, segment)
	}
	return s, nil
}

// For is what campaigns of a source are held against now.
func (l *List) For(ctx context.Context, source string) (Screen, error) {
	s, err := l.now(ctx)
	if err != nil {
		return Screen{}, fmt.Errorf("what is suppressed: %w", err)
	}
	screen := Screen{own: s.of[source], all: s.of[everybody]}
	for _, segment := range slices.Backward(s.segments) {
		if segment.binds(source) {
			screen.Last = segment.Place.Sequence
			break
		}
	}
	if !screen.Empty() {
		screen.hash = s.key.New()
	}
	return screen, nil
}

// everybody is the scope of what no source gets past.
const everybody = ""

// binds says that campaigns of a source are held against it; of an empty one, anybody's.
func (s Segment) binds(source string) bool {
	return source == "" || s.Source == everybody || s.Source == source
}

// Screen says of numbers whether they get nothing. It stays what it was when it was made,
// and is for one goroutine.
type Screen struct {
	Last     uint64 // where the last segment lies that it stands for; zero: there is none
	own, all hashes
	hash     func(string) uint64
}

// Empty says that it lets everybody through.
func (s Screen) Empty() bool { return s.own.empty() && s.all.empty() }

// Suppresses says that a number, in international format, gets nothing.
func (s Screen) Suppresses(e164 string) bool {
	if s.Empty() {
		return false
	}
	h := s.hash(e164)
	return s.own.has(h) || s.all.has(h)
}

// Segments are all of them, or those that bind a source, in their order, without hashes.
func (l *List) Segments(ctx context.Context, source string) ([]Segment, error) {
	s, err := l.now(ctx)
	if err != nil {
		return nil, err
	}
	var some []Segment
	for _, segment := range s.segments {
		if segment.binds(source) {
			some = append(some, segment)
		}
	}
	return some, nil
}

// About says which segments name a number, in their order, and for whom it is suppressed
// now: sources, or an empty one for everybody. With a source it says only what binds that. It
// reads all segments again.
func (l *List) About(ctx context.Context, e164, source string) (named []Segment, by []string, err error) {
	s, err := l.now(ctx)
	if err != nil || s.key.ID == "" {
		return nil, nil, err
	}
	hash := s.key.New()(e164)
	for segment, err := range l.store.After(ctx, 0) {
		if err != nil {
			return nil, nil, err
		}
		if _, found := slices.BinarySearch(segment.Hashes, hash); found && segment.binds(source) {
			segment.Hashes = nil
			named = append(named, segment)
		}
	}
	for _, scope := range slices.Sorted(maps.Keys(s.of)) {
		if s.of[scope].has(hash) && (Segment{Source: scope}).binds(source) {
			by = append(by, scope)
		}
	}
	return named, by, nil
}

// ErrNoNumber says that an order named nobody.
var ErrNoNumber = errors.New("there is no phone number in it")

// Obey carries out an order: it stores a segment of the numbers, and returns it. The same
// order again, also after a crash, returns what is stored and stores nothing. read hands over
// the numbers in international format, and says how many others there were that are none; it
// is asked only if the order was not carried out before.
func (l *List) Obey(ctx context.Context, s Segment, read func(take func(e164 string)) (malformed int64, err error)) (Segment, error) {
	if done, err := l.obeyed(ctx, s.Order); err != nil || done.Order != "" {
		return done, err
	}
	key, err := l.store.Key(ctx, true)
	if err != nil {
		return Segment{}, err
	}
	hash := key.New()
	if s.Malformed, err = read(func(e164 string) { s.Hashes = append(s.Hashes, hash(e164)) }); err != nil {
		return Segment{}, err
	}
	slices.Sort(s.Hashes)
	s.Hashes = slices.Compact(s.Hashes)
	if len(s.Hashes) == 0 {
		return Segment{}, ErrNoNumber
	}
	s.Key, s.Numbers = key.ID, int64(len(s.Hashes))
	if err := l.store.Put(ctx, s); err != nil {
		return Segment{}, err
	}
	// A crash from here on leaves a segment that the next delivery of the order finds.
	done, err := l.obeyed(ctx, s.Order)
	if err == nil && done.Order == "" {
		err = fmt.Errorf("the segment of order %s was stored, and is not there", s.Order)
	}
	return done, err
}

// obeyed is the segment of an order; without a name: there is none.
func (l *List) obeyed(ctx context.Context, order string) (Segment, error) {
	s, err := l.now(ctx)
	if err != nil {
		return Segment{}, err
	}
	for _, segment := range slices.Backward(s.segments) {
		if segment.Order == order {
			return segment, nil
		}
	}
	return Segment{}, nil
}
