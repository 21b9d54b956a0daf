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

// ErrNone means that no budget has been set yet.
var ErrNone = errors.New("no budget has been set yet")

// EnforcedWithin is how long a look that found no budget is believed. So the very
// first budget is enforced this long after it was set at the latest, by every
// replica, even by one that does not hear of it.
const EnforcedWithin = 15 * time.Second

// recheckEvery is the pause between two looks while there is no budget: two of
// them fit into EnforcedWithin.
const recheckEvery = 5 * time.Second

// Lazy enforces budgets from the moment there are any. Until then it answers
// from memory, and budgets cost a campaign nothing. If the last look is too old
// or has failed, Exist answers true, and Room, Reserve and Settle look again
// before they answer. It is safe for concurrent use.
type Lazy struct {
	find func(context.Context) (*Ledgers, error)

	// noneAt is an instant just before the last look that found no budget; nil:
	// no look has found that yet.
	noneAt atomic.Pointer[time.Time]
	book   atomic.Pointer[Ledgers] // set once, and never taken back
	found  chan struct{}           // closed when book is set
	once   sync.Once
}

var _ runner.Budgets = (*Lazy)(nil)

// NewLazy returns a Lazy that has not looked yet. Find opens the budgets,
// or returns [ErrNone].
func NewLazy(find func(context.Context) (*Ledgers, error)) *Lazy {
	return &Lazy{find: find, found: make(chan struct{})}
}

// Find finds the budgets; nil: there are none.
func (l *Lazy) Find(ctx context.Context) (*Ledgers, error) {
	if b := l.book.Load(); b != nil {
		return b, nil
	}
	asked := time.Now()
	b, err := l.find(ctx)
	switch {
	case errors.Is(err, ErrNone):
		l.noneAt.Store(&asked)
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("it is not known whether there are budgets: %w", err)
	}
	l.once.Do(func() {
		l.book.Store(b)
		close(l.found)
	})
	return l.book.Load(), nil
}

// Watch looks every few seconds until there are budgets, and returns them; nil:
// ctx has ended. Tell gets the error that keeps Watch from looking, and nil once
// it can look again.
func (l *Lazy) Watch(ctx context.Context, tell func(error)) *Ledgers {
	tick := time.NewTicker(recheckEvery)
	defer tick.Stop()
	var failed bool
	for {
		b, err := l.Find(ctx)
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

// Found says that budgets are known to exist.
func (l *Lazy) Found() bool { return l.book.Load() != nil }

// Exist says whether there may be a budget. See [runner.Budgets].
func (l *Lazy) Exist() bool {
	none := l.noneAt.Load()
	if l.book.Load() != nil || none == nil {
		return true
	}
	// Both clocks are compared: suspending a machine stops one of them.
	now := time.Now()
	monotonic, wall := now.Sub(*none), now.Round(0).Sub(none.Round(0))
	return monotonic >= EnforcedWithin || wall >= EnforcedWithin || wall < 0
}

// In is the same budgets for the campaigns of one of several accounts. See [Ledgers.In].
func (l *Lazy) In(account string) runner.Budgets { return lazyIn{l, account} }

// lazyIn is a Lazy for the campaigns of one account.
type lazyIn struct {
	*Lazy
	account string
}

func (l lazyIn) find(ctx context.Context) (*Ledgers, error) {
	b, err := l.Find(ctx)
	if b == nil {
		return nil, err
	}
	return b.In(l.account), nil
}

// Room looks for budgets first. See [runner.Budgets].
func (l lazyIn) Room(ctx context.Context, key campaign.Key, amount campaign.Money, at time.Time) error {
	b, err := l.find(ctx)
	if b == nil {
		return err
	}
	return b.Room(ctx, key, amount, at)
}

// Reserve looks for budgets first. See [runner.Budgets].
func (l lazyIn) Reserve(ctx context.Context, key campaign.Key, amount campaign.Money, at time.Time) error {
	b, err := l.find(ctx)
	if b == nil {
		return err
	}
	return b.Reserve(ctx, key, amount, at)
}

// Settle looks for budgets first. See [runner.Budgets].
func (l lazyIn) Settle(ctx context.Context, key campaign.Key, cost campaign.Money, at time.Time) error {
	b, err := l.find(ctx)
	if b == nil {
		return err
	}
	return b.Settle(ctx, key, cost, at)
}

// Room looks for budgets first. See [runner.Budgets].
func (l *Lazy) Room(ctx context.Context, key campaign.Key, amount campaign.Money, at time.Time) error {
	return l.In("").Room(ctx, key, amount, at)
}

// Reserve looks for budgets first. It is only called if Exist says true. See
// [runner.Budgets].
func (l *Lazy) Reserve(ctx context.Context, key campaign.Key, amount campaign.Money, at time.Time) error {
	return l.In("").Reserve(ctx, key, amount, at)
}

// Settle looks for budgets first. See [runner.Budgets].
func (l *Lazy) Settle(ctx context.Context, key campaign.Key, cost campaign.Money, at time.Time) error {
	return l.In("").Settle(ctx, key, cost, at)
}
