package gateway

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
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
	g.gate.answered()
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
			200, seed(t, "configured"), campaign.Outcome{}, false},
		{"ConfigureSimulated", configure, "PUT " + base + "/campaigns/1542",
			`{"sender":"ShopItalia","text":"Black Friday! Solo per te: -30% su tutto con il codice BF2026. Valido fino al 30/11. Scopri di più: https://shop.example.it/bf","contactListId":87,"unicode":false,"simulation":true}`,
			200, seed(t, "configured"), campaign.Outcome{}, false},
		{"Calculate", blackFriday[campaign.OpCalculate], "POST " + base + "/campaigns/1542/calculateGoal", "",
			200, seed(t, "calculated"), campaign.Outcome{Goal: campaign.Goal{Total: 10247, Valid: 9831, Invalid: 416, Parts: 9831}}, true},
		{"Price", blackFriday[campaign.OpPrice], "GET " + base + "/campaigns/1542/price", "",
			200, seed(t, "price"), campaign.Outcome{Price: campaign.Price{
				PerMessage: eur("0.035"), Total: eur("344.09"), Available: eur("1500.00"), Sufficient: true}}, true},
		{"ConfirmAtOnce", confirm, "PUT " + base + "/campaigns/1542/confirm", `{"sendImmediately":true}`,
			200, seed(t, "confirmed"), campaign.Outcome{ConfirmedAt: time.Date(2026, 4, 9, 9, 5, 0, 0, time.UTC)}, false},
		{"ConfirmScheduledInUTC", scheduled, "PUT " + base + "/campaigns/1542/confirm", `{"scheduledDate":"2026-11-29T08:00:00.000+0000"}`,
			202, `{"id":1542,"status":"CONFIRMED"}`, campaign.Outcome{}, false},
		{"ConfirmSimulated", simulated, "PUT " + base + "/campaigns/1542/confirm", `{"sendImmediately":true,"simulation":true}`,
			200, seed(t, "confirmed"), campaign.Outcome{ConfirmedAt: time.Date(2026, 4, 9, 9, 5, 0, 0, time.UTC)}, false},
		{"Status", blackFriday[campaign.OpStatus], "GET " + base + "/campaigns/1542", "",
			200, seed(t, "configured"), campaign.Outcome{Status: campaign.StatusUnconfirmed}, true},
		{"Stats", blackFriday[campaign.OpStats], "GET " + base + "/campaigns/stats?campaignId=1542", "",
			200, seed(t, "stats"), campaign.Outcome{Stats: campaign.Stats{
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

// Money is what the digits say: a float64 would make 0.1 + 0.2 of it.
func TestMoneyIsReadFromItsDigits(t *testing.T) {
	t.Parallel()
	g := open(t, answers(200, `{"pricePerMessage":0.10000000000000000555,"totalPrice":90071992547409.93,"currency":"EUR","availableCredit":-1e2,"sufficient":false}`))
	got := do(t, g, blackFriday[campaign.OpPrice])
	if got.Kind != campaign.Unavailable {
		t.Errorf("twenty decimals: got %s, want unavailable: no price has them", got.Kind)
	}
	g = open(t, answers(200, `{"pricePerMessage":"0.035","totalPrice":90071992547409.93,"currency":"EUR","availableCredit":-1e2,"sufficient":false}`))
	got = do(t, g, blackFriday[campaign.OpPrice])
	want := campaign.Price{PerMessage: eur("0.035"), Total: eur("90071992547409.93"), Available: eur("-100")}
	if diff := cmp.Diff(want, got.Price); diff != "" {
		t.Errorf("price (-want +got):\n%s\n%s", diff, got.Err)
	}
}

func TestStatusUnderstandsNamesAndNumbers(t *testing.T) {
	t.Parallel()
	tests := map[string]campaign.Status{
		`"DRAFT"`: campaign.StatusUnconfirmed, `"CONFIGURED"`: campaign.StatusUnconfirmed, `"COST_CALCULATED"`: campaign.StatusUnconfirmed, `0`: campaign.StatusUnconfirmed,
		`"CONFIRMED"`: campaign.StatusConfirmed, `"Confirmed"`: campaign.StatusConfirmed, `1`: campaign.StatusConfirmed, `"1"`: campaign.StatusConfirmed,
		`"SENDING"`: campaign.StatusSending, `2`: campaign.StatusSending,
		`"COMPLETED"`: campaign.StatusCompleted, `3`: campaign.StatusCompleted,
		`"FAILED"`: campaign.StatusFailed, `4`: campaign.StatusFailed,
		`"PAUSED"`: campaign.StatusUnknown, `5`: campaign.StatusUnknown, `-1`: campaign.StatusUnknown, `1.0`: campaign.StatusUnknown,
	}
	for word, want := range tests {
		g := open(t, answers(200, `{"id":1542,"status":`+word+`}`))
		if got := do(t, g, blackFriday[campaign.OpStatus]); got.Kind != campaign.OK || got.Status != want {
			t.Errorf("status %s: got %s %q %s, want %q", word, got.Kind, got.Status, got.Err, want)
		}
	}
	for _, word := range []string{`null`, `""`, `{}`, `[1]`, `"fail"`} {
		g := open(t, answers(200, `{"id":1542,"status":`+word+`}`))
		if got := do(t, g, blackFriday[campaign.OpStatus]); got.Kind != campaign.Unavailable || got.Err == "" {
			t.Errorf("status %s: got %s %q, want unavailable and why", word, got.Kind, got.Status)
		}
	}
}

// Gone is what two reads agree on. What only one says proves nothing.
func TestStatusFallsBackToStatistics(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		read, stats http.HandlerFunc
		want        campaign.Outcome
	}{
		{"ReadUnknown404", answers(404, ""), answers(200, seed(t, "stats")), campaign.Outcome{Kind: campaign.OK, HTTP: 200, Status: campaign.StatusCompleted}},
		{"ReadUnknown405", answers(405, ""), answers(200, seed(t, "stats")), campaign.Outcome{Kind: campaign.OK, HTTP: 200, Status: campaign.StatusCompleted}},
		{"BothSayGone", answers(404, ""), answers(404, `{"message":"no campaign 1542"}`), campaign.Outcome{Kind: campaign.Refused, HTTP: 404, Words: "no campaign 1542"}},
		{"UnsupportedAndGone", answers(405, ""), answers(404, "gone"), campaign.Outcome{Kind: campaign.Refused, HTTP: 404, Words: "gone"}},
		{"NeitherIsKnownToTakeAnID", answers(404, "no"), answers(400, "dates!"), campaign.Outcome{Kind: campaign.Refused, HTTP: 400, Words: "dates!"}},
		{"StatisticsUnavailable", answers(404, "no"), answers(503, "later"), campaign.Outcome{Kind: campaign.Unavailable, HTTP: 503, Words: "later"}},
		{"OtherRefusalsAreNotAskedAgain", answers(400, "no"), nil, campaign.Outcome{Kind: campaign.Refused, HTTP: 400, Words: "no"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := open(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/stats") {
					tt.stats(w, r)
					return
				}
				tt.read(w, r)
			})
			tt.want.Op, tt.want.Breaker = campaign.OpStatus, "closed"
			if diff := diff(tt.want, do(t, g, blackFriday[campaign.OpStatus])); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

// A gateway whose statistics need dates can only be asked by id. Its 404 counts once
// it has shown that it knows that read at all: otherwise every campaign would be
// gone, those that are being sent too.
func TestGoneIsBelievedOfAGatewayThatReadsByID(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		stats int
		want  campaign.Outcome
	}{
		{"StatisticsDoNotTakeAnID", 400, campaign.Outcome{Kind: campaign.Refused, HTTP: 404, Words: "no campaign 1542"}},
		{"StatisticsAreNotSupported", 405, campaign.Outcome{Kind: campaign.Refused, HTTP: 404, Words: "no campaign 1542"}},
		{"StatisticsUnavailable", 503, campaign.Outcome{Kind: campaign.Unavailable, HTTP: 503, Words: "stats"}},
		{"StatisticsThrottled", 429, campaign.Outcome{Kind: campaign.Throttled, HTTP: 429, Words: "stats"}},
		{"StatisticsUnauthorised", 401, campaign.Outcome{Kind: campaign.Unauthorised, HTTP: 401, Words: "stats"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var gone atomic.Bool
			g := open(t, func(w http.ResponseWriter, r *http.Request) {
				switch {
				case strings.HasSuffix(r.URL.Path, "/stats"):
					answers(tt.stats, `{"message":"stats"}`)(w, r)
				case gone.Load():
					answers(404, `{"message":"no campaign 1542"}`)(w, r)
				default:
					answers(200, seed(t, "configured"))(w, r)
				}
			})
			if got := do(t, g, blackFriday[campaign.OpStatus]); got.Status != campaign.StatusUnconfirmed {
				t.Fatalf("before: %+v", got)
			}
			gone.Store(true)
			tt.want.Op, tt.want.Breaker = campaign.OpStatus, "closed"
			got := do(t, g, blackFriday[campaign.OpStatus])
			got.RetryAfter = 0 // whatever it is
			if diff := diff(tt.want, got); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
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

func TestNoAnswerInTime(t *testing.T) {
	t.Parallel()
	finish := make(chan struct{})
	defer close(finish)
	g := open(t, func(http.ResponseWriter, *http.Request) { <-finish }, func(o *Options) { o.Timeout = time.Millisecond })
	if got := do(t, g, blackFriday[campaign.OpPrice]); got.Kind != campaign.Unavailable || got.Err != "no answer within 1ms" || got.HTTP != 0 {
		t.Errorf("got %s %d %q", got.Kind, got.HTTP, got.Err)
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
