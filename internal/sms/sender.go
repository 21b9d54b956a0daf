package sms

import (
	"errors"
	"fmt"
)

const (
	maxAlphanumeric = 11 // the address field of a message holds 11 characters
	maxNumeric      = 16
)

// CheckSender says why a message may not carry this sender, nil if it may. A
// sender is alphanumeric, at most 11 ASCII letters and digits ("ShopItalia"), or
// numeric, at most 16 digits with an optional leading + ("+393331234567"; after
// a + at least 7 digits and no leading 0, as in an international number).
//
// Whether a sender is registered with the operators, only the gateway knows.
func CheckSender(s string) error {
	if s == "" {
		return errors.New("sender is empty")
	}
	if s[0] == '+' {
		return checkNumericSender(s[1:])
	}
	if allDigits(s) {
		if len(s) > maxNumeric {
			return fmt.Errorf("numeric sender has %d digits, more than %d", len(s), maxNumeric)
		}
		return nil
	}
	length := 0
	for _, r := range s {
		length++
		if !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9') {
			return fmt.Errorf("sender has %q at position %d: only letters A to Z and digits are allowed", r, length)
		}
	}
	if length > maxAlphanumeric {
		return fmt.Errorf("alphanumeric sender has %d characters, more than %d", length, maxAlphanumeric)
	}
	return nil
}

func checkNumericSender(digits string) error {
	switch {
	case !allDigits(digits):
		return errors.New("sender begins with + but is not a number")
	case digits[0] == '0':
		return errors.New("numeric sender has a country code that begins with 0")
	case len(digits) < minDigits:
		return fmt.Errorf("numeric sender has %d digits, fewer than %d", len(digits), minDigits)
	case len(digits) > maxNumeric:
		return fmt.Errorf("numeric sender has %d digits, more than %d", len(digits), maxNumeric)
	}
	return nil
}
