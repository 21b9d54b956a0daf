package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/gateway"
	"github.com/staffetta-io/staffetta/internal/rate"
)

// lapsing is tokens that may lapse between their admission and the call.
type lapsing struct {
	lapsed               atomic.Bool
	left, ended, refused atomic.Int32
	limit, remains       atomic.Int32
}

func (l *lapsing) Take() bool { return !l.lapsed.Load() }
func (l *lapsing) Leave() bool {
	if l.lapsed.Load() {
		l.refused.Add(1)
		return false
	}
	l.left.Add(1)
	return true
}
func (l *lapsing) In() time.Duration        { return rate.Never }
func (l *lapsing) Want([rate.Classes]int)   {}
func (l *lapsing) Back()                    {}
func (l *lapsing) Answered()                { l.ended.Add(1) }
func (l *lapsing) Unanswered(time.Duration) { l.ended.Add(1) }
func (l *lapsing) OnFree(func())            {}
func (l *lapsing) Heard(limit, left int, _ time.Duration) {
	l.limit.Store(int32(limit))
	l.remains.Store(int32(left))
}

// What was admitted with a token that is no longer ours does not leave, on a connection
// that is kept or on a new one: it reaches nobody, and is known not to have.
func TestALapsedTokenReachesNobody(t *testing.T) {
	t.Parallel()
	var arrived atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived.Add(1)
		w.Header().Set("X-RateLimit-Limit", "100")
		w.Header().Set("X-RateLimit-Remaining", "42")
		answers(200, seed(t, "created"))(w, r)
	}))
	defer server.Close()
	l := &lapsing{}
	g, err := gateway.New(gateway.Options{Vendor: vendor, BaseURL: server.URL, Key: secret, Tokens: l})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	for round := range 3 {
		for _, op := range []campaign.Op{campaign.OpConfirm, campaign.OpStatus, campaign.OpDelete} {
			before := arrived.Load()
			permit, no := g.Admit(t.Context(), op)
			if permit == nil {
				t.Fatalf("%s is not admitted: %s", op, no.Err)
			}
			l.lapsed.Store(true)
			out := permit.Call(t.Context(), blackFriday[op])
			if out.Kind != campaign.NotAttempted || out.RetryAfter == 0 || arrived.Load() != before {
				t.Errorf("round %d, %s: %s %q, and %d calls arrived", round, op, out.Kind, out.Err, arrived.Load()-before)
			}
			l.lapsed.Store(false)
		}
		// With a token, on a connection that is then kept for the next round.
		permit, _ := g.Admit(t.Context(), campaign.OpCreate)
		if out := permit.Call(t.Context(), blackFriday[campaign.OpCreate]); out.Kind != campaign.OK {
			t.Errorf("with a token: %s %s", out.Kind, out.Err)
		}
	}
	if left, ended := l.left.Load(), l.ended.Load(); left != 3 || ended != 3 || arrived.Load() != 3 || l.refused.Load() < 9 {
		t.Errorf("%d calls left, %d ended, %d arrived, %d were refused; want 3, 3, 3 and 9 at least", left, ended, arrived.Load(), l.refused.Load())
	}
	if l.limit.Load() != 100 || l.remains.Load() != 42 {
		t.Errorf("heard a limit of %d with %d left", l.limit.Load(), l.remains.Load())
	}
}

// A GET that the transport sends again, because the old connection was closed, needs a
// token of its own; and what left on the old one counts until its time-out.
func TestARepeatedGETNeedsAToken(t *testing.T) {
	t.Parallel()
	var arrived atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if arrived.Add(1) == 2 {
			panic(http.ErrAbortHandler) // the connection is cut in the middle of the second
		}
		answers(200, seed(t, "created"))(w, r)
	}))
	defer server.Close()
	l := &lapsing{}
	g, err := gateway.New(gateway.Options{Vendor: vendor, BaseURL: server.URL, Key: secret, Tokens: l})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	for range 2 {
		permit, _ := g.Admit(t.Context(), campaign.OpStatus)
		permit.Call(t.Context(), blackFriday[campaign.OpStatus])
	}
	if left, ended := l.left.Load(), l.ended.Load(); left != arrived.Load() || ended != left {
		t.Errorf("%d calls arrived, %d left with a token, %d ended", arrived.Load(), left, ended)
	}
}
