package button

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// Store keeps the record, in one place that all replicas share. It is safe for
// concurrent use.
type Store interface {
	// Get returns the latest acknowledged version, from the leader, never a stale
	// one. Without a record there is no data, and the revision to create it with.
	Get(ctx context.Context, name string) (data []byte, rev loop.Revision, err error)
	// Put stores the record if it still is what rev says, durably.
	// [loop.ErrConflict]: it is not stored. Any other error: unknown.
	Put(ctx context.Context, name string, data []byte, busy bool, rev loop.Revision) error
}

// Record is the name of the record.
const Record = "hold"

const (
	// believedFor is how long a look is believed, from before it was made. So what
	// is pressed is heeded so long after it was stored at the latest.
	believedFor = time.Second
	// lookWithin is how long a look may take.
	lookWithin = 2 * time.Second
	// watchEvery is how often somebody looks where there is no work.
	watchEvery = 5 * time.Second
	// tries bounds the attempts to change the record.
	tries = 20
)

// Button is the red button, and the port runner.Button.
type Button struct {
	store Store
	last  atomic.Pointer[lastLook]
	slot  chan struct{} // of one: whoever looks has it, and the others wait for what is seen
}

// lastLook is what was seen, and from when on it is believed.
type lastLook struct {
	state State
	err   error
	from  time.Time
}

// holds says that a look is still believed, by both clocks: a machine that was
// suspended stops one of them.
func (l *lastLook) holds() bool {
	if l == nil {
		return false
	}
	now := time.Now()
	monotonic, wall := now.Sub(l.from), now.Round(0).Sub(l.from.Round(0))
	return monotonic < believedFor && wall >= 0 && wall < believedFor
}

var _ runner.Button = (*Button)(nil)

// New returns the button whose record is in the store.
func New(s Store) *Button { return &Button{store: s, slot: make(chan struct{}, 1)} }

// Held says why nothing of a source may be begun or confirmed now. See
// [runner.Button].
func (b *Button) Held(source string) string {
	l := b.look()
	if l.err != nil {
		return "nobody can say whether it is held: " + l.err.Error()
	}
	return l.state.Words(source)
}

// Last is what was seen last, for whoever may not wait.
func (b *Button) Last() (State, error) {
	if l := b.last.Load(); l != nil {
		return l.state, l.err
	}
	return State{}, nil
}

// look is the last look, or another one if that is too old.
func (b *Button) look() *lastLook {
	if l := b.last.Load(); l.holds() {
		return l
	}
	b.slot <- struct{}{}
	defer func() { <-b.slot }()
	if l := b.last.Load(); l.holds() {
		return l // somebody looked meanwhile
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookWithin)
	defer cancel()
	l := &lastLook{from: time.Now()}
	if l.state, l.err = b.State(ctx); l.err != nil {
		l.from = time.Now() // it says no, so it may be believed for longer
	}
	b.last.Store(l)
	return l
}

// Watch looks every few seconds until ctx ends, so that a change is seen where there
// is no work as well, and tells of each.
func (b *Button) Watch(ctx context.Context, tell func(before, now State, err error)) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	var before State
	var failed error
	for {
		switch l := b.look(); {
		case ctx.Err() != nil:
			return
		case l.err != nil && failed == nil, l.err == nil && (failed != nil || changed(before, l.state)):
			tell(before, l.state, l.err)
			fallthrough
		default:
			if failed = l.err; l.err == nil {
				before = l.state
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// changed says that something else is held.
func changed(a, b State) bool {
	if len(a.Held) != len(b.Held) {
		return true
	}
	for source, p := range b.Held {
		if had, held := a.Held[source]; !held || !had.Since.Equal(p.Since) {
			return true
		}
	}
	return false
}

// State reads how the button stands.
func (b *Button) State(ctx context.Context) (State, error) {
	s, _, err := b.read(ctx)
	return s, err
}

func (b *Button) read(ctx context.Context) (State, loop.Revision, error) {
	data, rev, err := b.store.Get(ctx, Record)
	if err != nil {
		return State{}, rev, fmt.Errorf("read what is held: %w", err)
	}
	s, err := decode(data)
	if err != nil {
		return s, rev, fmt.Errorf("read what is held: %w", err)
	}
	return s, rev, nil
}

// Press holds a source, or [All]. When it returns without an error every service
// heeds it: what was seen before it was stored is not believed any more.
func (b *Button) Press(ctx context.Context, source, by, why string) (State, error) {
	s, _, err := b.PressAs(ctx, source, Word{By: by, Why: why})
	return s, err
}

// PressAs is Press on somebody's order, which may come again: then nothing is changed.
// What cannot be is a [*loop.Refusal].
func (b *Button) PressAs(ctx context.Context, source string, w Word) (State, Change, error) {
	if err := valid(source, w, true); err != nil {
		return State{}, Change{}, fmt.Errorf("hold: %w", err)
	}
	s, c, err := b.change(ctx, w.Order, func(s State) (State, error) {
		return s.press(source, w, time.Now().Round(0).UTC())
	})
	if err != nil {
		return s, c, fmt.Errorf("hold: %w", err)
	}
	select {
	case <-ctx.Done():
		err = fmt.Errorf("hold: it is stored, and heeded within a second: %w", context.Cause(ctx))
	case <-time.After(believedFor):
	}
	return s, c, err
}

// Release lets go of a source, or of [All].
func (b *Button) Release(ctx context.Context, source, by, why string) (State, error) {
	s, _, err := b.ReleaseAs(ctx, source, Word{By: by, Why: why})
	return s, err
}

// ReleaseAs is Release on somebody's order. See PressAs.
func (b *Button) ReleaseAs(ctx context.Context, source string, w Word) (State, Change, error) {
	if err := valid(source, w, false); err != nil {
		return State{}, Change{}, fmt.Errorf("release: %w", err)
	}
	s, c, err := b.change(ctx, w.Order, func(s State) (State, error) {
		return s.release(source, w, time.Now().Round(0).UTC())
	})
	if err != nil {
		return s, c, fmt.Errorf("release: %w", err)
	}
	return s, c, nil
}

// change stores the next state, from the start again if somebody else was quicker. What
// an order has done before is not done again.
func (b *Button) change(ctx context.Context, order string, edit func(State) (State, error)) (State, Change, error) {
	for range tries {
		s, rev, err := b.read(ctx)
		if err != nil {
			return s, Change{}, err
		}
		if c, obeyed := s.obeyed(order); obeyed {
			return s, c, nil
		}
		if s, err = edit(s); err != nil {
			return s, Change{}, err
		}
		c := s.Changes[len(s.Changes)-1]
		data, err := encode(s)
		if err != nil {
			return s, c, err
		}
		if err := b.store.Put(ctx, Record, data, len(s.Held) > 0, rev); !errors.Is(err, loop.ErrConflict) {
			if err != nil {
				err = fmt.Errorf("nobody can say whether it was stored; look, and do it again: %w", err)
			}
			return s, c, err
		}
	}
	return State{}, Change{}, fmt.Errorf("others were quicker %d times in a row", tries)
}
