package budget

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// Bounds of a ledger. With both reached it is below 500 KiB; every server accepts
// messages of that size.
const (
	// MaxOpen is how many reservations a ledger holds at a time.
	MaxOpen = 2000
	// MaxCounted is how many campaigns it remembers as counted.
	MaxCounted = 1000
)

// pendingFor is how long a pending reservation is believed to be under way. After
// that, the worker that made it has crashed and not come back.
const pendingFor = 5 * time.Minute

// Ledger is one budget in one period. Its methods change nothing: they return the
// next version.
type Ledger struct {
	Schema   int                    `json:"schema"`
	Name     string                 `json:"ledger,omitempty"` // its own name; empty: an earlier version wrote none
	Currency string                 `json:"currency,omitempty"`
	Settled  decimal.Decimal        `json:"settled"`           // what campaigns have cost
	Open     map[string]Reservation `json:"open,omitempty"`    // what is reserved, by campaign
	Counted  []string               `json:"counted,omitempty"` // marks of the campaigns settled at a cost, the latest last
	Foreign  *Foreign               `json:"foreign,omitempty"` // what came in another currency
}

// Foreign are the campaigns whose cost came in another currency than their
// ledger's. The reserved amount is counted instead; without a reservation nothing
// can be counted.
type Foreign struct {
	Campaigns int            `json:"campaigns"`
	Uncounted int            `json:"uncounted,omitempty"` // of them, those that had nothing reserved
	Last      string         `json:"last"`                // the latest of them
	Cost      campaign.Money `json:"cost"`                // of that
}

// Reservation is a reservation.
type Reservation struct {
	Amount decimal.Decimal `json:"amount"`
	// At is when it was filed. It tells one filing from another.
	At time.Time `json:"at"`
	// Pending: other ledgers do not have it yet, and it may be taken back.
	Pending bool `json:"pending,omitempty"`
}

// errBusy says that it is not known yet whether there is room: another
// reservation is pending.
var errBusy = errors.New("the budget's last room is just being reserved, or given back; ask again")

// reserved is the sum of what is open, of one campaign apart from the others.
func (l Ledger) reserved(except string) (sum decimal.Decimal) {
	for key, e := range l.Open {
		if key != except {
			sum = sum.Add(e.Amount)
		}
	}
	return sum
}

// admits says whether a campaign's amount has room: nil, [errBusy], or an
// *[runner.OverBudget].
func (l Ledger) admits(b budgetPeriod, key string, amount campaign.Money, now time.Time) error {
	over := func(format string, args ...any) error {
		return &runner.OverBudget{Budget: b.String(), Words: fmt.Sprintf(format, args...)}
	}
	if amount.Currency != b.limit.Currency {
		return over("the budget of %s is kept in %s: set it in %s", b.who, b.limit.Currency, amount.Currency)
	}
	if held := l.currency(amount.Currency); held != amount.Currency {
		return over("the budget of %s was kept in %s, and some of the %s %s is still spent or reserved in it: wait for the next %s", b.who, held, b.kind, b.period, b.kind)
	}
	others := l.reserved(key)
	free := b.limit.Amount.Sub(l.Settled).Sub(others)
	_, mine := l.Open[key]
	switch {
	case amount.Amount.LessThanOrEqual(free) && (mine || len(l.Open) < MaxOpen):
		return nil
	case amount.Amount.LessThanOrEqual(free):
		return fmt.Errorf("the ledger of %s holds %d campaigns that are under way, as many as it can; ask again when some have ended", b, MaxOpen)
	}
	for other, e := range l.Open {
		if age := now.Sub(e.At); other != key && e.Pending && age < pendingFor {
			free = free.Add(e.Amount)
		}
	}
	if amount.Amount.LessThanOrEqual(free) {
		return fmt.Errorf("%s: %w", b, errBusy)
	}
	left := campaign.Money{Amount: decimal.Max(decimal.Zero, b.limit.Amount.Sub(l.Settled).Sub(others)), Currency: b.limit.Currency}
	return over("%s has %s of %s left for the %s %s (%s); raise the budget or wait for the next %s", b.who, left, b.limit, b.kind, b.period, b.zone, b.kind)
}

// with files a reservation. An existing one is raised, never lowered: a worker
// may be about to confirm it.
func (l Ledger) with(key string, e Reservation, currency string) Ledger {
	if old, ok := l.Open[key]; ok {
		e.Amount = decimal.Max(e.Amount, old.Amount)
	}
	l.Open = maps.Clone(l.Open)
	if l.Open == nil {
		l.Open = map[string]Reservation{}
	}
	l.Open[key] = e
	l.Schema, l.Currency = schema, currency
	return l
}

// without takes a reservation out.
func (l Ledger) without(key string) Ledger {
	l.Open = maps.Clone(l.Open)
	delete(l.Open, key)
	return l
}

// settled takes a campaign's reservation out, if it has one, and adds the cost.
// The cost must not have been counted yet. A total has one currency: for a cost
// in another one it adds what was reserved, because zero would be wrong.
func (l Ledger) settled(key string, cost campaign.Money, currency string) Ledger {
	reserved, open := l.Open[key]
	currency = l.currency(currency)
	l = l.without(key)
	if cost.Currency != "" && cost.Currency != currency {
		f := Foreign{Campaigns: 1, Last: key, Cost: cost}
		if !open {
			f.Uncounted = 1
		}
		if l.Foreign != nil {
			f.Campaigns += l.Foreign.Campaigns
			f.Uncounted += l.Foreign.Uncounted
		}
		l.Foreign, cost.Amount = &f, reserved.Amount
	} else if cost.Amount.IsZero() {
		return l
	}
	l.Schema, l.Currency = schema, currency
	l.Settled = l.Settled.Add(cost.Amount)
	l.Counted = append(slices.Clone(l.Counted[max(0, len(l.Counted)+1-MaxCounted):]), shortHash(key))
	return l
}

// currency is the one that the ledger holds money in; while it holds none, the
// budget's.
func (l Ledger) currency(budgets string) string {
	if l.Settled.IsZero() && len(l.Open) == 0 {
		return budgets
	}
	return l.Currency
}

// counted says that a campaign's cost is in the total, as far as the ledger
// remembers.
func (l Ledger) counted(key string) bool { return slices.Contains(l.Counted, shortHash(key)) }

// shortHash names a campaign in eleven characters.
func shortHash(key string) string {
	h := fnv.New64a()
	h.Write([]byte(key))
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, h.Sum64()))
}
