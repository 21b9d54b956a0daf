package campaign

import (
	"errors"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"
)

// Money is an exact amount in one currency. It is written as text in JSON
// ("344.09"), so that no reader is tempted to make a float of it.
type Money struct {
	Amount   decimal.Decimal `json:"amount"`
	Currency string          `json:"currency"` // ISO 4217, "EUR"
}

// MoneyDecimals is how many decimals an amount may have, and moneyDigits how many
// digits before the point: the contract of the events allows no more.
const MoneyDecimals, moneyDigits = 9, 15

// NewMoney is how money comes in from outside, from the gateway and from people.
// An error says what is wrong with it and what to write instead.
func NewMoney(amount decimal.Decimal, currency string) (Money, error) {
	switch {
	case currency == "":
		return Money{}, errors.New("an amount without a currency: write EUR")
	case !isCurrency(currency):
		instead := strings.ToUpper(currency)
		if !isCurrency(instead) {
			instead = "EUR"
		}
		return Money{}, fmt.Errorf("%s is no currency: write %s", shown(currency), instead)
	case amount.Abs().GreaterThanOrEqual(decimal.New(1, moneyDigits)):
		return Money{}, fmt.Errorf("an amount has at most %d digits before the point", moneyDigits)
	case !amount.Equal(amount.Round(MoneyDecimals)):
		return Money{}, fmt.Errorf("an amount has at most %d decimals", MoneyDecimals)
	}
	return Money{Amount: amount, Currency: currency}, nil
}

// isCurrency says that a text has the form of an ISO 4217 code.
func isCurrency(s string) bool {
	for _, c := range []byte(s) {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return len(s) == 3
}

// shown is what somebody wrote for a currency, if it can be shown.
func shown(currency string) string {
	if len(currency) > 20 || fmt.Sprintf("%q", currency) != `"`+currency+`"` {
		return "what is written there"
	}
	return currency
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
