package gateway_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/gateway"
)

// A create that finds nothing is not the campaign's fault if a harmless GET finds
// nothing either: gateway.url leads elsewhere, or, if it has led to the gateway before,
// the gateway is away.
func TestCreateThatFindsNothingAsksWhetherThereIsAGateway(t *testing.T) {
	t.Parallel()
	const unauthorised, refused, unavailable = campaign.Unauthorised, campaign.Refused, campaign.Unavailable
	shaped := func(code int) string { return `{"status":` + strconv.Itoa(code) + `,"error":"Not gateway.Found"}` }
	html := func(int) string { return "<html><title>Not gateway.Found" }
	tests := map[string]struct {
		create, probe int
		body          func(code int) string
		first, later  campaign.Kind // before anything was answered, and after
	}{
		"NothingIsThere":         {404, 404, html, unauthorised, unavailable},
		"NothingIsThereInShape":  {404, 404, shaped, unauthorised, unavailable},
		"NothingTakesAPOST":      {405, 404, html, unauthorised, unavailable},
		"NothingTakesEither":     {405, 405, shaped, unauthorised, unavailable},
		"NobodyCanTell":          {404, 503, shaped, unauthorised, unavailable},
		"NobodyCanTellJustYet":   {404, 429, html, unauthorised, unavailable},
		"GatewayIsThere":         {404, 200, shaped, refused, refused},
		"SomebodyElseIsInTheWay": {404, 200, html, unavailable, unavailable},
		"GatewayRefuses":         {405, 400, shaped, refused, refused},
		"AnotherRefusal":         {400, 404, shaped, refused, refused},
		"AnotherStrangeRefusal":  {400, 404, html, unavailable, unavailable},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler := func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					w.WriteHeader(tt.probe)
					return
				}
				answers(tt.create, tt.body(tt.create))(w, r)
			}
			check := func(g *gateway.Gateway, want campaign.Kind) {
				t.Helper()
				got := do(t, g, blackFriday[campaign.OpCreate])
				if got.Kind != want || got.HTTP != tt.create || got.Unshaped != (want == unavailable) {
					t.Errorf("got %s %d %q %q, unshaped %v, want %s", got.Kind, got.HTTP, got.Words, got.Err, got.Unshaped, want)
				}
				misset := g.BadSetting()
				if want := want == unauthorised; want != (misset == gateway.WrongURL) || want == g.Pulling() {
					t.Errorf("misset %q, pulling %v after %s", misset, g.Pulling(), got.Kind)
				}
				if got := do(t, g, blackFriday[campaign.OpCreate]); misset != "" && !strings.Contains(got.Err, "correct gateway.url") {
					t.Errorf("the next is told %q", got.Err)
				}
			}
			soon := func(o *gateway.Options) { o.RetryAfter = time.Millisecond }
			check(openUnproven(t, handler, soon), tt.first)
			check(open(t, handler, soon), tt.later)
		})
	}
}

// One stray answer to a create stops no other call on a gateway that does not know the
// harmless GET, as UC-006 does not.
func TestOneStrayAnswerToACreateStopsNobody(t *testing.T) {
	t.Parallel()
	var stray atomic.Bool
	g := openUnproven(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodGet || stray.Load():
			answers(404, "<html><title>default backend")(w, r)
		default:
			answers(200, seed(t, "created"))(w, r)
		}
	})
	do(t, g, blackFriday[campaign.OpCreate])
	stray.Store(true)
	if got := do(t, g, blackFriday[campaign.OpCreate]); got.Kind != campaign.Unavailable || !got.Unshaped || got.Answered.IsZero() || !g.Pulling() {
		t.Errorf("got %s, unshaped %v, answered %s, pulling %v", got.Kind, got.Unshaped, got.Answered, g.Pulling())
	}
	stray.Store(false)
	if got := do(t, g, blackFriday[campaign.OpCreate]); got.Kind != campaign.OK {
		t.Errorf("the next: %s %s", got.Kind, got.Err)
	}
}

// A web server that answers every GET with its page is no gateway.
func TestAWebPageIsNoGateway(t *testing.T) {
	t.Parallel()
	g := openUnproven(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			answers(200, "<!doctype html><title>Welcome")(w, r)
			return
		}
		answers(405, "<html>")(w, r)
	})
	if got := do(t, g, blackFriday[campaign.OpCreate]); got.Kind != campaign.Unauthorised || g.BadSetting() != gateway.WrongURL {
		t.Errorf("got %s, misset %q", got.Kind, g.BadSetting())
	}
}

// A gateway that does not know the harmless GET, as UC-006 does not, is one.
func TestGatewayWithoutTheProbeWorks(t *testing.T) {
	t.Parallel()
	g := openUnproven(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path == "/api/partner-gateway/v1/campaigns" {
			w.WriteHeader(404)
			return
		}
		answers(200, seed(t, "created"))(w, r)
	})
	if g.Probe(t.Context()); g.Answered() || !g.Pulling() {
		t.Errorf("after the probe: answered %v, pulling %v; want false and true", g.Answered(), g.Pulling())
	}
	if got := do(t, g, blackFriday[campaign.OpCreate]); got.Kind != campaign.OK || !g.Answered() {
		t.Errorf("create: %s %s, answered %v", got.Kind, got.Err, g.Answered())
	}
}

// An ingress that answers 404 while the gateway behind it is replaced.
func TestGatewayThatWasNotThereIsFoundAgain(t *testing.T) {
	t.Parallel()
	var there atomic.Bool
	g := openUnproven(t, func(w http.ResponseWriter, r *http.Request) {
		if !there.Load() {
			w.WriteHeader(404)
			return
		}
		answers(200, seed(t, "created"))(w, r)
	}, func(o *gateway.Options) { o.ProbeEvery = 20 * time.Millisecond })
	if got := do(t, g, blackFriday[campaign.OpCreate]); got.Kind != campaign.Unauthorised {
		t.Fatalf("got %s", got.Kind)
	}
	there.Store(true)
	for {
		changed := g.Changed()
		if g.Pulling() {
			break
		}
		<-changed
	}
	if got := do(t, g, blackFriday[campaign.OpCreate]); got.Kind != campaign.OK {
		t.Errorf("got %s %s", got.Kind, got.Err)
	}
}

// After a start with a wrong base path, nothing is concluded from a "not found": the
// gateway itself may say so, in its own shape.
func TestNotFoundIsNoAnswerWhereNothingHasAnswered(t *testing.T) {
	t.Parallel()
	var there atomic.Bool
	g := openUnproven(t, func(w http.ResponseWriter, r *http.Request) {
		if there.Load() && strings.HasSuffix(r.URL.Path, "/campaigns") {
			answers(200, seed(t, "created"))(w, r)
			return
		}
		answers(404, spring404)(w, r)
	})
	ops := []campaign.Op{campaign.OpConfigure, campaign.OpCalculate, campaign.OpPrice, campaign.OpConfirm, campaign.OpStatus, campaign.OpStats, campaign.OpDelete}
	refused := func(when string) {
		t.Helper()
		for _, op := range ops {
			if got := gateway.Client(g).Call(t.Context(), blackFriday[op]); got.Kind != campaign.Refused || got.HTTP != 404 {
				t.Errorf("%s, %s: got %s %d", when, op, got.Kind, got.HTTP)
			}
		}
	}
	refused("nobody has looked whether it is there")
	g.Probe(t.Context())
	for _, op := range ops {
		if got := gateway.Client(g).Call(t.Context(), blackFriday[op]); got.Kind != campaign.Unavailable || !got.Unshaped || got.ByID || got.HTTP != 404 || !strings.Contains(got.Err, "gateway.url") {
			t.Errorf("%s: got %s %d %q, unshaped %v", op, got.Kind, got.HTTP, got.Err, got.Unshaped)
		}
	}
	there.Store(true)
	do(t, g, blackFriday[campaign.OpCreate])
	refused("it has answered")
}
