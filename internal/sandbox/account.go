package sandbox

import (
	"fmt"
	"sync"
	"time"

	"github.com/shopspring/decimal"
)

// account is the money of the customer. The cost of a scheduled campaign is
// frozen until it starts or is deleted: it is still credit, but not available.
type account struct {
	mu      sync.Mutex
	credit  decimal.Decimal
	frozen  decimal.Decimal
	freezes map[int]freeze // by campaign id
}

// A freeze is frozen money and the date at which it is charged.
type freeze struct {
	amount decimal.Decimal
	due    time.Time
}

// Balance of the account. Available is credit less frozen.
type Balance struct {
	Credit    decimal.Decimal
	Frozen    decimal.Decimal
	Available decimal.Decimal
}

func (a *account) reset(credit decimal.Decimal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.credit, a.frozen, a.freezes = credit, decimal.Zero, map[int]freeze{}
}

func (a *account) available() decimal.Decimal {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.credit.Sub(a.frozen)
}

// charge takes the money at once if it is available. Else it takes nothing and
// returns what is available.
func (a *account) charge(amount decimal.Decimal) (available decimal.Decimal, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	available = a.credit.Sub(a.frozen)
	if amount.GreaterThan(available) {
		return available, false
	}
	a.credit = a.credit.Sub(amount)
	return available, true
}

// freeze is charge for a campaign that starts later.
func (a *account) freeze(campaign int, amount decimal.Decimal, due time.Time) (available decimal.Decimal, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	available = a.credit.Sub(a.frozen)
	if amount.GreaterThan(available) {
		return available, false
	}
	a.frozen = a.frozen.Add(amount)
	// A second confirm of the same campaign freezes as much again.
	a.freezes[campaign] = freeze{a.freezes[campaign].amount.Add(amount), due}
	return available, true
}

// release gives back what a campaign froze.
func (a *account) release(campaign int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.frozen = a.frozen.Sub(a.freezes[campaign].amount)
	delete(a.freezes, campaign)
}

// refund gives back what was charged.
func (a *account) refund(amount decimal.Decimal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.credit = a.credit.Add(amount)
}

// chargeDue charges what is due. It changes only the split between credit and
// frozen, never what is available, so it runs when the split is asked for.
func (a *account) chargeDue(now time.Time) Balance {
	a.mu.Lock()
	defer a.mu.Unlock()
	for campaign, h := range a.freezes {
		if !h.due.After(now) {
			a.credit, a.frozen = a.credit.Sub(h.amount), a.frozen.Sub(h.amount)
			delete(a.freezes, campaign)
		}
	}
	return Balance{Credit: a.credit, Frozen: a.frozen, Available: a.credit.Sub(a.frozen)}
}

// Balance of the account now.
func (s *Sandbox) Balance() Balance { return s.account.chargeDue(s.now()) }

// SetCredit makes this the credit, before what is frozen. It fails if negative.
func (s *Sandbox) SetCredit(credit decimal.Decimal) error {
	if credit.IsNegative() {
		return fmt.Errorf("credit %s is negative", credit)
	}
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	s.account.credit = credit
	return nil
}
