package gateway

import (
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Whether a refusal without a shape is nobody's but this campaign's: when was the
// same call answered for another one?
func TestAnsweredIsOfTheSameCallForAnotherCampaign(t *testing.T) {
	t.Parallel()
	var code atomic.Int32
	var body atomic.Value
	says := func(c int, b string) { code.Store(int32(c)); body.Store(b) }
	c := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		answers(int(code.Load()), body.Load().(string))(w, r)
	})
	call := func(op campaign.Op, id int64) campaign.Outcome {
		call := blackFriday[op]
		call.CampaignID = id
		return c.Call(t.Context(), call)
	}
	never := func(what string, op campaign.Op, id int64) {
		t.Helper()
		says(400, "")
		if got := call(op, id); !got.Unshaped || !got.Answered.IsZero() {
			t.Errorf("%s: unshaped %v, answered %s", what, got.Unshaped, got.Answered)
		}
	}
	lately := func(what string, op campaign.Op, id int64, since time.Time) {
		t.Helper()
		says(400, "")
		if got := call(op, id); !got.Unshaped || got.Answered.Before(since) || got.Answered.After(time.Now()) || got.Answered.Location() != time.UTC {
			t.Errorf("%s: unshaped %v, answered %s, want since %s", what, got.Unshaped, got.Answered, since)
		}
	}
	never("at the start", campaign.OpConfigure, 1)

	says(200, `{"status":"CONFIGURED"}`)
	first := time.Now()
	call(campaign.OpConfigure, 1)
	never("for itself", campaign.OpConfigure, 1)
	lately("for another", campaign.OpConfigure, 2, first)
	never("another call", campaign.OpCalculate, 2)

	says(400, `{"status":"fail","data":{"text":"no"}}`)
	second := time.Now()
	call(campaign.OpConfigure, 2)
	lately("refused in shape", campaign.OpConfigure, 1, second)
	says(200, "")
	call(campaign.OpConfigure, 2)
	lately("the other one of two", campaign.OpConfigure, 2, first)
	if got := call(campaign.OpConfigure, 2); !got.Answered.Before(second) {
		t.Errorf("the other one of two was answered at %s, before %s", got.Answered, second)
	}

	for _, no := range []struct {
		code int
		body string
	}{{400, "<html>"}, {429, ""}, {503, `{"status":"error","message":"no"}`}, {401, ""}, {403, ""}} {
		c.limit = newLimiter(0, 0, 1, 0)
		says(no.code, no.body)
		call(campaign.OpPrice, 1)
		c.limit = newLimiter(0, 0, 1, 0)
		never("no answer", campaign.OpPrice, 2)
	}

	// Who has no draft yet is another one than all that have.
	never("a create", campaign.OpCreate, 0)
	says(200, seed(t, "created"))
	third := time.Now()
	call(campaign.OpCreate, 0)
	lately("a create after another one", campaign.OpCreate, 0, third)
}

// A read that finds nothing says nothing of the gateway; what else is answered by
// somebody else does.
func TestBreakerDoesNotCountWhatReadsDoNotFind(t *testing.T) {
	unshaped := campaign.Outcome{Kind: campaign.Unavailable, HTTP: 404, Unshaped: true}
	refused := campaign.Outcome{Kind: campaign.Refused, HTTP: 404}
	unsupported := campaign.Outcome{Kind: campaign.Unavailable, HTTP: 405, Unshaped: true}
	for name, tt := range map[string]struct {
		op    campaign.Op
		out   campaign.Outcome
		state string // after a failure, two of these, and another failure, of three that are allowed
	}{
		"StatusNotFound":       {campaign.OpStatus, unshaped, "closed"},
		"StatusUnsupported":    {campaign.OpStatus, unsupported, "closed"},
		"StatisticsNotFound":   {campaign.OpStats, unshaped, "closed"},
		"StatusStrange":        {campaign.OpStatus, campaign.Outcome{Kind: campaign.Unavailable, HTTP: 400, Unshaped: true}, "open"},
		"DeleteNotFound":       {campaign.OpDelete, unshaped, "open"},
		"ConfigureUnsupported": {campaign.OpConfigure, unsupported, "open"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *breakerTest) {
				b.fail(t, 1)
				b.port.says = &tt.out
				through(t.Context(), b, tt.op)
				through(t.Context(), b, tt.op)
				b.port.says = nil
				b.fail(t, 1)
				if b.State() != tt.state {
					t.Errorf("it is %s, want %s", b.State(), tt.state)
				}
				// No proof of health either: the failures before it count on.
				if tt.state == "closed" {
					if b.fail(t, 1); b.State() != "open" {
						t.Error("it has forgotten the failures")
					}
				}
			})
		})
	}
	t.Run("OwnNotFoundIsNoProofOfHealth", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *breakerTest) {
			b.fail(t, 2)
			b.port.says = &refused
			through(t.Context(), b, campaign.OpStatus)
			b.port.says = nil
			if b.fail(t, 1); b.State() != "open" {
				t.Errorf("it is %s", b.State())
			}
		})
	})
	t.Run("HalfOpenTheNextOneTries", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *breakerTest) {
			b.fail(t, 3)
			time.Sleep(31 * time.Second)
			synctest.Wait()
			b.port.says = &unshaped
			if through(t.Context(), b, campaign.OpStatus); b.State() != "half-open" {
				t.Errorf("after a read that found nothing it is %s", b.State())
			}
			b.port.says = &campaign.Outcome{Kind: campaign.OK}
			if through(t.Context(), b, campaign.OpPrice); b.State() != "closed" {
				t.Errorf("after an answer it is %s", b.State())
			}
		})
	})
}
