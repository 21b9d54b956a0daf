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

// Ledgers is all definitions and ledgers of a store. It is safe for concurrent
// use, by several processes on the same store too.
type Ledgers struct {
	store Store
	// slot lets one campaign of this process at a time into the ledgers. Two at a
	// time would only cause conflicts.
	slot chan struct{}
	// account is that of the campaigns, where there are several; empty: there is one.
	account string
	// required: a campaign without a limit above it has no room.
	required bool
}

var _ runner.Budgets = (*Ledgers)(nil)

// NewLedgers returns the book of a store.
func NewLedgers(s Store) *Ledgers { return &Ledgers{store: s, slot: make(chan struct{}, 1)} }

// In is the same book for the campaigns of one of several accounts: they fall under its
// budget too. Empty: there is one account, and no look at a budget of its own.
func (b *Ledgers) In(account string) *Ledgers {
	in := *b
	in.account = account
	return &in
}

// scopes are those of whom a campaign's cost counts for, its source first.
func (b *Ledgers) scopes(source string) []Scope {
	if b.account == "" {
		return []Scope{Scope(source), Account}
	}
	return []Scope{Scope(source), OfAccount(b.account), Account}
}

// Require makes every campaign wait that falls under no limit, until a limit is
// set.
func (b *Ledgers) Require() { b.required = true }

// ErrUndefined means that a limit is required and none is set.
var ErrUndefined = errors.New("budgets are required, and none is set")

// Exist says that a book may hold a budget.
func (b *Ledgers) Exist() bool { return true }

// Room says whether an amount has room now in every ledger that it falls under.
// See [runner.Budgets].
func (b *Ledgers) Room(ctx context.Context, key campaign.Key, amount campaign.Money, at time.Time) error {
	lines, err := b.limitedPeriodsOf(ctx, key.Source, at)
	if err == nil {
		err = b.room(ctx, lines, key, amount)
	}
	if err != nil {
		return fmt.Errorf("look for room for %s: %w", key, err)
	}
	return nil
}

// room looks into each ledger, and names the one that has none.
func (b *Ledgers) room(ctx context.Context, lines []budgetPeriod, key campaign.Key, amount campaign.Money) error {
	for _, l := range lines {
		page, _, err := read[Ledger](ctx, b.store, l.ledger)
		if err != nil {
			return err
		}
		if err := page.checkNotCharged(l, key.String(), amount); err != nil {
			return err
		}
	}
	return nil
}

// Reserve puts an amount into every ledger that it falls under, or into none.
// See [runner.Budgets].
func (b *Ledgers) Reserve(ctx context.Context, key campaign.Key, amount campaign.Money, at time.Time) error {
	lines, err := b.limitedPeriodsOf(ctx, key.Source, at)
	if err != nil {
		return fmt.Errorf("reserve for %s: %w", key, err)
	}
	if len(lines) == 0 {
		return nil
	}
	leave, err := b.acquireSlot(ctx)
	if err != nil {
		return fmt.Errorf("reserve for %s: %w", key, err)
	}
	defer leave()
	// A look before the first write: an amount that does not fit writes nothing.
	if err := b.room(ctx, lines, key, amount); err != nil {
		return fmt.Errorf("reserve for %s: %w", key, err)
	}
	f := reserving{book: b, key: key.String(), amount: amount, at: time.Now().Round(0).UTC(), manyLedgers: len(lines) > 1}
	for _, l := range lines {
		// A crash here leaves the amount in some ledgers, pending. The campaign
		// comes again and files the rest, or it ends and all of it is taken out.
		err := f.put(ctx, l)
		if over := (*runner.OverBudget)(nil); errors.As(err, &over) {
			// Another campaign was quicker: take back what this call has filed.
			if undone := f.undo(ctx); undone != nil {
				return fmt.Errorf("reserve for %s: %w", key, undone)
			}
		}
		if err != nil {
			return fmt.Errorf("reserve for %s: %w", key, err)
		}
	}
	f.finish(ctx, lines)
	return nil
}

// checkNotCharged says whether a campaign may be filed: not if its cost is
// counted already.
func (l Ledger) checkNotCharged(b budgetPeriod, key string, amount campaign.Money) error {
	if l.counted(key) {
		return nil
	}
	return l.admits(b, key, amount, time.Now())
}

// reserving is one reservation on its way into several ledgers.
type reserving struct {
	book        *Ledgers
	key         string
	amount      campaign.Money
	at          time.Time // stamps what this call files
	manyLedgers bool
	done        []priorLedger
}

// priorLedger is what a ledger had before.
type priorLedger struct {
	ledger string
	before *Reservation
}

// put files the amount in one ledger.
func (f *reserving) put(ctx context.Context, l budgetPeriod) error {
	var was priorLedger
	wrote := false
	err := update(ctx, f.book.store, l.ledger, func(page Ledger) (Ledger, bool, error) {
		wrote = false
		if err := page.checkNotCharged(l, f.key, f.amount); err != nil {
			return page, false, err
		}
		was = priorLedger{ledger: l.ledger}
		if old, ok := page.Open[f.key]; ok {
			was.before = &old
			if !old.Pending && old.Amount.GreaterThanOrEqual(f.amount.Amount) {
				return page, false, nil
			}
		} else if page.counted(f.key) {
			return page, false, nil
		}
		wrote = true
		return page.with(f.key, Reservation{Amount: f.amount.Amount, At: f.at, Pending: f.manyLedgers}, f.amount.Currency), true, nil
	})
	if err == nil && wrote {
		f.done = append(f.done, was)
	}
	return err
}

// undo takes back what this call has filed, and nothing else. A run that was held
// up may be refused here while a later run of the same campaign is about to
// confirm.
func (f *reserving) undo(ctx context.Context) error {
	for _, was := range slices.Backward(f.done) {
		err := update(ctx, f.book.store, was.ledger, func(page Ledger) (Ledger, bool, error) {
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

// finish marks the reservation in every ledger: it will not be taken back. If a
// mark cannot be written, others wait a little longer than they must, and nothing
// is wrong.
func (f *reserving) finish(ctx context.Context, lines []budgetPeriod) {
	if !f.manyLedgers {
		return
	}
	for _, l := range lines {
		err := update(ctx, f.book.store, l.ledger, func(page Ledger) (Ledger, bool, error) {
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
func (b *Ledgers) Settle(ctx context.Context, key campaign.Key, cost campaign.Money, at time.Time) error {
	lines, err := b.periodsOf(ctx, key.Source, at)
	if err != nil {
		return fmt.Errorf("settle %s: %w", key, err)
	}
	leave, err := b.acquireSlot(ctx)
	if err != nil {
		return fmt.Errorf("settle %s: %w", key, err)
	}
	defer leave()
	for _, l := range lines {
		// A crash between two: the repeat finds the first one counted.
		if err := b.settle(ctx, l, key.String(), cost); err != nil {
			return fmt.Errorf("settle %s: %w", key, err)
		}
	}
	return nil
}

// settle counts a campaign in one budget. That is where it is filed, which may be
// a period in the zone of an earlier definition; else the period in which it
// falls now.
func (b *Ledgers) settle(ctx context.Context, l budgetPeriod, key string, cost campaign.Money) error {
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
	err := update(ctx, b.store, home, func(page Ledger) (Ledger, bool, error) {
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
func (b *Ledgers) release(ctx context.Context, ledger, key string) error {
	return update(ctx, b.store, ledger, func(page Ledger) (Ledger, bool, error) {
		_, open := page.Open[key]
		return page.without(key), open, nil
	})
}

// periodsOf are the budgets that a campaign falls under, its source's before its
// account's, and that of all sources last. Definitions are read each time: a change holds for the next
// reservation.
func (b *Ledgers) periodsOf(ctx context.Context, source string, at time.Time) ([]budgetPeriod, error) {
	var all []budgetPeriod
	for _, scope := range b.scopes(source) {
		d, _, err := read[Definition](ctx, b.store, definitionName(scope))
		if err != nil {
			return nil, err
		}
		for _, l := range d.periodsAt(at) {
			if b.account != "" && scope == Account {
				l.who = "the total of all accounts"
			}
			all = append(all, l)
		}
	}
	return all, nil
}

// limitedPeriodsOf are those of them that have a limit.
func (b *Ledgers) limitedPeriodsOf(ctx context.Context, source string, at time.Time) ([]budgetPeriod, error) {
	all, err := b.periodsOf(ctx, source, at)
	all = slices.DeleteFunc(all, func(l budgetPeriod) bool { return l.limit.Currency == "" })
	if err == nil && len(all) == 0 && b.required {
		err = fmt.Errorf("%w for %s, its account or all together: staffetta budget set %[2]s", ErrUndefined, source)
	}
	return all, err
}

// acquireSlot waits for the slot.
func (b *Ledgers) acquireSlot(ctx context.Context) (leave func(), err error) {
	select {
	case b.slot <- struct{}{}:
		return func() { <-b.slot }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
