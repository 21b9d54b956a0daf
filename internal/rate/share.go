package rate

import (
	"context"
	"errors"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Store keeps the record of one account, in one place that all processes share.
type Store interface {
	// Read returns the latest acknowledged version of the record, its revision, and when
	// the server stored it. No data: it was lost; the revision is that to make it with.
	// Whoever opens the store for the first time of all has made it ([First]).
	Read(ctx context.Context) (r Stored, err error)
	// Write stores the record if it still has this revision, and returns the new one. A
	// revision of an earlier connection counts for nothing. [ErrConflict]: it is not
	// stored. Any other error: nobody knows.
	Write(ctx context.Context, data []byte, revision uint64) (uint64, error)
}

// Stored is a record as it was read.
type Stored struct {
	Data     []byte // nil: there is none
	Revision uint64
	At       time.Time // when the server stored it
	// Connection is another one than before if the way to the store was broken meanwhile.
	Connection uint64
}

// ErrConflict says that somebody else has written the record.
var ErrConflict = errors.New("somebody else has written it")

// Options are what a share needs.
type Options struct {
	Store   Store         // required
	Name    string        // of this process, like no other; required
	Limits  Limits        // of the account; not both none
	Timeout time.Duration // how long after its leaving a request may still arrive; required
	Log     *slog.Logger  // nil: nothing is said
	// Clocks reads a clock that is never set and one that people look at. Nil: those of
	// this machine.
	Clocks func() (steady, wall time.Duration)
}

const (
	// every is the pause between two looks at the record while there is work, hurry that
	// while a confirm waits.
	every = 500 * time.Millisecond
	hurry = 200 * time.Millisecond
	// renew is how long before it lapses what is held is renewed.
	renew = 3 * time.Second
	// settle is how long nothing new is taken after the store did not answer, or on a new
	// connection while there are others. They were perhaps cut off as well, and one whose
	// write was taken back says so first.
	settle = 5 * time.Second
	// verified is how long after its last write a process looks once more whether it is
	// still there: a cluster that loses its power loses what it has stored just before.
	verified = 2 * time.Second
	// linger is how long a process that does nothing keeps what it has.
	linger = 1500 * time.Millisecond
	// answerWithin is how long the store may take over one answer.
	answerWithin = 3 * time.Second
	// lostAfter is how long a record must be missing before it counts as lost: whoever
	// makes the first one of all is just about to.
	lostAfter = 2 * time.Second
	// tries bounds the conflicts in a row.
	tries = 5
)

// Share is the tokens that this process has of an account that others use as well. It is
// [Tokens]. It writes while there is work, and nothing without.
//
// What it holds is certain until it lapses, also while nobody answers. Then it has nothing,
// until it has written again.
type Share struct {
	o      Options
	rand   *rand.Rand // the loop's own
	wake   chan struct{}
	onFree func()

	mu      sync.Mutex
	clock   *Clock
	in      int // tokens of the minute in hand
	out     int // taken, not left
	void    int // taken, not left, and no longer ours
	flying  int // left, not answered
	seconds int // tokens of the second, also those in use
	cooling []time.Duration
	until   int64         // when it lapses, by the server's time in milliseconds
	spent   map[int64]int // by slot, not yet in the record
	waiting [Classes]int
	used    int       // calls of late
	heard   []hearing // what answers have said of the account
	limit   int       // what the gateway speaks of, see Record.Limit; zero: nothing new

	// What is known of the record.
	record     Record
	revision   uint64
	connection uint64
	fresh      bool     // record and revision are the latest, as far as is known
	version    uint64   // of our own part, as it was written last
	acked      uint64   // the same, as the store has acknowledged it
	standing   bool     // our part is in the record
	close      bool     // the record is to be closed: a write was taken back
	verify     bool     // whether our last write is still there is to be looked at once more
	doubt      *plan    // a write of which nobody knows whether it is stored
	wrote      uint64   // the revision of our last write; zero: its date is known, or none is
	wroteAt    instant  // just before it
	lookedAt   *instant // when the record was last looked at
	jitter     time.Duration
	troubled   *instant // when the store did not answer last
	missing    *instant // since when there is no record
	failing    bool
	others     int
}

// hearing is what one answer said is left of the limit, and the earliest instant at
// which the gateway can have counted, in milliseconds of the server's time.
type hearing struct {
	limit, left int
	at          int64
	ago         time.Duration // how long before it was told
	told        instant
}

// NewShare has nothing yet. Run does the work.
func NewShare(o Options) *Share {
	if o.Clocks == nil {
		o.Clocks = machine()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	// What begins together must not be in each other's way for ever.
	name := fnv.New64a()
	name.Write([]byte(o.Name))
	return &Share{o: o, rand: rand.New(rand.NewPCG(name.Sum64(), 0)), wake: make(chan struct{}, 1), onFree: func() {}, clock: newClock(o.Clocks), spent: map[int64]int{}}
}

// lapse takes away what is no longer ours. The lock is held.
func (s *Share) lapse() {
	if s.until == 0 {
		return
	}
	if _, high := s.clock.now(); ms(high) < s.until-1 {
		return
	}
	s.void += s.out
	s.in, s.out, s.seconds, s.until = 0, 0, 0, 0
}

// secondsFree is how many tokens of the second are not in use. The lock is held.
func (s *Share) secondsFree() int {
	now := s.clock.instant().slow
	for len(s.cooling) > 0 && s.cooling[0] <= now {
		s.cooling = s.cooling[1:]
	}
	return s.seconds - s.out - s.flying - len(s.cooling)
}

func (s *Share) Take() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lapse()
	if s.in <= 0 || s.secondsFree() <= 0 {
		return false
	}
	s.in--
	s.out++
	s.used++
	return true
}

func (s *Share) In() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lapse()
	switch {
	case s.in <= 0:
		return Never
	case s.secondsFree() > 0:
		return 0
	case len(s.cooling) > 0:
		return max(s.cooling[0]-s.clock.instant().slow, time.Millisecond)
	}
	return Never
}

func (s *Share) Want(waiting [Classes]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	more := sum(waiting) > s.in && sum(s.waiting) <= s.in || waiting[Confirming] > 0 && s.waiting[Confirming] == 0
	s.waiting = waiting
	if more {
		s.nudge()
	}
}

func (s *Share) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Share) Back() {
	defer s.onFree()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lapse()
	if s.void > 0 {
		s.void--
		return
	}
	s.out--
	s.in++
}

func (s *Share) Leave() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lapse()
	if s.void > 0 {
		s.void--
		return false
	}
	s.out--
	s.flying++
	return true
}

func (s *Share) Answered() { s.land(0) }

func (s *Share) Unanswered(ago time.Duration) { s.land(max(s.o.Timeout-ago, 0)) }

// land ends a request that arrives in so long at the latest.
func (s *Share) land(in time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flying--
	_, high := s.clock.now()
	s.spent[slotOf(high+in)]++
	again := s.clock.instant().slow + in + second + slack*time.Millisecond
	i, _ := slices.BinarySearch(s.cooling, again)
	s.cooling = slices.Insert(s.cooling, i, again)
	s.nudge()
}

// Heard takes what an answer says. It is judged by the next look at the record: that one
// has in it whatever was taken before the answer.
func (s *Share) Heard(limit, left int, ago time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.o.Limits.Minute <= 0 || limit <= s.o.Limits.Second { // it speaks of the second, if at all
		limit = -1
	}
	if s.record.Limit != limit && (limit > 0 || s.record.Limit == 0) {
		s.limit = limit
		s.nudge()
	}
	if limit < 0 || left < 0 || left > limit || len(s.heard) >= heardAtOnce {
		return
	}
	low, _ := s.clock.now()
	s.heard = append(s.heard, hearing{limit: limit, left: left, at: ms(low - ago), ago: ago, told: s.clock.instant()})
}

// heardAtOnce bounds how many answers are remembered until the next look.
const heardAtOnce = 100

func (s *Share) OnFree(f func()) { s.onFree = f }

// Others is how many calls of somebody else the gateway has counted in the last minute,
// at least.
func (s *Share) Others() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.others
}

// Limit is the account's in a minute, as far as it is known.
func (s *Share) Limit() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.record.limits(s.o.Limits).Minute
}

// Used is how many calls of the last minute count, or may still count, as the record has
// it: of all processes together, and what they hold in hand.
func (s *Share) Used() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	low, _ := s.clock.now()
	used, _ := s.record.inUse(low)
	return used
}

// Closed is for how long nothing new is taken, because a record was lost; zero: it is.
func (s *Share) Closed() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	low, _ := s.clock.now()
	switch {
	case s.missing != nil, s.record.Lost, s.close:
		return heldFor + s.o.Timeout + minute
	case s.record.Closed == 0:
		return 0
	}
	return max(time.Duration(s.record.Closed)*time.Millisecond-low, 0)
}
