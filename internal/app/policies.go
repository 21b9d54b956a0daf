package app

import (
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// readPolicies puts together what the operator lays down by source. Each list
// reads "acqua-luce=500 EUR, *=2000 EUR"; "*" is for sources that are not in it.
func readPolicies(o Options) (map[string]campaign.Policy, error) {
	all := map[string]campaign.Policy{}
	above, err := bySource("approval.above", o.ApproveAbove)
	if err != nil {
		return nil, err
	}
	windows, err := bySource("send_window", o.SendWindow)
	if err != nil {
		return nil, err
	}
	for source, text := range above {
		m, err := ParseLimit(text)
		if err != nil {
			return nil, fmt.Errorf("approval.above: %s: %w", source, err)
		}
		p := all[source]
		p.ApproveAbove = m
		all[source] = p
	}
	for source, name := range windows {
		p := all[source]
		p.Window = name
		all[source] = p
	}
	// A source in one list only is, in the other, one of those not in it.
	for source, p := range all {
		if _, own := above[source]; !own {
			p.ApproveAbove = all["*"].ApproveAbove
		}
		if _, own := windows[source]; !own {
			p.Window = all["*"].Window
		}
		all[source] = p
	}
	return all, nil
}

// bySource reads "source=value, *=value".
func bySource(setting, text string) (map[string]string, error) {
	all := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		source, value, ok := strings.Cut(part, "=")
		source, value = strings.TrimSpace(source), strings.TrimSpace(value)
		if !ok || value == "" {
			return nil, fmt.Errorf("%s: %q: want source=value, or *=value for all others", setting, part)
		}
		if source != "*" {
			if err := (campaign.Key{Source: source, RequestID: "-"}).Validate(); err != nil {
				return nil, fmt.Errorf("%s: %w", setting, err)
			}
		}
		if _, twice := all[source]; twice {
			return nil, fmt.Errorf("%s: %s is there twice", setting, source)
		}
		all[source] = value
	}
	return all, nil
}

// ParseMoney reads "500", "500.50" or "500 EUR"; euro if nothing else is said.
func ParseMoney(s string) (campaign.Money, error) {
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
		return campaign.Money{}, fmt.Errorf("%q is no amount: write 500, 344.09 or 500 EUR", s)
	}
	return campaign.NewMoney(d, currency)
}

// ParseLimit reads what may be spent, as ParseMoney does, and asks about decimals
// that the currency does not have: 1.500 is fifteen hundred to many.
func ParseLimit(s string) (campaign.Money, error) {
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
	return campaign.Money{}, fmt.Errorf("%s %s has %s decimals: write %s", amount, m.Currency, n, instead)
}

// decimals are those of a currency's coins, as ISO 4217 has them.
func decimals(currency string) int {
	switch currency {
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	}
	return 2
}
