package app

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/credit"
)

// accountCredit is what the records have last said of an account's credit, by currency.
// All services read the same records, so they say the same.
type accountCredit struct {
	seen atomic.Pointer[map[string]credit.Seen]
}

// learn takes the newest records of the account. Money that nobody can explain is said
// once, when it becomes more.
func (a *accountCredit) learn(records []campaign.Campaign, since time.Time, log *slog.Logger) {
	now := credit.See(records, since, time.Now())
	before := a.last()
	for currency, s := range now {
		if s.Unexplained.GreaterThan(before[currency].Unexplained) {
			log.Error("money has left the account that no campaign of ours explains: look at the vendor's own list of campaigns, and hold everything until it is known who spends",
				"unexplained", s.Unexplained.String(), "currency", currency, "credit", s.Available.Amount.String(), "at", s.At)
		}
	}
	a.seen.Store(&now)
}

func (a *accountCredit) last() map[string]credit.Seen {
	if s := a.seen.Load(); s != nil {
		return *s
	}
	return nil
}

// showCredit shows the money of each account. An account is "" where there is only one.
func (a *App) showCredit() {
	for name, show := range map[string]struct {
		help string
		of   func(credit.Seen) float64
	}{
		"gateway_credit":             {"What the account has, as the last quote had it.", func(s credit.Seen) float64 { return s.Available.Amount.InexactFloat64() }},
		"gateway_credit_unexplained": {"What has left the account within a day that no campaign of ours explains, as the newest records show it.", func(s credit.Seen) float64 { return s.Unexplained.InexactFloat64() }},
	} {
		a.ops.GaugesOf(name, show.help, []string{"account", "currency"}, func(is func(float64, ...string)) {
			for _, one := range a.accounts.all {
				for currency, s := range one.credit.last() {
					is(show.of(s), one.name, currency)
				}
			}
		})
	}
}
