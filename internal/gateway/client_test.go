package gateway

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

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

const secret = "pg_live_0123456789"

// open returns a Gateway on a server of the test's own, which has answered
// before.
func open(t *testing.T, h http.HandlerFunc, change ...func(*Options)) *Gateway {
	t.Helper()
	g := openUnproven(t, h, change...)
	g.client.heard.there.Store(true)
	return g
}

// openUnproven returns one that nobody has called yet.
func openUnproven(t *testing.T, h http.HandlerFunc, change ...func(*Options)) *Gateway {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	o := Options{BaseURL: server.URL + "/api/partner-gateway/v1", Key: secret, Version: "1.2.3"}
	for _, f := range change {
		f(&o)
	}
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// do makes one call through all layers.
func do(t *testing.T, g *Gateway, call campaign.Call) campaign.Outcome {
	t.Helper()
	permit, no := g.Admit(t.Context(), call.Op)
	if permit == nil {
		return no
	}
	return permit.Call(t.Context(), call)
}

// seed is a sample of UC-006, byte for byte.
func seed(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
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

func blackFridayEcho() *campaign.Echo {
	content := blackFriday[campaign.OpConfigure].Content
	return &campaign.Echo{Sender: &content.Sender, Text: &content.Text, ListID: &content.ListID}
}

func eur(amount string) campaign.Money {
	return campaign.Money{Amount: decimal.RequireFromString(amount), Currency: "EUR"}
}

// The requests are those of UC-006's curl lines, the answers its samples.
func TestCallsSpeakUC006(t *testing.T) {
	t.Parallel()
	create, configure, confirm := blackFriday[campaign.OpCreate], blackFriday[campaign.OpConfigure], blackFriday[campaign.OpConfirm]
	scheduled, simulated := confirm, confirm
	scheduled.At = time.Date(2026, 11, 29, 9, 0, 0, 0, time.FixedZone("CET", 3600))
	simulated.Simulation, create.Simulation, configure.Simulation = true, true, true

	recipients := int64(9831)
	const base = "/api/partner-gateway/v1"
	tests := []struct {
		name         string
		call         campaign.Call
		line, body   string // the request
		code         int
		answer       string
		want         campaign.Outcome
		withoutMedia bool
	}{
		{"Create", blackFriday[campaign.OpCreate], "POST " + base + "/campaigns",
			`{"name":"Black Friday 2026","channel":"SMS","description":"Promozione Black Friday - sconto 30% su tutto il catalogo"}`,
			200, seed(t, "created"), campaign.Outcome{CampaignID: 1542}, false},
		{"CreateSimulated", create, "POST " + base + "/campaigns",
			`{"name":"Black Friday 2026","channel":"SMS","description":"Promozione Black Friday - sconto 30% su tutto il catalogo","simulation":true}`,
			201, seed(t, "created"), campaign.Outcome{CampaignID: 1542}, false},
		{"Configure", blackFriday[campaign.OpConfigure], "PUT " + base + "/campaigns/1542",
			`{"sender":"ShopItalia","text":"Black Friday! Solo per te: -30% su tutto con il codice BF2026. Valido fino al 30/11. Scopri di più: https://shop.example.it/bf","contactListId":87,"unicode":false}`,
			200, seed(t, "configured"), campaign.Outcome{Status: campaign.StatusUnconfirmed, Echo: blackFridayEcho()}, false},
		{"ConfigureSimulated", configure, "PUT " + base + "/campaigns/1542",
			`{"sender":"ShopItalia","text":"Black Friday! Solo per te: -30% su tutto con il codice BF2026. Valido fino al 30/11. Scopri di più: https://shop.example.it/bf","contactListId":87,"unicode":false,"simulation":true}`,
			200, seed(t, "configured"), campaign.Outcome{Status: campaign.StatusUnconfirmed, Echo: blackFridayEcho()}, false},
		{"Calculate", blackFriday[campaign.OpCalculate], "POST " + base + "/campaigns/1542/calculateGoal", "",
			200, seed(t, "calculated"), campaign.Outcome{Goal: campaign.Goal{Total: 10247, Valid: 9831, Invalid: 416, Parts: 9831}}, true},
		{"Price", blackFriday[campaign.OpPrice], "GET " + base + "/campaigns/1542/price", "",
			200, seed(t, "price"), campaign.Outcome{Recipients: &recipients, Price: campaign.Price{
				PerMessage: eur("0.035"), Total: eur("344.09"), Available: eur("1500.00"), Sufficient: true}}, true},
		{"ConfirmAtOnce", confirm, "PUT " + base + "/campaigns/1542/confirm", `{"sendImmediately":true}`,
			200, seed(t, "confirmed"), campaign.Outcome{Status: campaign.StatusConfirmed, ConfirmedAt: time.Date(2026, 4, 9, 9, 5, 0, 0, time.UTC)}, false},
		{"ConfirmScheduledInUTC", scheduled, "PUT " + base + "/campaigns/1542/confirm", `{"scheduledDate":"2026-11-29T08:00:00.000+0000"}`,
			202, `{"id":1542,"status":"CONFIRMED"}`, campaign.Outcome{Status: campaign.StatusConfirmed}, false},
		{"ConfirmSimulated", simulated, "PUT " + base + "/campaigns/1542/confirm", `{"sendImmediately":true,"simulation":true}`,
			200, seed(t, "confirmed"), campaign.Outcome{Status: campaign.StatusConfirmed, ConfirmedAt: time.Date(2026, 4, 9, 9, 5, 0, 0, time.UTC)}, false},
		{"Status", blackFriday[campaign.OpStatus], "GET " + base + "/campaigns/1542", "",
			200, seed(t, "created"), campaign.Outcome{Status: campaign.StatusUnconfirmed, ByID: true,
				Name: "Black Friday 2026", Description: "Promozione Black Friday - sconto 30% su tutto il catalogo"}, true},
		{"Stats", blackFriday[campaign.OpStats], "GET " + base + "/campaigns/stats?campaignId=1542", "",
			200, seed(t, "stats"), campaign.Outcome{Name: "Black Friday 2026", Stats: campaign.Stats{
				Status: campaign.StatusCompleted, Total: 9831, Sent: 9831, Delivered: 9542, Undelivered: 289,
				DeliveryRate: decimal.NewNullDecimal(decimal.RequireFromString("97.06")), Cost: eur("344.09"),
				CompletedAt: time.Date(2026, 4, 9, 9, 47, 0, 0, time.UTC)}}, true},
		{"Delete", blackFriday[campaign.OpDelete], "DELETE " + base + "/campaigns/1542", "",
			204, "", campaign.Outcome{}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var line, body string
			var header http.Header
			g := open(t, func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				line, body, header = r.Method+" "+r.URL.String(), string(b), r.Header
				answers(tt.code, tt.answer)(w, r)
			})
			got := do(t, g, tt.call)
			if line != tt.line || body != tt.body {
				t.Errorf("request\n got %s %s\nwant %s %s", line, body, tt.line, tt.body)
			}
			want := http.Header{"X-Api-Key": {secret}, "User-Agent": {"staffetta/1.2.3"}, "Accept": {"application/json"}}
			if !tt.withoutMedia {
				want.Set("Content-Type", "application/json")
			}
			header.Del("Content-Length")
			header.Del("Accept-Encoding")
			if diff := cmp.Diff(want, header); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
			tt.want.Op, tt.want.Kind, tt.want.HTTP, tt.want.Breaker = tt.call.Op, campaign.OK, tt.code, "closed"
			if diff := diff(tt.want, got); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
			if got.Started.IsZero() || got.Started.Location() != time.UTC || got.Took <= 0 {
				t.Errorf("Started %v, Took %v", got.Started, got.Took)
			}
		})
	}
}

// diff compares outcomes but for the time they took.
func diff(want, got campaign.Outcome) string {
	return cmp.Diff(want, got, cmpopts.IgnoreFields(campaign.Outcome{}, "Started", "Took"))
}

// A 403 is the campaign's refusal only if the key is good for something else.
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

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var stranger bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stranger = true }))
	defer elsewhere.Close()
	g := open(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+"/new", http.StatusTemporaryRedirect)
	})
	got := do(t, g, blackFriday[campaign.OpConfirm])
	if got.Kind != campaign.Unavailable || got.HTTP != 307 || !strings.Contains(got.Err, elsewhere.URL+"/new") {
		t.Errorf("got %s %d %q, want unavailable and where it points", got.Kind, got.HTTP, got.Err)
	}
	if stranger {
		t.Error("the key was shown to a stranger")
	}
}

func TestContextDecidesWhetherItLeft(t *testing.T) {
	t.Parallel()
	arrived, finish := make(chan struct{}, 1), make(chan struct{})
	g := open(t, func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-finish
	}, func(o *Options) { o.InFlight = 1 })
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
	transport := newTransport(1, nil)
	transport.DialContext = blocked(dialling)
	g := open(t, nil, func(o *Options) { o.Transport, o.PerSecond = transport, 1 })
	permit, _ := g.Admit(t.Context(), campaign.OpConfirm)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-dialling; cancel() }()
	if got := permit.Call(ctx, blackFriday[campaign.OpConfirm]); got.Kind != campaign.NotAttempted {
		t.Errorf("got %s %q, want not attempted", got.Kind, got.Err)
	}
	if got := g.limit.windows[0].n; got != 0 {
		t.Errorf("%d requests counted that never left", got)
	}
}

// One time-out holds for every call, for a calculate that goes through a whole
// contact list too.
func TestNoAnswerInTime(t *testing.T) {
	t.Parallel()
	finish := make(chan struct{})
	defer close(finish)
	g := open(t, func(http.ResponseWriter, *http.Request) { <-finish }, func(o *Options) { o.Timeout, o.BreakerFailures = time.Millisecond, 100 })
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
	g, err := New(Options{BaseURL: server.URL, Key: secret})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if got := do(t, g, blackFriday[campaign.OpCreate]); got.Kind != campaign.Unavailable || !strings.Contains(got.Err, "refused") {
		t.Errorf("got %s %q", got.Kind, got.Err)
	}
}
