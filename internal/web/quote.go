package web

import (
	"context"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/query"
)

// quoted is a campaign with its quote: what somebody has to see before money leaves.
type quoted struct {
	campaign.Campaign
	ID      string // of the quote
	Budgets []bar
}

// Waits says that the campaign waits for somebody's yes or no.
func (q quoted) Waits() bool { return waitsForApproval(q.Campaign) }

func waitsForApproval(rec campaign.Campaign) bool {
	return rec.State == campaign.Quoted && rec.Need != nil && rec.Need.For == campaign.NeedApproval
}

// Left is the account's credit after the campaign, as the gateway said it at the quote.
func (q quoted) Left() campaign.Money {
	p := q.Quote.Price
	if q.Request.Simulation || p.Available.Currency != p.Total.Currency {
		return campaign.Money{}
	}
	return campaign.Money{Amount: p.Available.Amount.Sub(p.Total.Amount), Currency: p.Total.Currency}
}

// quotedOf adds to a campaign what it would do to its budgets.
func (s service) quotedOf(ctx context.Context, rec campaign.Campaign) (quoted, error) {
	q := quoted{Campaign: rec}
	if rec.Quote == nil {
		return q, nil
	}
	q.ID = campaign.QuoteID(rec.Request, *rec.Quote)
	if rec.Request.Simulation {
		return q, nil // it is charged to nobody
	}
	budgets, err := s.budgetsOf(ctx, rec)
	for _, b := range budgets {
		bar := barOf(b)
		if waitsForApproval(rec) { // later its cost is in the ledger already
			bar.add(rec.Quote.Price.Total)
		}
		q.Budgets = append(q.Budgets, bar)
	}
	return q, err
}

// bar is a budget as it is drawn: what is spent, what is reserved, and what a campaign
// would add.
type bar struct {
	query.Budget
	Adds     campaign.Money // without currency: nothing
	After    campaign.Money // what would be left
	Foreign_ bool           // the campaign is priced in another currency
}

func barOf(b query.Budget) bar { return bar{Budget: b, After: b.Left} }

func (b *bar) add(cost campaign.Money) {
	if b.Foreign_ = cost.Currency != b.Limit.Currency; b.Foreign_ {
		return
	}
	b.Adds = cost
	b.After = campaign.Money{Amount: b.Left.Amount.Sub(cost.Amount), Currency: cost.Currency}
}

// Over says that the budget has no room for it.
func (b bar) Over() bool { return b.Foreign_ || b.After.Amount.IsNegative() }

// Everybody says that the budget is no single source's.
func (b bar) Everybody() bool { return b.Budget.Budget == "*" }

// widths are those of the three pieces in thousandths of the bar.
func (b bar) widths() (spent, reserved, adds int64) {
	share := func(amount decimal.Decimal) int64 {
		if !b.Limit.Amount.IsPositive() || !amount.IsPositive() {
			return 0
		}
		return min(1000, amount.Mul(decimal.NewFromInt(1000)).Div(b.Limit.Amount).Round(0).IntPart())
	}
	spent = share(b.Spent.Amount)
	reserved = min(1000-spent, share(b.Reserved.Amount))
	return spent, reserved, min(1000-spent-reserved, share(b.Adds.Amount))
}

// Spent1000, Reserved1000 and Adds1000 are the pieces, and From1000 where the last begins.
func (b bar) Spent1000() int64    { spent, _, _ := b.widths(); return spent }
func (b bar) Reserved1000() int64 { _, reserved, _ := b.widths(); return reserved }
func (b bar) Adds1000() int64     { _, _, adds := b.widths(); return adds }
func (b bar) From1000() int64     { spent, reserved, _ := b.widths(); return spent + reserved }

// nearlySpent says that less than a fifth of it is left.
func (b bar) nearlySpent() bool {
	return b.Limit.Amount.IsPositive() && b.Left.Amount.LessThan(b.Limit.Amount.Div(decimal.NewFromInt(5)))
}

// bySoonest orders campaigns by when their wait ends. Those that cost nothing come last.
func bySoonest(all []quoted) {
	slices.SortStableFunc(all, func(a, b quoted) int {
		if a, b := a.Request.Simulation, b.Request.Simulation; a != b {
			if a {
				return 1
			}
			return -1
		}
		return a.Need.Until.Compare(b.Need.Until)
	})
}
