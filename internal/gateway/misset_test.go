package gateway

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// A create that finds nothing is nobody's campaign's fault where a harmless
// GET finds nothing either: gateway.url leads elsewhere.
func TestCreateThatFindsNothingAsksWhetherThereIsAGateway(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		create, probe int
		want          campaign.Kind
	}{
		"NothingIsThere":       {404, 404, campaign.Unauthorised},
		"NothingTakesAPOST":    {405, 404, campaign.Unauthorised},
		"NothingTakesEither":   {405, 405, campaign.Unauthorised},
		"NobodyCanTell":        {404, 503, campaign.Unauthorised},
		"NobodyCanTellJustYet": {404, 429, campaign.Unauthorised},
		"GatewayIsThere":       {404, 200, campaign.Refused},
		"GatewayRefuses":       {405, 400, campaign.Refused},
		"AnotherRefusal":       {400, 404, campaign.Refused},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := open(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					w.WriteHeader(tt.probe)
					return
				}
				answers(tt.create, `{"status":`+strconv.Itoa(tt.create)+`,"error":"Not Found"}`)(w, r)
			})
			got := do(t, g, blackFriday[campaign.OpCreate])
			if got.Kind != tt.want || got.HTTP != tt.create || got.Words != "Not Found" {
				t.Errorf("got %s %d %q, want %s with the gateway's words", got.Kind, got.HTTP, got.Words, tt.want)
			}
			misset := g.Misset()
			if want := tt.want == campaign.Unauthorised; want != (misset == WrongURL) || want == g.Pulling() {
				t.Errorf("misset %q, pulling %v after %s", misset, g.Pulling(), got.Kind)
			}
			if got := do(t, g, blackFriday[campaign.OpCreate]); misset != "" && !strings.Contains(got.Err, "correct gateway.url") {
				t.Errorf("the next is told %q", got.Err)
			}
		})
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
	g := open(t, func(w http.ResponseWriter, r *http.Request) {
		if !there.Load() {
			w.WriteHeader(404)
			return
		}
		answers(200, seed(t, "created"))(w, r)
	}, func(o *Options) { o.ProbeEvery = 20 * time.Millisecond })
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

// After a restart with a wrong base path nothing that is being sent is given
// up: "not found" counts from whoever has answered anything else.
func TestNotFoundIsBelievedOfAGatewayThatHasAnswered(t *testing.T) {
	t.Parallel()
	var probe, create atomic.Int32
	g := openUnproven(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.RawQuery == "page=0&limit=1":
			w.WriteHeader(int(probe.Load()))
		case r.Method == http.MethodPost && create.Load() == 200:
			answers(200, seed(t, "created"))(w, r)
		default:
			answers(404, "no such thing")(w, r)
		}
	})
	for _, code := range []int32{404, 405, 503} {
		probe.Store(code)
		for _, op := range []campaign.Op{campaign.OpStatus, campaign.OpStats, campaign.OpPrice, campaign.OpDelete} {
			got := do(t, g, blackFriday[op])
			if got.Kind != campaign.Unauthorised || got.RetryAfter != 15*time.Second || !strings.Contains(got.Err, "gateway.url") || !g.Pulling() {
				t.Errorf("%s, probe %d: got %s %q, retry after %s, pulling %v", op, code, got.Kind, got.Err, got.RetryAfter, g.Pulling())
			}
		}
	}
	if got := do(t, g, blackFriday[campaign.OpConfirm]); got.Kind != campaign.Refused {
		t.Errorf("confirm, which is read back: got %s", got.Kind)
	}
	create.Store(200)
	do(t, g, blackFriday[campaign.OpCreate])
	if got := do(t, g, blackFriday[campaign.OpStatus]); got.Kind != campaign.Refused {
		t.Errorf("after an answer: got %s", got.Kind)
	}
}
