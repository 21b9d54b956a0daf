package gateway_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/gateway"
)

// Does a refusal without the gateway's shape concern only this campaign? It does if the
// same call was answered for another one.
func TestAnsweredIsOfTheSameCallForAnotherCampaign(t *testing.T) {
	t.Parallel()
	var code atomic.Int32
	var body atomic.Value
	says := func(c int, b string) { code.Store(int32(c)); body.Store(b) }
	g := open(t, func(w http.ResponseWriter, r *http.Request) {
		answers(int(code.Load()), body.Load().(string))(w, r)
	})
	call := func(op campaign.Op, id int64) campaign.Outcome {
		call := blackFriday[op]
		call.CampaignID = id
		return gateway.Client(g).Call(t.Context(), call)
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
		gateway.Unlimit(g)
		says(no.code, no.body)
		call(campaign.OpPrice, 1)
		gateway.Unlimit(g)
		never("no answer", campaign.OpPrice, 2)
	}

	// A campaign without a draft differs from all that have one.
	never("a create", campaign.OpCreate, 0)
	says(200, seed(t, "created"))
	third := time.Now()
	call(campaign.OpCreate, 0)
	lately("a create after another one", campaign.OpCreate, 0, third)
}
