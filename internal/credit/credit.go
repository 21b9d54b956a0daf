// Package credit compares what the gateway said of an account's credit with what our own
// campaigns have cost. What left the account beside them is spent by somebody else.
//
// It knows records and amounts. It refuses to know when exactly the gateway takes the
// money: a campaign may have cost anything up to its total at any moment between its
// quote and its end. So what it finds is certain, and what is under way hides as much as
// it costs.
package credit

import (
	"cmp"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Within is how far back it looks.
const Within = 24 * time.Hour

// cent is what rounding may take for each campaign: the gateway shows two decimals.
var cent = decimal.New(1, -2)

// Seen is what is known of the credit in one currency.
type Seen struct {
	Available   campaign.Money // as the last quote had it
	At          time.Time      // when that was
	Unexplained decimal.Decimal
}

// look is the credit in one quote.
type look struct {
	at     time.Time
	amount decimal.Decimal
}

// cost is money that left the account for one campaign between two moments, or will.
type cost struct {
	from, to time.Time
	amount   decimal.Decimal
	certain  bool // it left
}

// See looks at the records of one account. What was confirmed after since is among them,
// all of it.
func See(records []campaign.Campaign, since, now time.Time) map[string]Seen {
	if from := now.Add(-Within); since.Before(from) {
		since = from
	}
	looks, costs := map[string][]look{}, map[string][]cost{}
	for _, c := range records {
		if c.Quote == nil {
			continue
		}
		in := c.Quote.Price.Available.Currency
		if !c.Quote.At.Before(since) && in != "" {
			looks[in] = append(looks[in], look{c.Quote.At, c.Quote.Price.Available.Amount})
		}
		if out, may := costOf(c, now); may {
			costs[c.Quote.Price.Total.Currency] = append(costs[c.Quote.Price.Total.Currency], out)
		}
	}
	seen := map[string]Seen{}
	for in, all := range looks {
		slices.SortFunc(all, func(a, b look) int { return cmp.Or(a.at.Compare(b.at), b.amount.Cmp(a.amount)) })
		last := all[len(all)-1]
		seen[in] = Seen{campaign.Money{Amount: last.amount, Currency: in}, last.at, unexplained(all, costs[in])}
	}
	return seen
}

// costOf is what a campaign may have cost. What was never near a confirm has cost nothing.
func costOf(c campaign.Campaign, now time.Time) (cost, bool) {
	if c.Request.Simulation || c.Confirmed == nil && c.Rounds == 0 {
		return cost{}, false
	}
	out := cost{from: c.Quote.At, to: now, amount: c.Quote.Price.Total.Amount, certain: c.State == campaign.Completed}
	if c.State.Final() && c.State != campaign.Unresolved {
		out.to = c.Since
	}
	return out, true
}

// unexplained is what left beside the costs, between the first look and the last. When
// the credit rises, somebody has paid in, or got back: it begins anew there.
func unexplained(looks []look, costs []cost) (total decimal.Decimal) {
	from, left := looks[0], decimal.Zero
	for _, l := range looks[1:] {
		possible, certain := decimal.Zero, decimal.Zero
		for _, c := range costs {
			if c.to.Before(from.at) || !c.from.Before(l.at) { // a confirm comes after its quote
				continue
			}
			possible = possible.Add(c.amount).Add(cent)
			if c.certain && !c.from.Before(from.at) && !c.to.After(l.at) {
				certain = certain.Add(c.amount).Sub(cent)
			}
		}
		gone := from.amount.Sub(l.amount)
		if gone.LessThan(certain) {
			total, from, left = total.Add(left), l, decimal.Zero
			continue
		}
		left = decimal.Max(gone.Sub(possible), decimal.Zero)
	}
	return total.Add(left)
}
