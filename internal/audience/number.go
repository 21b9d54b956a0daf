package audience

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

// errLost says that a spreadsheet has rounded the number. The digits are gone, and those of
// the whole column with them: nothing of such a list is sent.
var errLost = errors.New("a spreadsheet has rounded the number (3.93E+11): its last digits are lost; format the column as text, fill it once more, and save it again")

// Rounded says that an error of [Number] is about a whole column, so that nothing of its list
// can be believed.
func Rounded(err error) bool { return errors.Is(err, errLost) }

// Why a number is malformed. None says the number.
var (
	errNone     = errors.New("there is no number")
	errForeign  = errors.New("the number has a character that does not belong there")
	errNational = errors.New("the number is not international, with + and the country, and no default_region says which country it is of")
	errPlan     = errors.New("there is no such number in the numbering plan of its country")
	errInside   = errors.New("the number has an extension, which no message reaches")
)

// between is what may stand between the digits.
const between = " -./()"

// minDigits is the least that a number has; see package sms.
const minDigits = 7

// Number is a phone number in international format (E.164), from what people and
// spreadsheets make of it. The region (ISO 3166, as IT) is that of national numbers; empty:
// there are none. A number counts if the numbering plan of its country has it.
func Number(given, region string) (e164 string, err error) {
	if n := international(given); n != "" {
		return n, nil
	}
	s, err := plain(given)
	if err != nil {
		return "", err
	}
	if s[0] != '+' && region == "" {
		return "", errNational
	}
	bare := strings.Map(func(r rune) rune {
		if strings.ContainsRune(between, r) {
			return -1
		}
		return r
	}, s)
	if n := international(bare); n != "" {
		return n, nil
	}
	if n := national(bare, region); n != "" {
		return n, nil
	}
	n, err := phonenumbers.Parse(s, region)
	switch {
	case err != nil || !phonenumbers.IsValidNumber(n):
		return "", errPlan
	case n.GetExtension() != "":
		return "", errInside
	}
	return phonenumbers.Format(n, phonenumbers.E164), nil
}

// plain takes off what a spreadsheet or a word processor has put around a number, and
// refuses what no number has.
func plain(given string) (string, error) {
	s := strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r): // directions of writing, joiners, soft hyphens
			return -1
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Pd, r):
			return '-'
		case r == '＋':
			return '+'
		}
		return r
	}, given)
	s = strings.Trim(s, " ")
	if inside, formula := strings.CutPrefix(s, `="`); formula {
		s = strings.TrimSuffix(inside, `"`)
	}
	s = strings.TrimLeft(s, "'’` ")
	if s == "" {
		return "", errNone
	}
	s, err := unrounded(s)
	if err != nil {
		return "", err
	}
	for i, r := range s {
		if !unicode.IsDigit(r) && !strings.ContainsRune(between, r) && (r != '+' || strings.ContainsFunc(s[:i], unicode.IsDigit)) {
			return "", errForeign
		}
	}
	if rest, abroad := strings.CutPrefix(s, "00"); abroad {
		s = "+" + rest
	}
	return s, nil
}

// unrounded is a number that a spreadsheet took for an amount: 393331234567.0, or
// 3.93331234567E+11. If it has fewer digits than it says, they are lost.
func unrounded(s string) (string, error) {
	mantissa, exponent, scientific := strings.Cut(strings.ToUpper(s), "E")
	whole, fraction, cut := strings.Cut(strings.Replace(mantissa, ",", ".", 1), ".")
	if !digits(strings.TrimPrefix(whole, "+")) || cut && !digits(fraction) {
		return s, nil
	}
	if !scientific {
		if cut && strings.Trim(fraction, "0") == "" && len(whole) >= minDigits {
			return whole, nil
		}
		return s, nil
	}
	exponent = strings.TrimPrefix(exponent, "+")
	if !digits(exponent) || len(exponent) > 2 {
		return s, nil
	}
	places := 0
	for _, d := range exponent {
		places = 10*places + int(d-'0')
	}
	if places != len(fraction) {
		return "", errLost
	}
	return whole + fraction, nil
}

func digits(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// national is a number of a region whose numbers are dialled as they are, as in Italy; any
// other one is empty. Where a 0 is dialled before them, only the whole reading knows it.
func national(s, region string) string {
	if !digits(s) || phonenumbers.GetNddPrefixForRegion(region, true) != "" {
		return ""
	}
	return international(fmt.Sprintf("+%d%s", phonenumbers.GetCountryCodeForRegion(region), s))
}

// international is a number that is written as it is sent, by far the most common case; any
// other one is empty. The whole reading of a number takes four times as long.
func international(s string) string {
	if len(s) <= minDigits || len(s) > 16 || s[0] != '+' || !digits(s[1:]) {
		return ""
	}
	code, national, region := 0, uint64(0), ""
	rest := s[1:]
	for i := range 3 {
		code = 10*code + int(s[1+i]-'0')
		if region = phonenumbers.GetRegionCodeForCountryCode(code); region != "ZZ" {
			rest = s[2+i:]
			break
		}
	}
	if region == "ZZ" || region == "001" || rest[0] == '0' {
		return "" // nobody's, everybody's, or one whose zero may not be dialled
	}
	for _, d := range []byte(rest) {
		national = 10*national + uint64(d-'0')
	}
	country := int32(code)
	if !phonenumbers.IsValidNumberForRegion(&phonenumbers.PhoneNumber{CountryCode: &country, NationalNumber: &national}, region) {
		return ""
	}
	return s
}
