package sms

import (
	"errors"
	"fmt"
	"strings"
)

// E.164 allows 15 digits with the country code. It names no minimum; the
// shortest subscriber numbers in use have seven with their country code.
const (
	minDigits = 7
	maxDigits = 15
)

// ParseNumber reads a phone number in international format: a leading + or 00,
// then a country code that does not begin with 0, 7 to 15 digits in all. Spaces,
// dashes, dots and parentheses are ignored. The result is "+" and the digits.
//
// A number without + or 00 is refused: a national number cannot be told from an
// international one. So is +49 (0)30: the zero in parentheses is for callers within
// the country (ITU-T E.123 has no such form), and dialled from abroad it is a wrong
// number. Only Italian numbers keep it: +39 (02) is one, +39 (0)2 is not.
func ParseNumber(s string) (e164 string, err error) {
	if isE164(s) {
		return s, nil
	}
	var b strings.Builder
	open, trunk := false, false // a parenthesis, and one of a zero alone or abroad
	for i, r := range s {
		switch {
		case r >= '0' && r <= '9':
			if open && r == '0' && b.Len() > 0 {
				inside, _, _ := strings.Cut(s[i+1:], ")")
				country := strings.TrimLeft(b.String(), "+0")
				trunk = trunk || country != "39" || !strings.ContainsAny(inside, "0123456789")
			}
			open = false
			b.WriteRune(r)
		case r == '+' && b.Len() == 0:
			b.WriteByte('+')
		case r == '+':
			return "", fmt.Errorf("number has a + at position %d, which may only lead", i+1)
		case strings.ContainsRune(" -.()", r):
			open = r == '(' || open && r == ' '
		default:
			return "", fmt.Errorf("number has a character that does not belong there: %q", r)
		}
	}
	digits, international := strings.CutPrefix(b.String(), "+")
	if !international {
		digits, international = strings.CutPrefix(digits, "00")
	}
	switch {
	case trunk:
		return "", errors.New("number has a (0), which is not dialled from abroad: leave it out")
	case b.Len() == 0:
		return "", errors.New("number is empty")
	case !international:
		return "", errors.New("number is not in international format: it must begin with + or 00")
	case len(digits) < minDigits:
		return "", fmt.Errorf("number has %d digits, fewer than %d", len(digits), minDigits)
	case len(digits) > maxDigits:
		return "", fmt.Errorf("number has %d digits, more than %d", len(digits), maxDigits)
	case digits[0] == '0':
		return "", errors.New("number has a country code that begins with 0")
	}
	return "+" + digits, nil
}

// isE164 recognises the common case, a number that is already clean, so that it
// is not copied.
func isE164(s string) bool {
	if len(s) < minDigits+1 || len(s) > maxDigits+1 || s[0] != '+' || s[1] == '0' {
		return false
	}
	return allDigits(s[1:])
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
