package cli

import (
	"strconv"
	"strings"
	"time"
)

func itoa(n int) string { return strconv.Itoa(n) }

// thousands is a whole number as people read it: 10,247.
func thousands(n int64) string { return grouped(strconv.FormatInt(n, 10)) }

// grouped puts commas into a decimal number, whole or not: 1,500.00.
func grouped(number string) string {
	sign, whole := "", number
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	whole, fraction, hasFraction := strings.Cut(whole, ".")
	var b strings.Builder
	b.WriteString(sign)
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	if hasFraction {
		b.WriteString("." + fraction)
	}
	return b.String()
}

// shortDuration is a duration without zeros nobody needs: 10m, not 10m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
