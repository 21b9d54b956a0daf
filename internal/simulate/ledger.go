package simulate

import (
	"context"
	"errors"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// ledger is what the budgets hold for the campaign.
type ledger struct {
	amount  campaign.Money
	settled bool
}

// budgets is the port runner.Budgets as one worker has it. There is always room.
type budgets struct{ k *worker }

var _ runner.Budgets = budgets{}

func (b budgets) Reserve(_ context.Context, _ campaign.Key, amount campaign.Money, _ time.Time) error {
	return b.file("reserve", func(l *ledger) {
		if !l.settled {
			l.amount = amount
		}
	})
}

func (b budgets) Settle(_ context.Context, _ campaign.Key, amount campaign.Money, _ time.Time) error {
	return b.file("settle", func(l *ledger) { *l = ledger{amount, true} })
}

var errLedger = errors.New("the ledger does not answer")

func (b budgets) file(what string, write func(*ledger)) error {
	f := b.k.pause(what, atWrite)
	if f.what == lost || !b.k.connected() {
		return errLedger
	}
	write(&b.k.w.ledger)
	switch f.what {
	case diesAfter:
		panic(crash{})
	case replyLost:
		return errLedger
	}
	return nil
}

// judgeLedger asks whether the budgets hold what it cost.
func (w *World) judgeLedger(c campaign.Campaign, standing int) {
	vanished := c.State == campaign.Failed && standing == 0
	switch {
	case !w.budgeted, !c.State.Final():
		return
	case c.State == campaign.Unresolved, vanished:
		return // it may have been spent: they keep what they hold
	case w.saw.byHand && w.saw.cancelled:
		return // one run may have settled for vanished, the other for cancelled
	case w.saw.powerCut:
		return // a record that is gone may have left something behind: the ledger has a sweep of its own
	}
	l, want := w.ledger, decimal.Zero
	if standing > 0 {
		want = price
	}
	switch right := l.amount.Amount.Equal(want); {
	case right && (standing == 0 || l.settled):
	default:
		w.fail("budget", "it cost %s, the budgets hold %s, settled %v", want, l.amount, l.settled)
	}
}

// price is what the list costs.
var price = decimal.New(350, -2)
