package torture

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// The gateway is away while a thousand campaigns are under way, until the breaker
// has tried as often as it does in ten minutes. Nobody's attempts are used up; and
// when it is back, everything completes at the pace of the production plan (twenty
// times faster, like everything here), without a 429.
func TestOutageIsWaitedOut(t *testing.T) {
	t.Parallel()
	n := 1000
	if testing.Short() {
		n = 200
	}
	const (
		faster    = 20
		pause     = 250 * time.Millisecond // the breaker's, 30 s in life
		tries     = 20                     // the breaker's, in ten minutes
		failures  = 5
		perMinute = 1000 * faster
		perSecond = 50 * faster
	)
	l := newLocal(t, sandbox.Options{
		Rate: sandbox.Rate{PerMinute: perMinute, PerSecond: perSecond}, Calls: 1_000_000,
	})
	o := l.options()
	o.Gateway.RatePerMinute, o.Gateway.RatePerSecond = perMinute, perSecond
	o.Gateway.BreakerFailures, o.Gateway.BreakerOpen = failures, pause
	o.Rules.PollMin, o.Rules.GiveUp = time.Second, time.Minute
	// A call that a busy machine is slow to answer is none that the outage struck.
	o.Gateway.Timeout, o.Rules.Settle = longTimeout, longSettle
	o.Requests = 8
	inHand := o.Requests + o.Wakeups
	a, _ := l.serve(o)

	var ids []string
	for i := range n {
		id := fmt.Sprintf("c%d", i)
		l.ask(l.request(id))
		ids = append(ids, id)
		if i == n/2 {
			l.control("POST", "faults", sandbox.Fault{Status: 503, Body: sandbox.HTML, Times: always}, nil)
		}
	}
	l.eventually("the breaker opens and requests are not consumed", func(ctx context.Context) error {
		return shows(ctx, a.Addr(), "/metrics", `staffetta_gateway_breaker_state{state="open"} 1`, `staffetta_consumer_pulling{consumer="requests"} 0`)
	})
	opened, struck := time.Now(), l.faults()[0].Struck
	before, err := l.records(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l.eventually("the breaker tries again and again", func(context.Context) error {
		if n := l.faults()[0].Struck; n < struck+tries {
			return fmt.Errorf("%d calls, %d of them before it opened", n, struck)
		}
		return nil
	})
	lasted := time.Since(opened)
	during, err := l.records(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	struck = l.faults()[0].Struck
	l.control("DELETE", "faults", nil, nil)

	// Those that were on their way when it began, and then one at a time.
	if most := failures + inHand + int(lasted/pause) + 2; lasted < (tries-2)*pause || struck > most {
		t.Errorf("%d calls were made in %s of outage, want no more than were in hand and one every %s", struck, lasted, pause)
	}
	// When it tries again it lets in as many as there are workers, no more.
	if grown, most := len(during)-len(before), (struck+1)*o.Requests*3/2; grown > most {
		t.Errorf("%d campaigns were begun while there was no gateway, want at most %d", grown, most)
	}
	records := l.waitUntilCompleted(ids)
	used, rounds := 0, 0
	for _, c := range records {
		rounds += c.Rounds - 1
		for _, a := range c.Attempts {
			if a.Kind == campaign.Unavailable {
				used += 1 + a.More
			}
		}
	}
	if used > struck || rounds > failures+inHand {
		t.Errorf("%d attempts and %d confirms were used up by %d calls that the outage struck", used, rounds, struck)
	}
	for _, call := range l.Sandbox.Calls() {
		if call.Status == 429 {
			t.Errorf("429 for %s at %s: it was called too fast", call.Operation, call.At)
		}
	}
	requests, err := l.js.Consumer(t.Context(), "CAMPAIGN_REQUESTS", "requests")
	if err != nil {
		t.Fatal(err)
	}
	if again := requests.CachedInfo().NumRedelivered; again > 0 {
		t.Errorf("%d requests are still being delivered again", again)
	}
	t.Logf("%d of %d campaigns were begun in the outage, %d calls struck, %d attempts used, %d confirms made anew; %s", len(during)-len(before), n, struck, used, rounds, l.judge(ids))
	l.wantDeadLetters(0)
}

// shows says whether one of the operator's pages has these lines.
func shows(ctx context.Context, addr, path string, lines ...string) error {
	page, _ := call(ctx, "GET", "http://"+addr+path, nil)
	for _, line := range lines {
		if !strings.Contains("\n"+string(page), "\n"+line) {
			return fmt.Errorf("%s does not say %s", path, line)
		}
	}
	return nil
}
