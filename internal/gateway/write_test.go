package gateway

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// On the wire a request is, byte for byte, what net/http would write.
func TestRequestsAreWrittenAsByNetHTTP(t *testing.T) {
	t.Parallel()
	const base = "http://gateway.example:8080/api/v1"
	key := http.Header{"X-Api-Key": {"secret"}, "Accept": {"application/json"}, "User-Agent": {"staffetta/1.2"}}
	long := `{"text":"` + strings.Repeat("è", 5000) + `"}`
	for _, tt := range []struct {
		name, method, url, body string
		change                  func(*http.Request)
	}{
		{name: "a get", method: "GET", url: base + "/campaigns/1542/price"},
		{name: "a query", method: "GET", url: base + "/campaigns?page=0&limit=1&text=a%20b+c"},
		{name: "a path that is escaped", method: "GET", url: base + "/a%2Fb/à c"},
		{name: "no path", method: "GET", url: "http://gateway.example"},
		{name: "a delete", method: "DELETE", url: base + "/campaigns/1542"},
		{name: "a post without a body", method: "POST", url: base + "/campaigns/1542/calculateGoal"},
		{name: "a put without a body", method: "PUT", url: base + "/campaigns/1542/confirm"},
		{name: "a patch without a body", method: "PATCH", url: base + "/campaigns/1542"},
		{name: "a put", method: "PUT", url: base + "/campaigns/1542", body: `{"sender":"ShopItalia"}`},
		{name: "a body longer than the buffer", method: "POST", url: base + "/campaigns", body: long},
		{name: "a line break in a header", method: "GET", url: base, change: func(r *http.Request) { r.Header.Set("X-Api-Key", "a\r\nb: c") }},
		{name: "no name of its own", method: "GET", url: base, change: func(r *http.Request) { r.Header.Del("User-Agent") }},
		{name: "an empty name", method: "GET", url: base, change: func(r *http.Request) { r.Header.Set("User-Agent", "") }},
		{name: "a name in words", method: "GET", url: base, change: func(r *http.Request) { r.Header.Set("User-Agent", " a b\r\nc: d ") }},
		{name: "a length in a header", method: "PUT", url: base, body: "abc", change: func(r *http.Request) { r.Header.Set("Content-Length", "7") }},
		{name: "another host", method: "GET", url: base, change: func(r *http.Request) { r.Host = "other.example" }},
		{name: "no host of its own", method: "GET", url: base, change: func(r *http.Request) { r.Host = "" }},
		{name: "the last one", method: "GET", url: base, change: func(r *http.Request) { r.Close = true }},
		{name: "a body of unknown length", method: "PUT", url: base, body: "abc", change: func(r *http.Request) { r.ContentLength = -1 }},
	} {
		written := func(write func(*http.Request, *bufio.Writer) error) string {
			var body *strings.Reader
			req, err := http.NewRequest(tt.method, tt.url, nil)
			if tt.body != "" {
				body = strings.NewReader(tt.body)
				req, err = http.NewRequest(tt.method, tt.url, body)
			}
			if err != nil {
				t.Fatal(err)
			}
			req.Header = key.Clone()
			if tt.change != nil {
				tt.change(req)
			}
			var wire bytes.Buffer
			out := bufio.NewWriter(&wire)
			if err := write(req, out); err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			if err := out.Flush(); err != nil {
				t.Fatal(err)
			}
			return wire.String()
		}
		want := written(func(r *http.Request, out *bufio.Writer) error { return r.Write(out) })
		got := written(func(r *http.Request, out *bufio.Writer) error { return writeRequest(out, r) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-net/http +written):\n%s", tt.name, diff)
		}
	}
}

// A body that is not as long as it says is no request: the rest of it would be taken for
// the next one.
func TestABodyOfAnotherLengthIsNotSent(t *testing.T) {
	t.Parallel()
	for _, says := range []int64{2, 4} {
		req, err := http.NewRequest("PUT", "http://gateway.example/", strings.NewReader("abc"))
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = says
		if err := writeRequest(bufio.NewWriter(&bytes.Buffer{}), req); err == nil {
			t.Errorf("a body of 3 bytes was written as one of %d", says)
		}
	}
}
