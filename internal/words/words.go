// Package words writes numbers as people read them, 10,247 and 1,500.00 EUR, and labels.
package words

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Count is a whole number: 10,247.
func Count(n int64) string { return grouped(strconv.FormatInt(n, 10)) }

// Plural is a number of things: 1 part, 10,247 parts.
func Plural(n int64, one, many string) string {
	if n == 1 {
		return Count(n) + " " + one
	}
	return Count(n) + " " + many
}

// Amount is an amount without its currency: 1,500.00.
func Amount(m campaign.Money) string { return grouped(campaign.Plain(m.Amount)) }

// Money is an amount with its currency: 1,500.00 EUR. One that nobody said has none.
func Money(m campaign.Money) string {
	if m.Currency == "" {
		return "unknown"
	}
	return Amount(m) + " " + m.Currency
}

// Labels are labels in the order of their names: product=shoes, team=crm.
func Labels(labels map[string]string) string {
	all := make([]string, 0, len(labels))
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		all = append(all, name+"="+labels[name])
	}
	return strings.Join(all, ", ")
}

// grouped puts commas into the whole part of a decimal number, whole or not.
func grouped(number string) string {
	whole, rest := number, ""
	if point := strings.IndexByte(number, '.'); point >= 0 {
		whole, rest = number[:point], number[point:]
	}
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return sign + whole + rest
}
