package gateway_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/gateway"
)

// Connections are kept, whatever was answered on them; only a body that is not
// read to its end costs one.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	var made atomic.Int32
	var code int
	var body string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answers(code, body)(w, r) }))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			made.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	g, err := gateway.New(gateway.Options{Vendor: vendor, BaseURL: server.URL, Key: secret})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	for _, code = range []int{200, 400, 404, 402, 200} {
		for _, body = range []string{"", "{", seed(t, "created"), strings.Repeat("x", gateway.MaxBody)} {
			gateway.Client(g).Call(t.Context(), blackFriday[campaign.OpConfirm])
		}
	}
	if n := made.Load(); n != 1 {
		t.Errorf("%d connections for 20 calls one after another, want 1", n)
	}
}

// TLS 1.2 at least, HTTP/1.1, the authority that the options name.
func TestTLS(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		max   uint16
		trust bool
		want  campaign.Kind
		says  string
	}{
		"Modern":           {0, true, campaign.OK, ""},
		"AtLeastTLS12":     {tls.VersionTLS12, true, campaign.OK, ""},
		"TLS11IsTooOld":    {tls.VersionTLS11, true, campaign.Unavailable, "protocol version"},
		"UnknownAuthority": {0, false, campaign.Unavailable, "unknown authority"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var proto string
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				proto = r.Proto
				answers(200, seed(t, "created"))(w, r)
			}))
			server.EnableHTTP2 = true
			server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tt.max}
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.StartTLS()
			defer server.Close()
			conf := &tls.Config{MinVersion: tls.VersionTLS10}
			if tt.trust {
				conf.RootCAs = x509.NewCertPool()
				conf.RootCAs.AddCert(server.Certificate())
			}
			g, err := gateway.New(gateway.Options{Vendor: vendor, BaseURL: server.URL, Key: secret, TLS: conf})
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			got := do(t, g, blackFriday[campaign.OpCreate])
			if got.Kind != tt.want || !strings.Contains(got.Err, tt.says) {
				t.Errorf("got %s %q, want %s %q", got.Kind, got.Err, tt.want, tt.says)
			}
			if tt.want == campaign.OK && proto != "HTTP/1.1" {
				t.Errorf("spoke %s", proto)
			}
		})
	}
}

// A foreign transport that does not trace is counted all the same, and its failure does
// not prove that nothing left.
func TestForeignTransport(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	foreign := &untraced{sent: cancel}
	g, err := gateway.New(gateway.Options{Vendor: vendor, BaseURL: "http://localhost", Key: secret, PerSecond: 5, Transport: foreign})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	do(t, g, blackFriday[campaign.OpDelete])
	permit, _ := g.Admit(ctx, campaign.OpConfirm)
	if got := permit.Call(ctx, blackFriday[campaign.OpConfirm]); got.Kind != campaign.Unavailable {
		t.Errorf("got %s %q, want unavailable: it may have left", got.Kind, got.Err)
	}
	if n := gateway.Counted(g); n != 2 || gateway.Held(g) != 0 {
		t.Errorf("%d counted and %d out, want 2 and none", n, gateway.Held(g))
	}
}

// untraced answers a DELETE; after anything else was sent its caller gives up.
type untraced struct{ sent func() }

func (u *untraced) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodDelete {
		return &http.Response{StatusCode: 204, Body: http.NoBody}, nil
	}
	u.sent()
	return nil, r.Context().Err()
}
