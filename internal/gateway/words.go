package gateway

import (
	"bytes"
	"encoding/json"
	"html"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

// complaint is what the body of a refusal says, whatever shape it has.
type complaint struct {
	field      string
	words      string
	retryAfter time.Duration
}

// complaintOf understands JSend fail ({"status":"fail","data":{field: words}}),
// JSend error (message, code), the framework's own body (status as a number,
// error, message, retryAfter), and makes words of anything else, be it HTML, a
// JSON that breaks off, or nothing.
func complaintOf(body []byte) complaint {
	var in struct {
		Data       json.RawMessage `json:"data"`
		Message    json.RawMessage `json:"message"`
		Detail     json.RawMessage `json:"detail"`
		Error      json.RawMessage `json:"error"`
		Title      json.RawMessage `json:"title"`
		Code       json.RawMessage `json:"code"`
		RetryAfter json.RawMessage `json:"retryAfter"`
	}
	if json.Unmarshal(body, &in) != nil {
		return complaint{words: clean(plain(string(body)))}
	}
	c := complaint{retryAfter: seconds(in.RetryAfter)}
	c.field, c.words = failed(in.Data)
	for _, raw := range []json.RawMessage{in.Message, in.Detail, in.Error, in.Title} {
		if c.words == "" {
			c.words = text(raw)
		}
	}
	if code := text(in.Code); code != "" && c.words != "" {
		c.words += " (code " + code + ")"
	}
	if c.words == "" && string(bytes.TrimSpace(body)) != "{}" {
		c.words = string(body)
	}
	c.words = clean(c.words)
	return c
}

// failed reads JSend's data: the first field at fault, and the words about it;
// words about further fields follow, each with its name.
func failed(data json.RawMessage) (field, words string) {
	dec := json.NewDecoder(bytes.NewReader(data))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return "", text(data)
	}
	var all strings.Builder
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			break
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			break
		}
		if field == "" {
			field, _ = name.(string)
			field = bound(field, 64)
			all.WriteString(text(value))
			continue
		}
		all.WriteString("; " + name.(string) + ": " + text(value))
	}
	return field, all.String()
}

// text is a JSON string without its quotes, or any other value as it stands.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s // null as well: nothing
	}
	return string(raw)
}

// seconds reads a number of seconds, also from a string; zero if it is none.
func seconds(raw json.RawMessage) time.Duration {
	s := text(raw)
	if len(s) == 0 || len(s) > 16 {
		return 0
	}
	n, err := decimal.NewFromString(s)
	if err != nil || n.Sign() <= 0 {
		return 0
	}
	if n.GreaterThan(decimal.NewFromInt(3600)) {
		return time.Hour
	}
	return time.Duration(n.Shift(9).IntPart())
}

var (
	title  = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	markup = regexp.MustCompile(`(?is)<script.*?</script>|<style.*?</style>|<!--.*?-->|<[^>]*(>|$)`)
)

// plain is the title of an HTML page, or what is left of it without markup.
func plain(s string) string {
	if !strings.HasPrefix(strings.TrimSpace(s), "<") {
		return s
	}
	if m := title.FindStringSubmatch(s); m != nil && strings.TrimSpace(m[1]) != "" {
		return html.UnescapeString(m[1])
	}
	return html.UnescapeString(markup.ReplaceAllString(s, " "))
}

// maxWords bounds, in bytes, what is kept of anybody's words: they go into the
// record, into events and into logs.
const maxWords = 500

// clean makes one bounded line of somebody's words.
func clean(s string) string {
	s = bound(s, 8*maxWords)
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return bound(strings.Join(strings.Fields(s), " "), maxWords)
}

// bound cuts at a rune's border.
func bound(s string, n int) string {
	if len(s) <= n {
		return s
	}
	n -= len("…")
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// excerpt shows how an answer begins that cannot be used.
func excerpt(body []byte) string {
	s := bound(clean(plain(string(body[:min(len(body), 8*maxWords)]))), 80)
	if s == "" {
		return ""
	}
	return "; it begins: " + s
}
