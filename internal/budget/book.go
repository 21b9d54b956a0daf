package budget

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// Book is all definitions and ledgers of a store. It is safe for concurrent
// use, by several processes on the same store too.
type Book struct {
	store Store
	// turn lets one campaign of this process at a time into the ledgers: they
	// would only get into each other's way.
	turn chan struct{}
	// required: a campaign that falls under no limit has no room.
	required bool
}

var _ runner.Budgets = (*Book)(nil)

// NewBook returns the book of a store.
func NewBook(s Store) *Book { return &Book{store: s, turn: make(chan struct{}, 1)} }

// Require has every campaign wait that falls under no limit, until somebody sets one.
func (b *Book) Require() { b.required = true }

// ErrUndefined means that a limit is required and nobody has set one.
var ErrUndefined = errors.New("budgets are required, and none is set")

// Exist says that a book may hold a budget.
func (b *Book) Exist() bool { return true }

// Room says whether an amount has room now in every ledger that it falls under.
// See [runner.Budgets].
func (b *Book) Room(ctx context.Context, key campaign.Key, amount campaign.Money, at time.Time) error {
	lines, err := b.limits(ctx, key.Source, at)
	if err == nil {
		err = b.room(ctx, lines, key, amount)
	}
	if err != nil {
		return fmt.Errorf("look for room for %s: %w", key, err)
	}
	return nil
}

// room looks into each ledger, and says which has none.
func (b *Book) room(ctx context.Context, lines []line, key campaign.Key, amount campaign.Money) error {
	for _, l := range lines {
		page, _, err := read[Ledger](ctx, b.store, l.ledger)
		if err != nil {
			return err
		}
		if err := page.check(l, key.String(), amount); err != nil {
			return err
		}
	}
	return nil
}

// Reserve puts an amount into every ledger that it falls under, or into none.
// See [runner.Budgets].
func (b *Book) Reserve(ctx context.Context, key campaign.Key, amount campaign.Money, at time.Time) error {
	lines, err := b.limits(ctx, key.Source, at)
	if err != nil {
		return fmt.Errorf("reserve for %s: %w", key, err)
	}
	if len(lines) == 0 {
		return nil
	}
	leave, err := b.enter(ctx)
	if err != nil {
		return fmt.Errorf("reserve for %s: %w", key, err)
	}
	defer leave()
	// A look before the first write: what does not fit disturbs nobody.
	if err := b.room(ctx, lines, key, amount); err != nil {
		return fmt.Errorf("reserve for %s: %w", key, err)
	}
	f := filing{book: b, key: key.String(), amount: amount, at: time.Now().Round(0).UTC(), several: len(lines) > 1}
	for _, l := range lines {
		// A crash here leaves it in some ledgers, pending. The campaign comes
		// again and files the rest, or it ends and takes all of it out.
		err := f.put(ctx, l)
		if over := (*runner.OverBudget)(nil); errors.As(err, &over) {
			// Somebody was quicker here: take back what this call has filed.
			if undone := f.undo(ctx); undone != nil {
				return fmt.Errorf("reserve for %s: %w", key, undone)
			}
		}
		if err != nil {
			return fmt.Errorf("reserve for %s: %w", key, err)
		}
	}
	f.firm(ctx, lines)
	return nil
}

// check says whether a campaign may be filed. One whose cost was counted
// already takes no further room.
func (l Ledger) check(b line, key string, amount campaign.Money) error {
	if l.counted(key) {
		return nil
	}
	return l.admits(b, key, amount, time.Now())
}

// filing is one reservation on its way into several ledgers.
type filing struct {
	book    *Book
	key     string
	amount  campaign.Money
	at      time.Time // stamps what this call files
	several bool
	done    []filed
}

// filed is what a ledger had before.
type filed struct {
	ledger string
	before *Entry
}

// put files the amount in one ledger.
func (f *filing) put(ctx context.Context, l line) error {
	var was filed
	wrote := false
	err := change(ctx, f.book.store, l.ledger, func(page Ledger) (Ledger, bool, error) {
		wrote = false
		if err := page.check(l, f.key, f.amount); err != nil {
			return page, false, err
		}
		was = filed{ledger: l.ledger}
		if old, ok := page.Open[f.key]; ok {
			was.before = &old
			if !old.Pending && old.Amount.GreaterThanOrEqual(f.amount.Amount) {
				return page, false, nil
			}
		} else if page.counted(f.key) {
			return page, false, nil
		}
		wrote = true
		return page.with(f.key, Entry{Amount: f.amount.Amount, At: f.at, Pending: f.several}, f.amount.Currency), true, nil
	})
	if err == nil && wrote {
		f.done = append(f.done, was)
	}
	return err
}

// undo takes back what this call has filed, and nothing that anybody else has:
// a run that was held up may be refused here while another one, which came
// after it, is about to confirm.
func (f *filing) undo(ctx context.Context) error {
	for _, was := range slices.Backward(f.done) {
		err := change(ctx, f.book.store, was.ledger, func(page Ledger) (Ledger, bool, error) {
			e, ok := page.Open[f.key]
			if !ok || !e.At.Equal(f.at) {
				return page, false, nil
			}
			page = page.without(f.key)
			if was.before != nil {
				page = page.with(f.key, *was.before, page.Currency)
			}
			return page, true, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// firm says in every ledger that the reservation will not be taken back. If it
// cannot, others wait for it a little in vain, and nothing is wrong.
func (f *filing) firm(ctx context.Context, lines []line) {
	if !f.several {
		return
	}
	for _, l := range lines {
		err := change(ctx, f.book.store, l.ledger, func(page Ledger) (Ledger, bool, error) {
			e, ok := page.Open[f.key]
			if !ok || !e.Pending {
				return page, false, nil
			}
			e.Pending = false
			return page.with(f.key, e, page.Currency), true, nil
		})
		if err != nil {
			return
		}
	}
}

// Settle takes a campaign out of every ledger that it may be in and counts
// what it cost, once. See [runner.Budgets].
func (b *Book) Settle(ctx context.Context, key campaign.Key, cost campaign.Money, at time.Time) error {
	lines, err := b.lines(ctx, key.Source, at)
	if err != nil {
		return fmt.Errorf("settle %s: %w", key, err)
	}
	leave, err := b.enter(ctx)
	if err != nil {
		return fmt.Errorf("settle %s: %w", key, err)
	}
	defer leave()
	for _, l := range lines {
		// A crash between two: settled again, it finds the first one counted.
		if err := b.settle(ctx, l, key.String(), cost); err != nil {
			return fmt.Errorf("settle %s: %w", key, err)
		}
	}
	return nil
}

// settle counts a campaign in one budget: where it is filed, which may be under
// a period that the zone of an earlier definition gave it, else where it
// belongs now.
func (b *Book) settle(ctx context.Context, l line, key string, cost campaign.Money) error {
	home, counted := l.ledger, false
	for _, name := range l.before {
		page, _, err := read[Ledger](ctx, b.store, name)
		if err != nil {
			return err
		}
		counted = counted || page.counted(key)
		if _, open := page.Open[key]; open {
			home = name
		}
	}
	err := change(ctx, b.store, home, func(page Ledger) (Ledger, bool, error) {
		_, open := page.Open[key]
		switch {
		case open && (counted || page.counted(key)):
			return page.without(key), true, nil
		case open:
			return page.settled(key, cost, l.limit.Currency), true, nil
		case cost.Amount.IsZero(), l.limit.Currency == "", counted, page.counted(key):
			return page, false, nil
		}
		return page.settled(key, cost, l.limit.Currency), true, nil
	})
	for _, name := range append([]string{l.ledger}, l.before...) {
		if err == nil && name != home {
			err = b.release(ctx, name, key)
		}
	}
	return err
}

// release takes a reservation out of one ledger.
func (b *Book) release(ctx context.Context, ledger, key string) error {
	return change(ctx, b.store, ledger, func(page Ledger) (Ledger, bool, error) {
		_, open := page.Open[key]
		return page.without(key), open, nil
	})
}

// lines are the budgets that a campaign falls under, the narrow ones first.
// Definitions are read each time: a change holds for the next reservation.
func (b *Book) lines(ctx context.Context, source string, at time.Time) ([]line, error) {
	var all []line
	for _, scope := range []Scope{Scope(source), Account} {
		d, _, err := read[Definition](ctx, b.store, definitionName(scope))
		if err != nil {
			return nil, err
		}
		all = append(all, d.lines(at)...)
	}
	return all, nil
}

// limits are those of them that limit anything.
func (b *Book) limits(ctx context.Context, source string, at time.Time) ([]line, error) {
	all, err := b.lines(ctx, source, at)
	all = slices.DeleteFunc(all, func(l line) bool { return l.limit.Currency == "" })
	if err == nil && len(all) == 0 && b.required {
		err = fmt.Errorf("%w for %s or the account: staffetta budget set %[2]s", ErrUndefined, source)
	}
	return all, err
}

// enter waits for the turn.
func (b *Book) enter(ctx context.Context) (leave func(), err error) {
	select {
	case b.turn <- struct{}{}:
		return func() { <-b.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
