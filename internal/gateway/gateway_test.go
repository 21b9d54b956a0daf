package gateway_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/gateway"
	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// shop is ShopItalia: the sandbox with its list, and our gateway to it.
type shop struct {
	*gateway.Gateway
	sandbox *sandbox.Sandbox
	list    int64
	t       *testing.T
}

func openShop(t *testing.T, so sandbox.Options, change ...func(*gateway.Options)) *shop {
	t.Helper()
	s, err := sandbox.New(so)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	list, err := s.FillDemo(sandbox.ShopItalia())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	o := gateway.Options{Vendor: vendor, BaseURL: server.URL + "/api/partner-gateway/v1", Key: sandbox.DefaultKey}
	for _, f := range change {
		f(&o)
	}
	g, err := gateway.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return &shop{g, s, int64(list), t}
}

func (s *shop) call(op campaign.Op, id int64) campaign.Outcome {
	s.t.Helper()
	permit, no := s.Admit(s.t.Context(), op)
	if permit == nil {
		return no
	}
	return permit.Call(s.t.Context(), campaign.Call{
		Op: op, CampaignID: id,
		Draft: campaign.Draft{Name: "Black Friday 2026", Description: "[staffetta shop-italia.bf-2026]"},
		Content: campaign.Content{Sender: "ShopItalia", ListID: s.list,
			Text: "Black Friday! Solo per te: -30% su tutto con il codice BF2026. Valido fino al 30/11. Scopri di più: https://shop.example.it/bf"},
	})
}

func (s *shop) ok(op campaign.Op, id int64) campaign.Outcome {
	s.t.Helper()
	out := s.call(op, id)
	if out.Kind != campaign.OK {
		s.t.Fatalf("%s: %s %d %s %s", op, out.Kind, out.HTTP, out.Words, out.Err)
	}
	return out
}

// quoted makes a draft that is ready to be confirmed.
func (s *shop) quoted() (id int64, quote campaign.Quote) {
	s.t.Helper()
	id = s.ok(campaign.OpCreate, 0).CampaignID
	s.ok(campaign.OpConfigure, id)
	quote.Goal = s.ok(campaign.OpCalculate, id).Goal
	quote.Price = s.ok(campaign.OpPrice, id).Price
	return id, quote
}

func eur(amount string) campaign.Money {
	return campaign.Money{Amount: decimal.RequireFromString(amount), Currency: "EUR"}
}

// UC-006 from end to end, with its own figures, also where the vendor's other pages
// differ from it.
func TestBlackFriday(t *testing.T) {
	t.Parallel()
	for name, variants := range map[string]sandbox.Variants{
		"AsUC006Says":        {},
		"AsTheReferenceSays": {NumericStatus: true, ConfirmIs202: true, CreditIs400: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, sandbox.Options{Variants: variants})
			id, quote := s.quoted()
			want := campaign.Quote{
				Goal:  campaign.Goal{Total: 10247, Valid: 9831, Invalid: 416, Parts: 9831},
				Price: campaign.Price{PerMessage: eur("0.035"), Total: eur("344.09"), Available: eur("1500.00"), Sufficient: true},
			}
			if diff := cmp.Diff(want, quote); diff != "" {
				t.Errorf("quote (-want +got):\n%s", diff)
			}
			if got := s.ok(campaign.OpStatus, id).Status; got != campaign.StatusUnconfirmed {
				t.Errorf("before the confirm: %s", got)
			}
			if got := s.ok(campaign.OpConfirm, id); got.ConfirmedAt.IsZero() {
				t.Error("no instant of the confirmation")
			}
			if err := s.sandbox.Advance(time.Hour); err != nil {
				t.Fatal(err)
			}
			got := s.ok(campaign.OpStats, id).Stats
			if got.CompletedAt.IsZero() {
				t.Error("no instant of the completion")
			}
			got.CompletedAt = time.Time{}
			wantStats := campaign.Stats{Status: campaign.StatusCompleted, Total: 9831, Sent: 9831, Delivered: 9542, Undelivered: 289,
				DeliveryRate: decimal.NewNullDecimal(decimal.RequireFromString("97.06")), Cost: eur("344.09")}
			if diff := cmp.Diff(wantStats, got); diff != "" {
				t.Errorf("stats (-want +got):\n%s", diff)
			}
			if got := s.call(campaign.OpDelete, id); got.Kind != campaign.Refused || got.HTTP != 404 {
				t.Errorf("deleting what was sent: %s %d", got.Kind, got.HTTP)
			}
		})
	}
}

// Whatever goes wrong with a confirm, it arrives once at most, and its outcome says no
// more than is known.
func TestConfirmThatGoesWrong(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		fault    sandbox.Fault
		want     campaign.Kind
		happened int
		words    string
	}{
		{"CutBeforeTheEffect", sandbox.Fault{Cut: true}, campaign.Unavailable, 0, ""},
		{"CutAfterTheEffect", sandbox.Fault{Cut: true, When: sandbox.After}, campaign.Unavailable, 1, ""},
		{"ProxyErrorAfterTheEffect", sandbox.Fault{Status: 502, Body: sandbox.HTML, When: sandbox.After}, campaign.Unavailable, 1, "502 Bad Gateway"},
		{"EmptyAnswerAfterTheEffect", sandbox.Fault{Body: sandbox.Empty, When: sandbox.After}, campaign.OK, 1, ""},
		{"BrokenAnswerAfterTheEffect", sandbox.Fault{Body: sandbox.Malformed, When: sandbox.After}, campaign.OK, 1, ""},
		{"RefusedAfterTheEffect", sandbox.Fault{Status: 409, Body: sandbox.Spring, When: sandbox.After}, campaign.Refused, 1, "The sandbox was told to answer Conflict"},
		{"Throttled", sandbox.Fault{Status: 429, RetryAfter: 12}, campaign.Throttled, 0, ""},
		{"Unauthorised", sandbox.Fault{Status: 401, Body: sandbox.Empty}, campaign.Unauthorised, 0, ""},
		{"Forbidden", sandbox.Fault{Status: 403, Body: sandbox.JSend}, campaign.Refused, 0, "The sandbox was told to answer Forbidden"},
		{"TimeOutOfTheirs", sandbox.Fault{Status: 408, When: sandbox.After}, campaign.Unavailable, 1, "The sandbox was told to answer Request Timeout"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, sandbox.Options{})
			id, _ := s.quoted()
			tt.fault.Operation = sandbox.Confirm
			if _, err := s.sandbox.AddFault(tt.fault); err != nil {
				t.Fatal(err)
			}
			got := s.call(campaign.OpConfirm, id)
			if got.Kind != tt.want || tt.words != "" && got.Words != tt.words {
				t.Errorf("got %s %d %q %q, want %s %q", got.Kind, got.HTTP, got.Words, got.Err, tt.want, tt.words)
			}
			if got.Kind == campaign.Throttled && got.RetryAfter != 12*time.Second {
				t.Errorf("retry after %s", got.RetryAfter)
			}
			seen := s.sandbox.Seen().Campaigns[0]
			if seen.Calls[sandbox.Confirm] != 1 || seen.Confirms != tt.happened {
				t.Errorf("%d confirms arrived and %d took effect, want 1 and %d", seen.Calls[sandbox.Confirm], seen.Confirms, tt.happened)
			}
		})
	}
}

// An outage costs five calls. Then no call is made until it is worth it, and consumers
// of requests learn both moments.
func TestOutageIsWaitedOut(t *testing.T) {
	t.Parallel()
	var moves []string
	s := openShop(t, sandbox.Options{}, func(o *gateway.Options) {
		o.BreakerOpen = 20 * time.Millisecond
		o.OnBreaker = func(from, to string) { moves = append(moves, to) }
	})
	fault, err := s.sandbox.AddFault(sandbox.Fault{Status: 503, Times: -1})
	if err != nil {
		t.Fatal(err)
	}
	changed := s.Changed()
	for range 5 {
		if got := s.call(campaign.OpCreate, 0); got.Kind != campaign.Unavailable || got.Breaker != "closed" {
			t.Fatalf("got %s, breaker %s", got.Kind, got.Breaker)
		}
	}
	<-changed
	if len(s.sandbox.Calls()) != 5 {
		t.Errorf("%d calls arrived, want 5", len(s.sandbox.Calls()))
	}
	s.sandbox.RemoveFaults(fault)
	for {
		changed := s.Changed()
		if s.Pulling() {
			break
		}
		<-changed
	}
	if got := s.call(campaign.OpCreate, 0); got.Kind != campaign.OK || got.Breaker != "half-open" {
		t.Errorf("the try: %s, breaker %s", got.Kind, got.Breaker)
	}
	if got := s.call(campaign.OpCreate, 0); got.Kind != campaign.OK || got.Breaker != "closed" {
		t.Errorf("after the try: %s, breaker %s", got.Kind, got.Breaker)
	}
	if got := strings.Join(moves, " "); got != "open half-open closed" {
		t.Errorf("moves: %s", got)
	}
}

// Every request is counted, second requests and probes too.
func TestEveryRequestIsCounted(t *testing.T) {
	t.Parallel()
	var requests []string
	s := openShop(t, sandbox.Options{}, func(o *gateway.Options) {
		o.OnRequest = func(out campaign.Outcome) {
			if out.Took <= 0 {
				t.Errorf("%s took %s", out.Op, out.Took)
			}
			requests = append(requests, string(out.Op)+" "+string(out.Kind))
		}
	})
	s.Probe(t.Context())
	s.call(campaign.OpStatus, 99)
	want := "probe ok, status refused, status refused"
	if got := strings.Join(requests, ", "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The base path without its version: nothing is made, nothing is refused, and the
// operator is told what is wrong.
func TestWrongBasePathRefusesNoCampaign(t *testing.T) {
	t.Parallel()
	s := openShop(t, sandbox.Options{}, func(o *gateway.Options) { o.BaseURL = strings.TrimSuffix(o.BaseURL, "/v1") })
	if s.Probe(t.Context()); s.Answered() {
		t.Error("a probe that found nothing is taken for the gateway's answer")
	}
	got := s.call(campaign.OpCreate, 0)
	if got.Kind != campaign.Unauthorised || got.HTTP != 404 || s.Pulling() || s.BadSetting() != gateway.WrongURL {
		t.Errorf("got %s %d, pulling %v, misset %q", got.Kind, got.HTTP, s.Pulling(), s.BadSetting())
	}
	if got := s.call(campaign.OpPrice, 1542); !strings.Contains(got.Err, "correct gateway.url") {
		t.Errorf("the next is told %q", got.Err)
	}
}

// Drafts that bear our mark are found by it, and no others.
func TestSearchFindsTheMark(t *testing.T) {
	t.Parallel()
	s := openShop(t, sandbox.Options{})
	var want []gateway.Found
	for range 3 {
		want = append(want, gateway.Found{ID: s.ok(campaign.OpCreate, 0).CampaignID, Name: "Black Friday 2026",
			Description: "[staffetta shop-italia.bf-2026]", Status: campaign.StatusUnconfirmed})
	}
	found, out := s.Search(t.Context(), "[staffetta shop-italia.bf-2026]")
	if diff := cmp.Diff(want, found); diff != "" || out.Kind != campaign.OK {
		t.Errorf("%s %s, found (-want +got):\n%s", out.Kind, out.Err, diff)
	}
	if found, out := s.Search(t.Context(), "[staffetta acqua-luce"); out.Kind != campaign.OK || len(found) != 0 {
		t.Errorf("of another source: %s %s, %+v", out.Kind, out.Err, found)
	}
	if _, err := s.sandbox.AddFault(sandbox.Fault{Operation: sandbox.Search, Status: 405}); err != nil {
		t.Fatal(err)
	}
	if _, out := s.Search(t.Context(), "x"); out.Kind != campaign.Refused || out.HTTP != 405 {
		t.Errorf("unsupported: %s %d", out.Kind, out.HTTP)
	}
}

// What a read shows of a draft and what a configure repeats is what was asked for.
func TestAnswersShowWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	for name, variants := range map[string]sandbox.Variants{"InWords": {}, "InNumbers": {NumericStatus: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, sandbox.Options{Variants: variants})
			id := s.ok(campaign.OpCreate, 0).CampaignID
			read := s.ok(campaign.OpStatus, id)
			if !read.ByID || read.Status != campaign.StatusUnconfirmed || read.Name != "Black Friday 2026" || read.Description != "[staffetta shop-italia.bf-2026]" {
				t.Errorf("a read by id: %+v", read)
			}
			set := s.ok(campaign.OpConfigure, id)
			if e := set.Echo; e == nil || e.Sender == nil || *e.Sender != "ShopItalia" || e.Text == nil || !strings.HasPrefix(*e.Text, "Black Friday!") || e.ListID == nil || *e.ListID != s.list {
				t.Errorf("configure repeats %+v", e)
			}
			if set.Status != campaign.StatusUnconfirmed {
				t.Errorf("after configure it is %q", set.Status)
			}
			s.ok(campaign.OpCalculate, id)
			if got := s.ok(campaign.OpConfirm, id).Status; got != campaign.StatusConfirmed {
				t.Errorf("confirm says %q", got)
			}
			if _, err := s.sandbox.AddFault(sandbox.Fault{Operation: sandbox.Status, Status: 404, Body: sandbox.HTML, Times: -1}); err != nil {
				t.Fatal(err)
			}
			if got := s.ok(campaign.OpStatus, id); got.ByID || got.Status == campaign.StatusUnconfirmed || got.Name != "Black Friday 2026" {
				t.Errorf("a read that only the statistics answer: %+v", got)
			}
		})
	}
}

// A witness shows that a campaign of ours can be read by id, and is gone again.
func TestWitnessIsMadeReadAndDeleted(t *testing.T) {
	t.Parallel()
	s := openShop(t, sandbox.Options{})
	if got := s.ok(campaign.OpWitness, 99); !got.ByID || got.Op != campaign.OpWitness || got.Status != campaign.StatusUnconfirmed || got.CampaignID != 0 {
		t.Errorf("got %+v", got)
	}
	if found, out := s.Search(t.Context(), "staffetta"); out.Kind != campaign.OK || len(found) != 0 {
		t.Errorf("left behind: %+v, %s", found, out.Kind)
	}
	if _, err := s.sandbox.AddFault(sandbox.Fault{Operation: sandbox.Status, Status: 404, Body: sandbox.HTML}); err != nil {
		t.Fatal(err)
	}
	if got := s.call(campaign.OpWitness, 99); got.Kind != campaign.Unavailable || !got.Unshaped || got.ByID {
		t.Errorf("where nothing is read by id: %+v", got)
	}
}
