package sms_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/staffetta-io/staffetta/internal/sms"
)

func TestParseNumber(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want, err string }{
		{"+393331234567", "+393331234567", ""},
		{"00393331234567", "+393331234567", ""},
		{"+39 333 123-4567", "+393331234567", ""},
		{" (+39) 333.123.4567 ", "+393331234567", ""},
		{"0039 (333) 1234567", "+393331234567", ""},
		{"+390612345678", "+390612345678", ""},
		{"+1234567", "+1234567", ""},
		{"+123456789012345", "+123456789012345", ""},
		{"+39 (02) 12345678", "+390212345678", ""},
		{"(0039) 02 12345678", "+390212345678", ""},
		{"+49 (0)30 1234567", "", "has a (0)"},
		{"+49(0)301234567", "", "has a (0)"},
		{"0049 ( 0 ) 30 1234567", "", "has a (0)"},
		{"+44 (0161) 4960000", "", "has a (0)"},
		{"+39 (0)2 12345678", "", "has a (0)"},
		{"+393331230017/+393331230018", "", "does not belong"},
		{"3331234567", "", "not in international format"},
		{"0333123456", "", "not in international format"},
		{"+123456", "", "6 digits, fewer than 7"},
		{"+1234567890123456", "", "16 digits, more than 15"},
		{"+0393331234567", "", "begins with 0"},
		{"000393331234567", "", "begins with 0"},
		{"+39333+1234567", "", "position 7"},
		{"+39333ABC4567", "", `'A'`},
		{"+39٣٣٣1234567", "", "does not belong"},
		{"", "", "empty"},
		{" - ", "", "empty"},
		{"+", "", "0 digits"},
	} {
		got, err := sms.ParseNumber(c.in)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("ParseNumber(%q) = %q, %v; want %q, error with %q", c.in, got, err, c.want, c.err)
		}
	}
}

func TestParseNumberReadsEverySpellingOfANumberTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`[1-9][0-9]{6,14}`).Draw(t, "digits")
		spelled := rapid.SampledFrom([]string{"+", "00", " +", "(00", "0-0"}).Draw(t, "prefix")
		for _, d := range digits {
			gaps := []string{"", "", "", " ", "-", ".", ")", "("}
			if d == '0' {
				gaps = gaps[:7] // (0 is another number for callers from abroad
			}
			gap := rapid.SampledFrom(gaps).Draw(t, "gap")
			if gap == " " && strings.HasSuffix(strings.TrimRight(spelled, " "), "(") {
				gap = "."
			}
			spelled += gap + string(d)
		}
		if got, err := sms.ParseNumber(spelled); got != "+"+digits || err != nil {
			t.Fatalf("ParseNumber(%q) = %q, %v; want +%s", spelled, got, err, digits)
		}
	})
}

func TestCheckSender(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, err string }{
		{"ShopItalia", ""},
		{"AcquaLuce1", ""},
		{"ABCDEFGHIJK", ""},
		{"ABCDEFGHIJKL", "12 characters"},
		{"Shop Italia", `' ' at position 5`},
		{"Caffè", `'è' at position 5`},
		{"Shop_It", `'_'`},
		{"+393331234567", ""},
		{"3331234567", ""},
		{"1234567890123456", ""},
		{"12345678901234567", "17 digits"},
		{"+1234567890123456", ""},
		{"+12345678901234567", "17 digits"},
		{"+0393331234567", "begins with 0"},
		{"+39333", "fewer than 7"},
		{"+Shop", "not a number"},
		{"+", "not a number"},
		{"", "empty"},
	} {
		err := sms.CheckSender(c.in)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("CheckSender(%q) = %v; want error with %q", c.in, err, c.err)
		}
	}
}
