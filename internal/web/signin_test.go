package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A header is believed from the proxy alone, and only if it is one.
func TestProxyIsBelievedAlone(t *testing.T) {
	t.Parallel()
	p, err := ParseProxy("x-forwarded-user", "10.0.0.5, 192.0.2.0/24")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		from  string
		names []string
		want  string // the person, or a piece of the error
		ok    bool
	}{
		{"10.0.0.5:4711", []string{"anna"}, "anna", true},
		{"[::ffff:192.0.2.9]:4711", []string{"anna"}, "anna", true},
		{"10.0.0.6:4711", []string{"anna"}, "10.0.0.6 is none of web.proxy_from", false},
		{"10.0.0.5:4711", nil, "there are 0", false},
		{"10.0.0.5:4711", []string{"anna", "mallory"}, "there are 2", false},
		{"10.0.0.5:4711", []string{"  "}, "there is no name", false},
		{"10.0.0.5:4711", []string{strings.Repeat("a", 300)}, "at most 200", false},
		{"10.0.0.5:4711", []string{"anna\u202e"}, "cannot be shown", false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = tt.from
		r.Header["X-Forwarded-User"] = tt.names
		got, err := p.Person(r)
		if (err == nil) != tt.ok || tt.ok && got.Name != tt.want || !tt.ok && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s says %q: %+v, %v; want %s", tt.from, tt.names, got, err, tt.want)
		}
	}
	for _, from := range []string{"", "localhost", "10.0.0.0/33"} {
		if _, err := ParseProxy("X-Forwarded-User", from); err == nil || !strings.Contains(err.Error(), "web.proxy_from") {
			t.Errorf("from %q: %v", from, err)
		}
	}
}

// A session is what this page has signed, under its own name, and until it ends.
func TestASessionIsSigned(t *testing.T) {
	t.Parallel()
	i := &OIDC{sealed: sealer{[]byte("0123456789abcdef0123456789abcdef")}}
	sealed := func(s sealer, name string, ends time.Time) *http.Cookie {
		w := httptest.NewRecorder()
		if err := s.write(w, name, session{Name: "anna", Ends: ends}, time.Hour); err != nil {
			t.Fatal(err)
		}
		return w.Result().Cookies()[0]
	}
	soon := time.Now().Add(time.Hour)
	good := sealed(i.sealed, cookieSession, soon)
	if !good.Secure || !good.HttpOnly || good.SameSite != http.SameSiteLaxMode || good.Domain != "" || good.Path != "/" {
		t.Errorf("the cookie is %+v", good)
	}
	forged, elsewhere := *good, *sealed(i.sealed, cookieSignIn, soon)
	forged.Value = "x" + forged.Value
	elsewhere.Name = cookieSession
	for what, c := range map[string]*http.Cookie{
		"":                           good,
		"it was changed":             &forged,
		"another key signed it":      sealed(sealer{[]byte("another")}, cookieSession, soon),
		"it has ended":               sealed(i.sealed, cookieSession, time.Now().Add(-time.Second)),
		"it was written as another":  &elsewhere,
		"it is no cookie of anybody": {Name: cookieSession, Value: "anna"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(c)
		if p, err := i.Person(r); (err == nil) != (what == "") {
			t.Errorf("%q: %+v, %v", what, p, err)
		}
	}
}

// Whoever signs in comes back to a page of ours, and to no other.
func TestBackToAPageOfOurs(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/campaigns/a.b?x=y": "/campaigns/a.b?x=y", "": "/", "//evil.example": "/", `/\evil.example`: "/", "https://evil.example": "/", "javascript:alert(1)": "/",
	} {
		if got := ownPath(path); got != want {
			t.Errorf("%q leads to %q", path, got)
		}
	}
}

// Without a sign-in nobody beyond this machine is let in.
func TestOpenPagesStayOnThisMachine(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{":0", "0.0.0.0:0", "192.0.2.1:0", "[::]:0", "example.com:0"} {
		if l, err := Listen(addr, nil); err == nil || !strings.Contains(err.Error(), "nobody signs in") {
			t.Errorf("%s: %v, %v", addr, l, err)
		}
	}
	l, err := Listen("127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}
