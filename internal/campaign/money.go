package campaign

import (
	"errors"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"
)

// Money is an exact amount in one currency. In JSON it is text ("344.09"), so that no
// program reads it as a float.
type Money struct {
	Amount   decimal.Decimal `json:"amount"`
	Currency string          `json:"currency"` // ISO 4217, "EUR"
}

// MoneyDecimals is how many decimals an amount may have, and moneyDigits how many
// digits before the point: the contract of the events allows no more.
const MoneyDecimals, moneyDigits = 9, 15

// NewMoney makes money from what the gateway or a person wrote. An error says what is
// wrong with it, and what to write instead.
func NewMoney(amount decimal.Decimal, currency string) (Money, error) {
	switch {
	case currency == "":
		return Money{}, errors.New("an amount without a currency: write EUR")
	case !isCurrency(currency):
		instead := strings.ToUpper(currency)
		if !isCurrency(instead) {
			instead = "EUR"
		}
		return Money{}, fmt.Errorf("%s is no currency: write %s", printable(currency), instead)
	case amount.Abs().GreaterThanOrEqual(decimal.New(1, moneyDigits)):
		return Money{}, fmt.Errorf("an amount has at most %d digits before the point", moneyDigits)
	case !amount.Equal(amount.Round(MoneyDecimals)):
		return Money{}, fmt.Errorf("an amount has at most %d decimals", MoneyDecimals)
	}
	return Money{Amount: amount, Currency: currency}, nil
}

// ParseMoney reads "500", "500.50" or "500 EUR"; euro if nothing else is said.
func ParseMoney(s string) (Money, error) {
	words := strings.Fields(s)
	amount, currency := "", "EUR"
	switch len(words) {
	case 2:
		currency = words[1]
		fallthrough
	case 1:
		amount = words[0]
	}
	d, err := decimal.NewFromString(amount)
	if err != nil || d.IsNegative() || strings.ContainsAny(amount, "eE") {
		return Money{}, fmt.Errorf("%q is no amount: write 500, 344.09 or 500 EUR", s)
	}
	return NewMoney(d, currency)
}

// ParseLimit reads what may be spent, as ParseMoney does, and asks about decimals
// that the currency does not have: 1.500 is fifteen hundred to many.
func ParseLimit(s string) (Money, error) {
	m, err := ParseMoney(s)
	if err != nil {
		return m, err
	}
	amount := strings.Fields(s)[0]
	whole, fraction, _ := strings.Cut(amount, ".")
	has := decimals(m.Currency)
	if len(fraction) <= has {
		return m, nil
	}
	n := fmt.Sprint(len(fraction))
	if len(fraction) == 3 {
		n = "three"
	}
	instead := m.Amount.StringFixed(int32(has))
	if len(fraction) == 3 && has != 3 && strings.Trim(whole, "+0") != "" {
		instead = strings.TrimPrefix(whole, "+") + fraction + " or " + instead
	}
	return Money{}, fmt.Errorf("%s %s has %s decimals: write %s", amount, m.Currency, n, instead)
}

// decimals are those of a currency's coins, as ISO 4217 has them.
func decimals(currency string) int {
	switch currency {
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	}
	return 2
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

// printable is a currency as it was written, if it is fit to be shown.
func printable(currency string) string {
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

// Plain is an amount with at least two decimals, and with all further ones that it has:
// 1500.00, 344.09, 0.035.
func Plain(d decimal.Decimal) string {
	text := d.String() // without trailing zeros
	if _, decimals, _ := strings.Cut(text, "."); len(decimals) < 2 {
		return d.StringFixed(2)
	}
	return text
}

// plus is the amount and so many percent more, rounded up to a cent, as the gateway may
// have rounded it.
func (m Money) plus(percent int64) Money {
	m.Amount = m.Amount.Mul(decimal.NewFromInt(100 + percent)).Div(decimal.NewFromInt(100)).RoundCeil(2)
	return m
}

// Equal compares value and currency: 1500 and 1500.00 are the same money.
func (m Money) Equal(o Money) bool { return m.Currency == o.Currency && m.Amount.Equal(o.Amount) }
