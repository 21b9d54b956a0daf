package main

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// A pattern means the same in every engine as in that of the service, for each character
// that there is; and nothing is left in it that only RE2 reads.
func TestAPortablePatternMeansTheSame(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{
		`^[^\p{Cc}\x{061C}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2066}-\x{2069}]{1,200}$`,
		`^([^\p{Cc}\x{202E}]|[\n\r])*$`,
		`^[^\p{C}\p{Zl}\p{Zp}]{1,64}$`,
		`^[\p{Ps}\p{Pd}]$`, // brackets and dashes
	} {
		everywhere, err := portable(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(everywhere, `\p`) || strings.Contains(everywhere, `\x`) {
			t.Errorf("%q still has what only RE2 reads", everywhere)
		}
		here, there := regexp.MustCompile(pattern), regexp.MustCompile(everywhere)
		for r := rune(0); r <= utf8.MaxRune; r++ {
			if !utf8.ValidRune(r) {
				continue
			}
			if text := string(r); here.MatchString(text) != there.MatchString(text) {
				t.Errorf("%s: %U is judged otherwise", pattern, r)
			}
		}
	}
	if _, err := portable(`\p{Klingon}`); err == nil {
		t.Error("a category that nobody knows is taken for one")
	}
}
