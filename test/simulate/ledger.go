package simulate

import (
	"context"
	"errors"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// ledger is what the budgets hold for the campaign: what is reserved, and the
// cost at which it was settled, which is counted once and stays.
type ledger struct {
	open    decimal.Decimal
	settled decimal.Decimal
	at      time.Time // when it was written, by the streams' clock
}

// settle does what the real ledger does.
func (l *ledger) settle(cost campaign.Money) {
	l.open = decimal.Zero
	if l.settled.IsZero() {
		l.settled = cost.Amount
	}
}

// budgets is the port runner.Budgets of one worker. There is always room.
type budgets struct{ k *worker }

var _ runner.Budgets = budgets{}

func (b budgets) Exist() bool { return true }

func (b budgets) Room(context.Context, campaign.Key, campaign.Money, time.Time) error { return nil }

func (b budgets) Reserve(_ context.Context, _ campaign.Key, amount campaign.Money, _ time.Time) error {
	return b.file("reserve", func(l *ledger) {
		if l.settled.IsZero() {
			l.open = decimal.Max(l.open, amount.Amount)
		}
	})
}

func (b budgets) Settle(_ context.Context, _ campaign.Key, amount campaign.Money, _ time.Time) error {
	return b.file("settle", func(l *ledger) { l.settle(amount) })
}

var errLedger = errors.New("the ledger does not answer")

func (b budgets) file(what string, write func(*ledger)) error {
	f := b.k.pause(what, atWrite)
	if f.kind == lost || !b.k.connected() {
		return errLedger
	}
	b.k.w.write(write)
	switch f.kind {
	case diesAfter:
		panic(crash{})
	case replyLost:
		return errLedger
	}
	return nil
}

// write writes the ledger and keeps its last version: a power cut may take the
// last write back.
func (w *World) write(change func(*ledger)) {
	w.ledgerBefore = w.ledger
	change(&w.ledger)
	w.ledger.at = w.streamNow()
}

// sweepLedger does what the ledgers' own sweep does with a reservation that was
// left behind.
func (w *World) sweepLedger() {
	if c := w.record(); w.budgeted && c.State.Final() && c.State != campaign.Unresolved && !w.ledger.open.IsZero() {
		w.writeLine("", "the sweep finds the reservation of the campaign, %s", c.State)
		w.write(func(l *ledger) { l.settle(c.Cost()) })
	}
}

// judgeLedger checks that the ledger holds the cost of the campaign, once the
// sweep has run. The sweep comes after a minute. It is needed only after a power
// cut, or if a run was held up while another one ended the campaign.
func (w *World) judgeLedger(c campaign.Campaign, standing int) {
	if !w.budgeted || !c.State.Final() {
		return
	}
	w.sweepLedger()
	l, cost := w.ledger, decimal.Zero
	if standing > 0 {
		cost = price
	}
	held := l.open.Add(l.settled)
	switch vanished := c.State == campaign.Failed && standing == 0; {
	case c.State == campaign.Unresolved && w.observed.unfiled:
		// What the cut took is filed again when a person says that it was sent.
	case held.LessThan(cost):
		w.fail("budget", "it cost %s, the budgets hold %s and %s reserved", cost, l.settled, l.open)
	case c.State == campaign.Unresolved, vanished:
		// The money may have been spent: the reservation stays.
	case !l.open.IsZero() || !l.settled.Equal(cost):
		w.fail("budget", "it cost %s, the budgets hold %s and %s reserved", cost, l.settled, l.open)
	}
}

// price is what the list costs.
var price = decimal.New(350, -2)
