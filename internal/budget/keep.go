package budget

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Set changes a definition, and records who did it and when. It holds for the
// next reservation; what is reserved stays reserved.
func (b *Ledgers) Set(ctx context.Context, scope Scope, e Edit) (Definition, error) {
	if err := scope.check(); err != nil {
		return Definition{}, fmt.Errorf("set budget: %w", err)
	}
	var set Definition
	err := update(ctx, b.store, definitionName(scope), func(d Definition) (Definition, bool, error) {
		d.Scope = scope
		if n, _, _ := d.Obeyed(e.Order); n > 0 {
			set = d
			return d, false, nil // it has come again
		}
		now := time.Now().Round(0).UTC()
		var err error
		if set, err = d.apply(e, now); err == nil {
			err = b.sameMoney(ctx, d.currency(), set, now)
		}
		if err == nil && set.Earlier > d.Earlier {
			// The record of its own comes first: after a crash the change is in both places.
			err = b.keepEarlier(ctx, Earlier{schema, scope, set.Earlier, d.Changes[0]})
		}
		return set, err == nil, err
	})
	if err != nil {
		return Definition{}, fmt.Errorf("set budget of %s: %w", scope, err)
	}
	return set, nil
}

// keepEarlier stores a change that no longer fits into its definition, once.
func (b *Ledgers) keepEarlier(ctx context.Context, e Earlier) error {
	return update(ctx, b.store, changeName(e.Scope, e.N), func(old Earlier) (Earlier, bool, error) {
		return e, old.N == 0, nil
	})
}

// History is every change of a budget, the latest last.
func (b *Ledgers) History(ctx context.Context, d Definition) ([]Change, error) {
	names, err := b.store.List(ctx, d.Scope.recordName(changes)+".", false)
	if err != nil {
		return nil, fmt.Errorf("list the changes of %s: %w", d.Scope, err)
	}
	var all []Change
	for _, name := range names {
		e, _, err := read[Earlier](ctx, b.store, name)
		if err != nil {
			return nil, err
		}
		if e.N <= d.Earlier {
			all = append(all, e.Change)
		}
	}
	return append(all, d.Changes...), nil
}

// sameMoney refuses another currency while a ledger of the present or a later
// period holds money in the old one: the two cannot be compared. A reservation
// that is made meanwhile is still accepted; the ledger then admits no other
// currency until it is gone.
func (b *Ledgers) sameMoney(ctx context.Context, was string, set Definition, now time.Time) error {
	if was == "" || was == set.currency() {
		return nil
	}
	mine := set.Scope.recordName(ledgers) + "."
	names, err := b.store.List(ctx, mine, true)
	if err != nil {
		return err
	}
	for _, l := range set.periodsAt(now) {
		names = slices.DeleteFunc(names, func(name string) bool {
			period := strings.TrimPrefix(name, mine)
			return len(period) == len(l.period) && period < l.period // it is over
		})
		names = append(append(names, l.ledger), l.before...)
	}
	for _, name := range names {
		page, _, err := read[Ledger](ctx, b.store, name)
		if err != nil {
			return err
		}
		if held := page.Settled.Add(page.reserved("")); page.currency("") == was {
			return refuse("", "it is kept in %s, and %s of %s are spent or reserved in it: set it in %s, or \"none\" until that is over",
				was, campaign.Money{Amount: held, Currency: was}, strings.TrimPrefix(name, mine), was)
		}
	}
	return nil
}

// Definitions are all budgets, in the order of their scopes.
func (b *Ledgers) Definitions(ctx context.Context) ([]Definition, error) {
	names, err := b.list(ctx, definitions, false)
	if err != nil {
		return nil, fmt.Errorf("list budgets: %w", err)
	}
	var all []Definition
	for _, name := range names {
		d, _, err := read[Definition](ctx, b.store, name)
		if err != nil {
			return nil, fmt.Errorf("list budgets: %w", err)
		}
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b Definition) int { return a.Scope.Compare(b.Scope) })
	return all, nil
}

// list is the records of one kind, of whatever scope.
func (b *Ledgers) list(ctx context.Context, kind string, busy bool) (all []string, err error) {
	for _, prefix := range []string{kind, ofOneAccount + kind} {
		names, err := b.store.List(ctx, prefix, busy)
		if err != nil {
			return nil, err
		}
		all = append(all, names...)
	}
	return all, nil
}

// Usage is one budget in the period of an instant.
type Usage struct {
	Scope    Scope
	Kind     string // day or month
	Period   string // 2026-11-27 or 2026-11
	Zone     string
	Limit    campaign.Money
	Spent    campaign.Money // settled
	Reserved campaign.Money // by campaigns that are under way
	Left     campaign.Money // below zero if it was lowered too late
	Open     int            // campaigns that are under way
	Foreign  *Foreign       // nil: every cost came in the budget's currency
}

// Usage says how far a budget is spent in the day and the month of an instant.
// A period without a limit is left out.
func (b *Ledgers) Usage(ctx context.Context, d Definition, at time.Time) ([]Usage, error) {
	var all []Usage
	for _, l := range d.periodsAt(at) {
		if l.limit.Currency == "" {
			continue
		}
		page, _, err := read[Ledger](ctx, b.store, l.ledger)
		if err != nil {
			return nil, err
		}
		in := func(d decimal.Decimal) campaign.Money {
			return campaign.Money{Amount: d, Currency: l.limit.Currency}
		}
		reserved := page.reserved("")
		left := l.limit.Amount.Sub(page.Settled).Sub(reserved)
		held := in
		if currency := page.currency(l.limit.Currency); currency != l.limit.Currency {
			// The definition has changed while an amount was reserved.
			held = func(d decimal.Decimal) campaign.Money { return campaign.Money{Amount: d, Currency: currency} }
			left = decimal.Zero
		}
		all = append(all, Usage{
			Scope: d.Scope, Kind: l.kind, Period: l.period, Zone: l.zone, Limit: l.limit,
			Spent: held(page.Settled), Reserved: held(reserved), Left: in(left),
			Open: len(page.Open), Foreign: page.Foreign,
		})
	}
	return all, nil
}

// UsageOfAll is the usage of every budget in the periods of an instant, the
// account's first, of so many budgets at most.
func (b *Ledgers) UsageOfAll(ctx context.Context, at time.Time, most int) ([]Usage, error) {
	definitions, err := b.Definitions(ctx)
	if err != nil {
		return nil, err
	}
	var all []Usage
	for _, d := range definitions[:min(most, len(definitions))] {
		usage, err := b.Usage(ctx, d, at)
		if err != nil {
			return nil, fmt.Errorf("usage of budgets: %w", err)
		}
		all = append(all, usage...)
	}
	return all, nil
}

// Swept is what one sweep did.
type Swept struct {
	At       time.Time // when it ended; zero: it says nothing of that
	Ledgers  int       // that hold reservations
	Open     int       // reservations
	Settled  int       // of them, those of campaigns that had ended
	Orphaned int       // of them, those of campaigns that have no record; they stay
}

// Sweep looks for reservations that were left behind by campaigns that have
// ended. It settles each at the cost in its record. A reservation stays if the
// record cannot say the cost (the campaign is unresolved, or has no record): the
// money may have been spent.
func (b *Ledgers) Sweep(ctx context.Context, find func(context.Context, campaign.Key) (campaign.Campaign, error)) (Swept, error) {
	var found Swept
	names, err := b.list(ctx, ledgers, true)
	if err != nil {
		return found, fmt.Errorf("sweep budgets: %w", err)
	}
	var errs []error
	for _, name := range names {
		found.Ledgers++
		page, _, err := read[Ledger](ctx, b.store, name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for text := range page.Open {
			found.Open++
			if err := b.sweepEntry(ctx, name, text, find, &found); err != nil {
				errs = append(errs, err)
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return found, fmt.Errorf("sweep budgets: %w", err)
	}
	return found, nil
}

func (b *Ledgers) sweepEntry(ctx context.Context, name, text string, find func(context.Context, campaign.Key) (campaign.Campaign, error), found *Swept) error {
	key, err := campaign.ParseKey(text)
	if err != nil {
		return err
	}
	c, err := find(ctx, key)
	switch {
	case err != nil:
		return err
	case c.State == "":
		found.Orphaned++
		return nil
	case !c.State.Final() || c.State == campaign.Unresolved:
		return nil
	}
	found.Settled++
	// What lies in an account's ledger was reserved in it, whatever the record of an
	// earlier version says of accounts.
	if err := b.In(cmp.Or(accountOf(name), c.Account)).Settle(ctx, key, c.Cost(), c.ChargedAt()); err != nil {
		return err
	}
	// What is still there belongs to a period the campaign is not charged to.
	return b.release(ctx, name, text)
}
