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

// Bounds of a ledger. With both reached it is below 500 KiB, the largest
// message that every server is asked to take.
const (
	// MaxOpen is how many reservations a ledger holds at a time.
	MaxOpen = 2000
	// MaxCounted is of how many settled campaigns it remembers that it has
	// counted them.
	MaxCounted = 1000
)

// pendingFor is how long a pending reservation is believed to be under way.
// Whoever made it has then crashed and not come back.
const pendingFor = 5 * time.Minute

// Ledger is one budget in one period. Its methods change nothing: they return
// what it becomes.
type Ledger struct {
	Schema   int              `json:"schema"`
	Name     string           `json:"ledger,omitempty"` // its own; empty: from a version that wrote none
	Currency string           `json:"currency,omitempty"`
	Settled  decimal.Decimal  `json:"settled"`           // what campaigns have cost
	Open     map[string]Entry `json:"open,omitempty"`    // what is reserved, by campaign
	Counted  []string         `json:"counted,omitempty"` // marks of the campaigns settled at a cost, the latest last
	Foreign  *Foreign         `json:"foreign,omitempty"` // what came in another currency
}

// Foreign are the campaigns whose cost came in another currency than their
// ledger's. What was reserved for one is counted in place of it; one that had
// nothing reserved cannot be counted.
type Foreign struct {
	Campaigns int            `json:"campaigns"`
	Uncounted int            `json:"uncounted,omitempty"` // of them, those that had nothing reserved
	Last      string         `json:"last"`                // the latest of them
	Cost      campaign.Money `json:"cost"`                // of that
}

// Entry is a reservation.
type Entry struct {
	Amount decimal.Decimal `json:"amount"`
	// At is when it was filed, and tells one filing from another.
	At time.Time `json:"at"`
	// Pending: other ledgers do not have it yet, and it may be taken back.
	Pending bool `json:"pending,omitempty"`
}

// errBusy says that there may be room in a moment, or not.
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
func (l Ledger) admits(b line, key string, amount campaign.Money, now time.Time) error {
	over := func(format string, args ...any) error {
		return &runner.OverBudget{Budget: b.String(), Words: fmt.Sprintf(format, args...)}
	}
	if amount.Currency != b.limit.Currency {
		return over("the budget of %s is kept in %s: set it in %s", b.scope, b.limit.Currency, amount.Currency)
	}
	if held := l.currency(amount.Currency); held != amount.Currency {
		return over("the budget of %s was kept in %s, and some of the %s %s is still spent or reserved in it: wait for the next %s", b.scope, held, b.kind, b.period, b.kind)
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
	return over("%s has %s of %s left for the %s %s (%s); raise the budget or wait for the next %s", b.scope, left, b.limit, b.kind, b.period, b.zone, b.kind)
}

// with files a reservation. One that is there is raised, never lowered: it may
// be the one that somebody is about to confirm.
func (l Ledger) with(key string, e Entry, currency string) Ledger {
	if old, ok := l.Open[key]; ok {
		e.Amount = decimal.Max(e.Amount, old.Amount)
	}
	l.Open = maps.Clone(l.Open)
	if l.Open == nil {
		l.Open = map[string]Entry{}
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

// settled takes a campaign's reservation out, if it has one, and adds what it
// cost. It must not have been counted yet. A cost in another currency than the
// ledger's adds what was reserved: a total has one currency, and whoever has
// spent something has not spent nothing.
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
	l.Counted = append(slices.Clone(l.Counted[max(0, len(l.Counted)+1-MaxCounted):]), mark(key))
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

// counted says that a campaign's cost is in the total, as far as it remembers.
func (l Ledger) counted(key string) bool { return slices.Contains(l.Counted, mark(key)) }

// mark is a campaign in eleven characters.
func mark(key string) string {
	h := fnv.New64a()
	h.Write([]byte(key))
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, h.Sum64()))
}
