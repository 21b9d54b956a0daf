package uc006

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/gateway"
)

// lifecycle is the five calls of a campaign, which `make bench` measures too.
var lifecycle = []campaign.Op{campaign.OpCreate, campaign.OpConfigure, campaign.OpCalculate, campaign.OpPrice, campaign.OpConfirm}

// samples are UC-006's answers by the last word of the path. As a transport
// they are a gateway without a network.
type samples map[string][]byte

func newSamples(b *testing.B) samples {
	s := samples{}
	for word, name := range map[string]string{"/campaigns": "created", "/1542": "configured", "/calculateGoal": "calculated", "/price": "price", "/confirm": "confirmed"} {
		s[word] = []byte(seed(b, name))
	}
	return s
}

func (s samples) answer(r *http.Request) []byte {
	return s[r.URL.Path[strings.LastIndexByte(r.URL.Path, '/'):]]
}

func (s samples) RoundTrip(r *http.Request) (*http.Response, error) {
	httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{})
	return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewReader(s.answer(r)))}, nil
}

func benchServer(b *testing.B) string {
	s := newSamples(b)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Write(s.answer(r))
	}))
	b.Cleanup(server.Close)
	return server.URL
}

// One campaign through all layers, next to the same five calls with net/http
// and nothing around them. The server's own work is in both.
func BenchmarkCampaign(b *testing.B) {
	b.Run("Gateway", func(b *testing.B) {
		g, err := gateway.New(gateway.Options{Vendor: New(Options{}), BaseURL: benchServer(b), Key: secret, InFlight: 8})
		if err != nil {
			b.Fatal(err)
		}
		defer g.Close()
		benchmark(b, func(ctx context.Context, op campaign.Op) bool {
			permit, _ := g.Admit(ctx, op)
			return permit.Call(ctx, blackFriday[op]).Kind == campaign.OK
		})
	})
	b.Run("Limited", func(b *testing.B) {
		g, err := gateway.New(gateway.Options{Vendor: New(Options{}), BaseURL: benchServer(b), Key: secret, InFlight: 8, PerMinute: 1 << 18, PerSecond: 1 << 16})
		if err != nil {
			b.Fatal(err)
		}
		defer g.Close()
		benchmark(b, func(ctx context.Context, op campaign.Op) bool {
			permit, _ := g.Admit(ctx, op)
			return permit.Call(ctx, blackFriday[op]).Kind == campaign.OK
		})
	})
	b.Run("Bare", func(b *testing.B) {
		url := benchServer(b)
		client := &http.Client{Transport: gateway.NewTransport(8)}
		requests := map[campaign.Op]struct{ method, path, body string }{
			campaign.OpCreate:    {"POST", "/campaigns", string(encode(createBody{Name: "Black Friday 2026", Channel: "SMS", Description: blackFriday[campaign.OpCreate].Draft.Description}))},
			campaign.OpConfigure: {"PUT", "/campaigns/1542", string(encode(configureBody{Sender: "ShopItalia", ListID: 87, Text: blackFriday[campaign.OpConfigure].Content.Text}))},
			campaign.OpCalculate: {"POST", "/campaigns/1542/calculateGoal", ""},
			campaign.OpPrice:     {"GET", "/campaigns/1542/price", ""},
			campaign.OpConfirm:   {"PUT", "/campaigns/1542/confirm", `{"sendImmediately":true}`},
		}
		benchmark(b, func(ctx context.Context, op campaign.Op) bool {
			r := requests[op]
			req, err := http.NewRequestWithContext(ctx, r.method, url+r.path, strings.NewReader(r.body))
			if err != nil {
				return false
			}
			req.Header.Set("X-Api-Key", secret)
			req.Header.Set("Content-Type", "application/json")
			resp, err := client.Do(req)
			if err != nil {
				return false
			}
			defer resp.Body.Close()
			var body bytes.Buffer
			body.ReadFrom(resp.Body)
			return resp.StatusCode == 200
		})
	})
}

func benchmark(b *testing.B, call func(context.Context, campaign.Op) bool) {
	b.ReportAllocs()
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			for _, op := range lifecycle {
				if !call(b.Context(), op) {
					b.Error(op)
					return
				}
			}
		}
	})
}

// What each call costs ourselves: everything but net/http and the network.
func BenchmarkCall(b *testing.B) {
	g, err := gateway.New(gateway.Options{Vendor: New(Options{}), BaseURL: "http://localhost", Key: secret, Transport: newSamples(b)})
	if err != nil {
		b.Fatal(err)
	}
	defer g.Close()
	for _, op := range lifecycle {
		b.Run(string(op), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				permit, _ := g.Admit(b.Context(), op)
				if out := permit.Call(b.Context(), blackFriday[op]); out.Kind != campaign.OK {
					b.Fatal(out.Err)
				}
			}
		})
	}
}
