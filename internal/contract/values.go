package contract

import (
	"time"

	"github.com/shopspring/decimal"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/internal/campaign"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Values of the contract and ours: instants, durations, amounts.

// Stamp is nil for the zero time: the contract says absent, not year 1.
func Stamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// percentage is a rate as the contract has it, with at most four decimals; the
// record keeps all that the gateway said. It is cut off and not rounded: 100 is
// said of nothing that is less. What can be no percentage is left out.
func percentage(said decimal.NullDecimal) string {
	rate := said.Decimal
	if !said.Valid || rate.IsNegative() || rate.GreaterThan(decimal.NewFromInt(100)) {
		return ""
	}
	return rate.Truncate(4).String()
}

// MoneyOf is an amount as the contract has it. See money.
func MoneyOf(m campaign.Money) *campaignv1.Money { return money(m) }

// money is exact, with the decimals that people expect of an amount and those
// it has beyond them: 1500.00, 344.09, 0.035. Nil when nothing was said: an amount
// of no currency is none.
func money(m campaign.Money) *campaignv1.Money {
	if m.Currency == "" {
		return nil
	}
	return &campaignv1.Money{Amount: campaign.Plain(m.Amount), Currency: m.Currency}
}

// lasting is nil for zero: the contract says absent for the default.
func lasting(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}

// instant is the zero time for what was not said.
func instant(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

func amount(m *campaignv1.Money) campaign.Money {
	d, err := decimal.NewFromString(m.GetAmount())
	if m == nil || err != nil {
		return campaign.Money{}
	}
	return campaign.Money{Amount: d, Currency: m.GetCurrency()}
}
