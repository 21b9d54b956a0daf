package gateway

import (
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The gateway's and proxies' words, on their way into the record, events and logs.

var (
	title  = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	markup = regexp.MustCompile(`(?is)<script.*?</script>|<style.*?</style>|<!--.*?-->|<[^>]*(>|$)`)
)

// Plain is the title of an HTML page, or what is left of it without markup.
func Plain(s string) string {
	if !strings.HasPrefix(strings.TrimSpace(s), "<") {
		return s
	}
	if m := title.FindStringSubmatch(s); m != nil && strings.TrimSpace(m[1]) != "" {
		return html.UnescapeString(m[1])
	}
	return html.UnescapeString(markup.ReplaceAllString(s, " "))
}

// MaxWords limits, in bytes, what is kept of such words: they go into the record, into
// events and into logs.
const MaxWords = 500

// Clean makes one line of limited length from such words.
func Clean(s string) string {
	s = Cut(s, 8*MaxWords)
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return Cut(strings.Join(strings.Fields(s), " "), MaxWords)
}

// Cut cuts at a rune's border.
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	n -= len("…")
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// Excerpt shows the beginning of an answer that cannot be used.
func Excerpt(body []byte) string {
	s := Cut(Clean(Plain(string(body[:min(len(body), 8*MaxWords)]))), 80)
	if s == "" {
		return ""
	}
	return "; it begins: " + s
}
