package budget

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// ErrNone means that nobody has set a budget yet.
var ErrNone = errors.New("no budget has been set yet")

// HeededWithin is how long a look that found no budget is believed. So a budget
// that is the first is heeded so long after it was set at the latest, by
// everybody, whatever has kept them from hearing of it.
const HeededWithin = 15 * time.Second

// lookEvery is how often somebody looks while there is none: twice before the
// last look is no longer believed.
const lookEvery = 5 * time.Second

// Lookout heeds budgets as soon as there are any. Until then it answers from
// memory, and a campaign costs nothing more. What it does not know it does not
// take for no: who asks it then waits until it could look. It is safe for
// concurrent use.
type Lookout struct {
	find func(context.Context) (*Book, error)

	// none is an instant before the last look that found nothing; nil: there was
	// none yet.
	none  atomic.Pointer[time.Time]
	book  atomic.Pointer[Book] // once there is one it is never given up
	found chan struct{}        // closed then
	once  sync.Once
}

var _ runner.Budgets = (*Lookout)(nil)

// NewLookout returns a lookout that has not looked yet. Find opens the budgets,
// or says [ErrNone].
func NewLookout(find func(context.Context) (*Book, error)) *Lookout {
	return &Lookout{find: find, found: make(chan struct{})}
}

// Look finds out whether there are budgets; nil: there are none.
func (l *Lookout) Look(ctx context.Context) (*Book, error) {
	if b := l.book.Load(); b != nil {
		return b, nil
	}
	asked := time.Now()
	b, err := l.find(ctx)
	switch {
	case errors.Is(err, ErrNone):
		l.none.Store(&asked)
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("nobody can say whether there are budgets: %w", err)
	}
	l.once.Do(func() {
		l.book.Store(b)
		close(l.found)
	})
	return l.book.Load(), nil
}

// Watch looks every few seconds until there are budgets, and returns them; nil:
// ctx has ended. Tell is told what keeps it from looking, and nil once it can
// again.
func (l *Lookout) Watch(ctx context.Context, tell func(error)) *Book {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var failed bool
	for {
		b, err := l.Look(ctx)
		if b != nil || ctx.Err() != nil {
			return b
		}
		if failed != (err != nil) {
			failed = err != nil
			tell(err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.found:
		case <-tick.C:
		}
	}
}

// Found says that there are budgets for certain.
func (l *Lookout) Found() bool { return l.book.Load() != nil }

// Exist says whether there may be a budget. See [runner.Budgets].
func (l *Lookout) Exist() bool {
	none := l.none.Load()
	if l.book.Load() != nil || none == nil {
		return true
	}
	// By both clocks: a machine that was suspended stops one of them.
	now := time.Now()
	monotonic, wall := now.Sub(*none), now.Round(0).Sub(none.Round(0))
	return monotonic >= HeededWithin || wall >= HeededWithin || wall < 0
}

// Room looks first as well. See [runner.Budgets].
func (l *Lookout) Room(ctx context.Context, key campaign.Key, amount campaign.Money, at time.Time) error {
	b, err := l.Look(ctx)
	if b == nil {
		return err
	}
	return b.Room(ctx, key, amount, at)
}

// Reserve looks first: it is asked for nothing unless there may be budgets. See
// [runner.Budgets].
func (l *Lookout) Reserve(ctx context.Context, key campaign.Key, amount campaign.Money, at time.Time) error {
	b, err := l.Look(ctx)
	if b == nil {
		return err
	}
	return b.Reserve(ctx, key, amount, at)
}

// Settle looks first as well. See [runner.Budgets].
func (l *Lookout) Settle(ctx context.Context, key campaign.Key, cost campaign.Money, at time.Time) error {
	b, err := l.Look(ctx)
	if b == nil {
		return err
	}
	return b.Settle(ctx, key, cost, at)
}
