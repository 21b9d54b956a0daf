package campaign

import (
	"strings"

	"github.com/shopspring/decimal"
)

// Money is an exact amount in one currency. It is written as text in JSON
// ("344.09"), so that no reader is tempted to make a float of it.
type Money struct {
	Amount   decimal.Decimal `json:"amount"`
	Currency string          `json:"currency"` // ISO 4217, "EUR"
}

// String is the amount with at least two decimals and the currency:
// "344.09 EUR", "0.035 EUR".
func (m Money) String() string {
	return Plain(m.Amount) + " " + m.Currency
}

// Plain is an amount with at least two decimals, and with all that it has
// beyond them: 1500.00, 344.09, 0.035.
func Plain(d decimal.Decimal) string {
	text := d.String() // without trailing zeros
	if _, decimals, _ := strings.Cut(text, "."); len(decimals) < 2 {
		return d.StringFixed(2)
	}
	return text
}

// plus is the amount and so many percent of it, with what the gateway may have
// rounded up to a cent.
func (m Money) plus(percent int64) Money {
	m.Amount = m.Amount.Mul(decimal.NewFromInt(100 + percent)).Div(decimal.NewFromInt(100)).RoundCeil(2)
	return m
}

// Equal compares value and currency: 1500 and 1500.00 are the same money.
func (m Money) Equal(o Money) bool { return m.Currency == o.Currency && m.Amount.Equal(o.Amount) }
