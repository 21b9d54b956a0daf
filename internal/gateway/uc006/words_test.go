package uc006

import (
	"github.com/staffetta-io/staffetta/internal/gateway"
	"pgregory.net/rapid"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEveryErrorBodyGivesWords(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, field, words string }{
		"JSendFail":        {seed(t, "no_list"), "contactListId", "Contact list is required before calculating cost"},
		"JSendFailCredit":  {seed(t, "no_credit"), "credit", "Insufficient credit. Required: 344.09, available: 120.00"},
		"JSendFailTwo":     {`{"status":"fail","data":{"sender":"is too long","text":"is empty"}}`, "sender", "is too long; text: is empty"},
		"JSendFailNested":  {`{"status":"fail","data":{"list":{"id":["unknown"]}}}`, "list", `{"id":["unknown"]}`},
		"JSendFailText":    {`{"status":"fail","data":"not today"}`, "", "not today"},
		"JSendFailNull":    {`{"status":"fail","data":null,"message":"no"}`, "", "no"},
		"JSendError":       {`{"status":"error","message":"server timeout","code":9}`, "", "server timeout (code 9)"},
		"Framework":        {`{"status":429,"error":"Too Many Requests","message":"Limit exceeded, retry after 12 seconds.","retryAfter":12}`, "", "Limit exceeded, retry after 12 seconds."},
		"FrameworkNoText":  {`{"timestamp":"2026-04-09","status":404,"error":"Not Found","path":"/x"}`, "", "Not Found"},
		"Problem":          {`{"type":"about:blank","title":"Bad Request","status":400,"detail":"Failed to read request"}`, "", "Failed to read request"},
		"OtherJSON":        {`{"reason":"because"}`, "", `{"reason":"because"}`},
		"JSONText":         {`"because"`, "", `"because"`},
		"Empty":            {"", "", ""},
		"EmptyObject":      {" {} ", "", ""},
		"Plain":            {"upstream\r\n\tfailed\x00", "", "upstream failed"},
		"HTMLTitle":        {"<!doctype html><html><head><title>503 Service &amp; Co</title><style>b{}</style></head><body>x</body></html>", "", "503 Service & Co"},
		"HTMLWithoutTitle": {"<html><style>b{color:red}</style><script>alert(1)</script><body><h1>Sorry</h1><p>Maintenance</body></html>", "", "Sorry Maintenance"},
		"HTMLBreaksOff":    {"<html><body><h1>Sorry</h1><di", "", "Sorry"},
		"JSONBreaksOff":    {`{"status":"fail","data":{"credit":"Insuffic`, "", `{"status":"fail","data":{"credit":"Insuffic`},
		"NotUTF8":          {"caf\xe9", "", "caf\uFFFD"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := refusalWordsOf([]byte(tt.body))
			if got.field != tt.field || got.words != tt.words {
				t.Errorf("got %q %q, want %q %q", got.field, got.words, tt.field, tt.words)
			}
		})
	}
}

// Whatever a gateway sends, it becomes one bounded line.
func TestWordsAreOneBoundedLine(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{`{"data":{"`, `":"`, `"}`, "<title>", "</", "\xff", strings.Repeat("è", 400)}))
		body := strings.Join(rapid.SliceOf(piece).Draw(t, "body"), "")
		c := refusalWordsOf([]byte(body))
		for _, s := range []string{c.field, c.words} {
			if len(s) > gateway.MaxWords || !utf8.ValidString(s) || strings.ContainsAny(s, "\r\n\x00\x1b") {
				t.Fatalf("%q became %q", body, s)
			}
		}
	})
}
