package gateway_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/gateway"
	"github.com/staffetta-io/staffetta/internal/gateway/uc006"
)

// vendor is whose API these tests speak: any would do.
var vendor = uc006.New(uc006.Options{})

const secret = "pg_live_0123456789"

// spring404 is a 404 in one of the gateway's own shapes.
const spring404 = `{"status":404,"error":"Not Found","message":"no campaign 1542"}`

// open returns a Gateway on a server of the test's own, which has answered
// before.
func open(t *testing.T, h http.HandlerFunc, change ...func(*gateway.Options)) *gateway.Gateway {
	t.Helper()
	g := openUnproven(t, h, change...)
	gateway.Prove(g)
	return g
}

// openUnproven returns one that has not been called yet.
func openUnproven(t *testing.T, h http.HandlerFunc, change ...func(*gateway.Options)) *gateway.Gateway {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	o := gateway.Options{Vendor: vendor, BaseURL: server.URL + "/api/partner-gateway/v1", Key: secret, Version: "1.2.3"}
	for _, f := range change {
		f(&o)
	}
	g, err := gateway.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// seed is a sample of UC-006, byte for byte.
func seed(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("uc006/testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// do makes one call through all layers.
func do(t *testing.T, g *gateway.Gateway, call campaign.Call) campaign.Outcome {
	t.Helper()
	permit, no := g.Admit(t.Context(), call.Op)
	if permit == nil {
		return no
	}
	return permit.Call(t.Context(), call)
}

func answers(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}

// blackFriday is UC-006's campaign, call by call.
var blackFriday = map[campaign.Op]campaign.Call{
	campaign.OpCreate: {Op: campaign.OpCreate, Draft: campaign.Draft{
		Name: "Black Friday 2026", Description: "Promozione Black Friday - sconto 30% su tutto il catalogo"}},
	campaign.OpConfigure: {Op: campaign.OpConfigure, CampaignID: 1542, Content: campaign.Content{
		Sender: "ShopItalia", ListID: 87,
		Text: "Black Friday! Solo per te: -30% su tutto con il codice BF2026. Valido fino al 30/11. Scopri di più: https://shop.example.it/bf"}},
	campaign.OpCalculate: {Op: campaign.OpCalculate, CampaignID: 1542},
	campaign.OpPrice:     {Op: campaign.OpPrice, CampaignID: 1542},
	campaign.OpConfirm:   {Op: campaign.OpConfirm, CampaignID: 1542},
	campaign.OpStatus:    {Op: campaign.OpStatus, CampaignID: 1542},
	campaign.OpStats:     {Op: campaign.OpStats, CampaignID: 1542},
	campaign.OpDelete:    {Op: campaign.OpDelete, CampaignID: 1542},
}

// A 403 is the campaign's refusal only if the key is accepted elsewhere.
func TestForbiddenAsksWhoseFaultItIs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		probe int
		want  campaign.Kind
	}{
		"KeyIsGood":            {200, campaign.Refused},
		"ProbeIsUnknown":       {404, campaign.Refused},
		"KeyIsForbidden":       {403, campaign.Unauthorised},
		"KeyIsUnknown":         {401, campaign.Unauthorised},
		"NobodyCanTell":        {503, campaign.Unauthorised},
		"NobodyCanTellJustYet": {429, campaign.Unauthorised},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var probes []string
			g := open(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/api/partner-gateway/v1/campaigns" {
					mu.Lock()
					probes = append(probes, r.Method+" "+r.URL.RequestURI())
					mu.Unlock()
					w.WriteHeader(tt.probe)
					return
				}
				answers(403, `{"status":"fail","data":{"contactListId":"List 87 is not yours"}}`)(w, r)
			})
			got := do(t, g, blackFriday[campaign.OpConfigure])
			if got.Kind != tt.want || got.HTTP != 403 || got.Field != "contactListId" || got.Words != "List 87 is not yours" {
				t.Errorf("got %s %d %s %q, want %s with the gateway's words", got.Kind, got.HTTP, got.Field, got.Words, tt.want)
			}
			if g.Authorised() != (tt.want == campaign.Refused) {
				t.Errorf("Authorised() = %v after %s", g.Authorised(), got.Kind)
			}
			mu.Lock()
			defer mu.Unlock()
			if len(probes) == 0 || probes[0] != "GET /api/partner-gateway/v1/campaigns?page=0&limit=1" {
				t.Errorf("probes: %q", probes)
			}
		})
	}
}

// A firewall on the way forbids as well, and that is nobody's refusal: not the campaign's
// where the key is accepted elsewhere, and the key's only where it is not.
func TestForbiddenByAStrangerIsNoRefusal(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "<html><h1>Request blocked</h1></html>", `{"blocked":true}`, `{"status":"fail","data":{"conta`} {
		for probe, want := range map[int]campaign.Kind{200: campaign.Unavailable, 404: campaign.Unavailable, 403: campaign.Unauthorised, 401: campaign.Unauthorised, 503: campaign.Unauthorised} {
			g := open(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.RawQuery == "page=0&limit=1" {
					w.WriteHeader(probe)
					return
				}
				answers(403, body)(w, r)
			})
			got := do(t, g, blackFriday[campaign.OpConfigure])
			if got.Kind != want || got.Unshaped != (want == campaign.Unavailable) || got.Cause != campaign.Forbidden || got.Words+got.Err == "" {
				t.Errorf("403 %q, the probe %d: got %s, unshaped %v, %q %q, want %s", body, probe, got.Kind, got.Unshaped, got.Words, got.Err, want)
			}
			if g.Authorised() != (want == campaign.Unavailable) {
				t.Errorf("403 %q, the probe %d: Authorised() = %v", body, probe, g.Authorised())
			}
		}
	}
}

func TestContextDecidesWhetherItLeft(t *testing.T) {
	t.Parallel()
	arrived, finish := make(chan struct{}, 1), make(chan struct{})
	g := open(t, func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-finish
	}, func(o *gateway.Options) { o.InFlight = 1 })
	defer close(finish)

	t.Run("EndedBeforeTheCall", func(t *testing.T) {
		permit, _ := g.Admit(t.Context(), campaign.OpConfirm)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got := permit.Call(ctx, blackFriday[campaign.OpConfirm]); got.Kind != campaign.NotAttempted || got.HTTP != 0 {
			t.Errorf("got %s %q, want not attempted", got.Kind, got.Err)
		}
	})
	t.Run("EndedWhileTheServerWorks", func(t *testing.T) {
		permit, _ := g.Admit(t.Context(), campaign.OpConfirm)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-arrived; cancel() }()
		if got := permit.Call(ctx, blackFriday[campaign.OpConfirm]); got.Kind != campaign.Unavailable || !strings.Contains(got.Err, "gave up waiting") {
			t.Errorf("got %s %q, want unavailable", got.Kind, got.Err)
		}
		if got := g.BreakerState(); got != "closed" {
			t.Errorf("breaker is %s", got)
		}
	})
}

// A call that waits for a connection has not left, and costs nothing.
func TestContextEndedWhileDialling(t *testing.T) {
	t.Parallel()
	dialling := make(chan struct{})
	transport := gateway.NewTransportOver(1, blocked(dialling))
	g := open(t, nil, func(o *gateway.Options) { o.Transport, o.PerSecond = transport, 1 })
	permit, _ := g.Admit(t.Context(), campaign.OpConfirm)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-dialling; cancel() }()
	if got := permit.Call(ctx, blackFriday[campaign.OpConfirm]); got.Kind != campaign.NotAttempted {
		t.Errorf("got %s %q, want not attempted", got.Kind, got.Err)
	}
	if got := gateway.Counted(g); got != 0 {
		t.Errorf("%d requests counted that never left", got)
	}
}

// One time-out is enough for every call, also for a calculate that goes through a whole
// contact list.
func TestNoAnswerInTime(t *testing.T) {
	t.Parallel()
	finish := make(chan struct{})
	defer close(finish)
	g := open(t, func(http.ResponseWriter, *http.Request) { <-finish }, func(o *gateway.Options) { o.Timeout, o.BreakerFailures = time.Millisecond, 100 })
	for op, call := range blackFriday {
		if got := do(t, g, call); got.Kind != campaign.Unavailable || got.Err != "no answer within 1ms" || got.HTTP != 0 || got.Unshaped {
			t.Errorf("%s: got %s %d %q", op, got.Kind, got.HTTP, got.Err)
		}
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	g, err := gateway.New(gateway.Options{Vendor: vendor, BaseURL: server.URL, Key: secret})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if got := do(t, g, blackFriday[campaign.OpCreate]); got.Kind != campaign.Unavailable || !strings.Contains(got.Err, "refused") {
		t.Errorf("got %s %q", got.Kind, got.Err)
	}
}

// After a 429 no call is made, not even one that has its permit already.
func TestThrottledStopsEverybody(t *testing.T) {
	t.Parallel()
	calls := 0
	g := open(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		answers(429, `{"retryAfter":60}`)(w, r)
	})
	inHand, _ := g.Admit(t.Context(), campaign.OpConfirm)
	if got := do(t, g, blackFriday[campaign.OpStats]); got.Kind != campaign.Throttled {
		t.Fatalf("got %s", got.Kind)
	}
	permit, no := g.Admit(t.Context(), campaign.OpCreate)
	if permit != nil || no.Kind != campaign.Throttled || no.RetryAfter < 50*time.Second {
		t.Errorf("admitted after a 429: %v, %s, retry after %s", permit != nil, no.Kind, no.RetryAfter)
	}
	if got := inHand.Call(t.Context(), blackFriday[campaign.OpConfirm]); got.Kind != campaign.NotAttempted || got.RetryAfter < 50*time.Second {
		t.Errorf("the leave in hand: got %s, retry after %s", got.Kind, got.RetryAfter)
	}
	if calls != 1 {
		t.Errorf("%d calls, want 1", calls)
	}
	if g.BreakerState() != "closed" {
		t.Error("the breaker counted a 429")
	}
}
