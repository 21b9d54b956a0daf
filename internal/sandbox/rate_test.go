package sandbox_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

func TestRate(t *testing.T) {
	t.Parallel()

	t.Run("OverTheSecondIsRefusedInTheVendorsWords", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{Rate: sandbox.TrialRate()})
		for i := range 10 {
			res, _, err := g.try("GET", credit, "")
			if err != nil || res.StatusCode != 200 {
				t.Fatal(res, err)
			}
			equal(t, "limit", res.Header.Get("X-RateLimit-Limit"), "100")
			equal(t, "remaining", res.Header.Get("X-RateLimit-Remaining"), fmt.Sprint(99-i))
		}
		g.wants(429, `{"status":429,"error":"Too Many Requests","message":"Rate limit exceeded. Please retry after 1 seconds.","retryAfter":1}`, "GET", credit, "")
		g.clock.Add(time.Second - time.Nanosecond)
		g.get(429, "GET", credit, "")
		g.clock.Add(time.Nanosecond)
		g.get(200, "GET", credit, "")
	})

	t.Run("OverTheMinuteSaysHowManySeconds", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{Rate: sandbox.Rate{PerMinute: 3}})
		for range 3 {
			g.get(200, "GET", credit, "")
			g.clock.Add(16 * time.Second)
		}
		g.wants(429, `{"status":429,"error":"Too Many Requests","message":"Rate limit exceeded. Please retry after 12 seconds.","retryAfter":12}`, "GET", credit, "")
		g.clock.Add(11*time.Second + time.Millisecond)
		equal(t, "retry after, rounded up", fmt.Sprint(g.get(429, "GET", credit, "")["retryAfter"]), "1")
		g.clock.Add(time.Second - time.Millisecond)
		g.get(200, "GET", credit, "")
		equal(t, "retry after", fmt.Sprint(g.get(429, "GET", credit, "")["retryAfter"]), "16")
	})

	t.Run("IsEachKeysOwnAndNotUsedUpByRefusals", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{Keys: []string{"a", "b"}, Rate: sandbox.Rate{PerSecond: 1}})
		g.key = "stranger"
		g.get(401, "GET", credit, "")
		for _, key := range []string{"a", "b"} {
			g.key = key
			g.get(200, "GET", credit, "")
			g.get(429, "GET", credit, "")
		}
		g.SetRate(sandbox.Rate{})
		for range 100 {
			g.get(200, "GET", credit, "")
		}
	})
}

// In every window, not only in those that a token bucket looks at.
func TestNoWindowHoldsMoreThanItsLimitAndNoRequestIsRefusedWithoutNeed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		rate := sandbox.Rate{
			PerMinute: rapid.IntRange(0, 30).Draw(rt, "perMinute"),
			PerSecond: rapid.IntRange(0, 6).Draw(rt, "perSecond"),
		}
		clock := &testClock{now: seedStart}
		s, err := sandbox.New(sandbox.Options{Clock: clock.Now, Rate: rate})
		if err != nil {
			rt.Fatal(err)
		}
		var admitted []time.Time
		within := func(window time.Duration) (n int) {
			for _, at := range admitted {
				if clock.Now().Sub(at) < window {
					n++
				}
			}
			return n
		}
		for range rapid.IntRange(1, 120).Draw(rt, "requests") {
			clock.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 0, 1, 1000, 100, 333, 999, 59_000}).Draw(rt, "gap")) * time.Millisecond)
			r := httptest.NewRequest("GET", credit, nil)
			r.Header.Set("X-Api-Key", sandbox.DefaultKey)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			full := rate.PerMinute > 0 && within(time.Minute) >= rate.PerMinute ||
				rate.PerSecond > 0 && within(time.Second) >= rate.PerSecond
			if (w.Code == http.StatusTooManyRequests) != full {
				rt.Fatalf("status %d, but the window is full: %v", w.Code, full)
			}
			if !full {
				admitted = append(admitted, clock.Now())
			}
			if left := w.Header().Get("X-RateLimit-Remaining"); rate.PerMinute > 0 && left != fmt.Sprint(rate.PerMinute-within(time.Minute)) {
				rt.Fatalf("remaining %s, want %d", left, rate.PerMinute-within(time.Minute))
			}
		}
	})
}
