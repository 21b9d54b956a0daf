package uc006

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/gateway"
)

const secret = "pg_live_0123456789"

// open returns a Gateway on a server of the test's own, which has answered before.
func open(t *testing.T, h http.HandlerFunc, change ...func(*Options)) *gateway.Gateway {
	t.Helper()
	return proven(t, h, func(h http.Handler) (string, http.RoundTripper) {
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		return server.URL, nil
	}, change...)
}

// proven returns a Gateway where a handler is, which has answered before.
func proven(t *testing.T, h http.HandlerFunc, at func(http.Handler) (string, http.RoundTripper), change ...func(*Options)) *gateway.Gateway {
	t.Helper()
	var asked atomic.Bool
	url, transport := at(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Load() {
			h(w, r)
		}
	}))
	var o Options
	for _, f := range change {
		f(&o)
	}
	g, err := gateway.New(gateway.Options{Vendor: New(o), BaseURL: url + "/api/partner-gateway/v1", Key: secret, Version: "1.2.3", Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	if out := g.Probe(t.Context()); out.Kind != campaign.OK {
		t.Fatalf("it has not answered: %s %s", out.Kind, out.Err)
	}
	asked.Store(true)
	return g
}

// inProcess is a server without a network, for tests that need thousands.
type inProcess struct{ http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result(), nil
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
