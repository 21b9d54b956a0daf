package audience

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

func TestNumber(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, region, want, err string }{
		{"+393331234567", "", "+393331234567", ""},
		{"393331234567", "IT", "+393331234567", ""},
		{"333 1234567", "IT", "+393331234567", ""},
		{"333 1234567", "", "", "default_region"},
		{"392 1234567", "IT", "+393921234567", ""},
		{"00393331234567", "", "+393331234567", ""},
		{"0044 7911 123456", "US", "+447911123456", ""},
		{"07911 123456", "GB", "+447911123456", ""},
		{"02 12345678", "IT", "+390212345678", ""},
		{"+39 333/1230013", "", "+393331230013", ""},
		{"+49 (0)30 1234567", "", "+49301234567", ""},
		{"\u202a+39 333 123 0012\u202c", "", "+393331230012", ""},
		{"+39\u00a0333\u00a0123–0014", "", "+393331230014", ""},
		{"'+393331230010", "", "+393331230010", ""},
		{"’3331230010", "IT", "+393331230010", ""},
		{`="+393331230015"`, "", "+393331230015", ""},
		{"393331234567.0", "IT", "+393331234567", ""},
		{"393331234567,00", "IT", "+393331234567", ""},
		{"+393331234567.0", "", "+393331234567", ""},
		{"3331234567.0", "IT", "+393331234567", ""},
		{"3.93331234567E+11", "IT", "+393331234567", ""},
		{"3,93331E+11", "IT", "", "digits are lost"},
		{"3.9333E+11", "IT", "", "digits are lost"},
		{"4E+11", "IT", "", "digits are lost"},
		{"+393331230017/+393331230018", "", "", "character"},
		{"+39 02 1234567 ext. 12", "", "", "character"},
		{"1-800-FLOWERS", "US", "", "character"},
		{"333 1234567 Anna", "IT", "", "character"},
		{"+39333123", "", "", "numbering plan"},
		{"12345", "IT", "", "numbering plan"},
		{"+15550100", "", "", "numbering plan"},
		{"+3933312345678901", "", "", "numbering plan"},
		{"+999333123456", "", "", "numbering plan"},
		{"", "IT", "", "no number"},
		{"'", "IT", "", "no number"},
		{" - ", "IT", "", "numbering plan"},
	} {
		got, err := Number(c.in, c.region)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("Number(%q, %q) = %q, %v; want %q, error with %q", c.in, c.region, got, err, c.want, c.err)
		}
		if err != nil && len(c.in) > 3 && strings.Contains(err.Error(), strings.Trim(c.in, "+'")) {
			t.Errorf("Number(%q): the error says the number: %v", c.in, err)
		}
	}
}

// What is read the short way is read the same the long way: the short way is only faster.
func TestTheShortWayToANumberIsTheLongOne(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	short, inside := 0, 0
	for _, region := range []string{"IT", "VA", "DE", "GB", "GG", "US", "CA", "FR", "ES", "CH", "SM", "AT", "BR", "AR", "MX", "RU", "KZ", "IN", "CN", "SG", "PT", "PL", "CZ", "DK", "NO", "GR", "MT", "AE"} {
		example := phonenumbers.Format(phonenumbers.GetExampleNumberForType(region, phonenumbers.MOBILE), phonenumbers.E164)
		for range 200 {
			digits := []byte(example)
			for range r.IntN(4) {
				digits[2+r.IntN(len(digits)-2)] = byte('0' + r.IntN(10))
			}
			s := string(digits)
			country := fmt.Sprint("+", phonenumbers.GetCountryCodeForRegion(region))
			for _, dialled := range []string{strings.TrimPrefix(s, country), strings.TrimPrefix(s, "+")} {
				if got := national(dialled, region); got != "" {
					inside++
					n, err := phonenumbers.Parse(dialled, region)
					if err != nil || !phonenumbers.IsValidNumber(n) || phonenumbers.Format(n, phonenumbers.E164) != got {
						t.Errorf("%s in %s: the long way says %v, %v", dialled, region, n, err)
					}
				}
			}
			at := 1 + r.IntN(len(s)-1)
			spaced := s[:at] + string(between[r.IntN(len(between))]) + s[at:]
			if got, err := Number(spaced, ""); err == nil {
				n, err := phonenumbers.Parse(spaced, "")
				if err != nil || phonenumbers.Format(n, phonenumbers.E164) != got {
					t.Errorf("%s is %s, and the long way says %v, %v", spaced, got, n, err)
				}
			}
			if got := international(s); got != "" {
				short++
				n, err := phonenumbers.Parse(s, "")
				if err != nil || !phonenumbers.IsValidNumber(n) || phonenumbers.Format(n, phonenumbers.E164) != got {
					t.Errorf("%s: the long way says %v, %v", s, n, err)
				}
			}
		}
	}
	if short < 1000 || inside < 200 {
		t.Errorf("only %d numbers went the short way, and %d national ones", short, inside)
	}
}

func BenchmarkNumber(b *testing.B) {
	for name, format := range map[string]string{"international": "+39333%07d", "national": "333%07d", "as people write them": "333 %07d"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := Number(fmt.Sprintf(format, i%10_000_000), "IT"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
