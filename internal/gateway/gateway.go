// Package gateway knows the partner's gateway over HTTP: the calls of UC-006,
// how its answers are to be read, when it may be called at all (the key, the
// breaker, the vendor's rate) and nothing else. Every outcome is sorted once,
// here, into a campaign.Kind; nothing is ever repeated.
//
// It refuses to know what a campaign is for: no rules, no streams, no retries.
//
// A call passes four layers, each a port of the same shape around the next:
//
//	gate     is it there, and the key accepted? no: nobody calls, a harmless GET asks again
//	breaker  is the gateway answering?          no: nobody calls for a while
//	rate     does the vendor's rate allow it now? waits, by priority
//	client   one request, one outcome
//
// The breaker is sony/gobreaker. The rate is our own: no library was found that
// keeps two exact windows with priorities (see limiter).
package gateway

import (
	"context"
	"fmt"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// Gateway is the partner's gateway, and the port runner.Gateway.
type Gateway struct {
	gate    *gate
	breaker *breaker
	limit   *limiter
	client  *client
	changed *signal
	stop    context.CancelFunc
}

var _ runner.Gateway = (*Gateway)(nil)

// New puts the four layers together. It makes no request. An error names the
// option, or the file, that is wrong.
func New(o Options) (*Gateway, error) {
	o = o.withDefaults()
	base, err := parseBase(o.BaseURL)
	if err != nil {
		return nil, err
	}
	if Unprotected(o.BaseURL) && !o.Insecure {
		return nil, fmt.Errorf("gateway: the base URL %q is http:// and leads beyond this machine, so the key can be read on the way: use https://, or allow it with gateway.insecure", o.BaseURL)
	}
	key, err := openKey(o.KeyFile, o.Key, "staffetta/"+o.Version)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	g := &Gateway{changed: newSignal(), stop: stop}
	g.limit = newLimiter(o.PerMinute, o.PerSecond, o.Replicas, o.Slack)
	g.client = newClient(base, key, g.limit, o)
	g.breaker = newBreaker(rate{g.limit, g.client}, o.BreakerFailures, o.BreakerOpen, g.changed, o.OnBreaker)
	g.gate = newGate(ctx, g.breaker, g.client.Probe, key, o.ProbeEvery, g.changed, o.OnMisset)
	return g, nil
}

// Admit waits for the leave to make one call; see runner.Gateway. While the
// key is not accepted, or no gateway is there, the answer is Unauthorised, while
// the breaker is open NotAttempted, during a long 429 Throttled: at once, with
// RetryAfter.
func (g *Gateway) Admit(ctx context.Context, op campaign.Op) (runner.Permit, campaign.Outcome) {
	return g.gate.Admit(ctx, op)
}

// Probe makes one harmless GET and returns what became of it. An Unauthorised
// outcome shuts the gate: called once at the start, a wrong key is known
// before the first campaign meets it. One that finds nothing does not: UC-006
// has no such GET, so only a create can tell whether there is a gateway.
func (g *Gateway) Probe(ctx context.Context) campaign.Outcome {
	out := g.client.Probe(ctx)
	if nothingThere(out) {
		g.client.heard.missed.Store(true)
	}
	g.gate.saw(&out)
	return out
}

// Pulling says whether it makes sense to consume requests: the breaker is not
// open and the settings are right, as far as is known.
func (g *Gateway) Pulling() bool { return g.Authorised() && g.BreakerState() != "open" }

// Authorised says whether the gateway is there and accepts the key, as far as
// is known; if not, Misset says what to correct.
func (g *Gateway) Authorised() bool { return !g.gate.shut.Load() }

// Misset is the setting that keeps everybody from calling; empty if none does.
func (g *Gateway) Misset() Misset { return g.gate.Misset() }

// Answered is false when the probe found nothing where gateway.url leads, and
// no call has been answered since.
func (g *Gateway) Answered() bool { return !g.client.heard.nobody() }

// BreakerState is closed, half-open or open.
func (g *Gateway) BreakerState() string { return g.breaker.State() }

// Changed is closed at the next change of what Pulling, Authorised or
// BreakerState say. Take the channel first, then look, then wait.
func (g *Gateway) Changed() <-chan struct{} { return g.changed.wait() }

// Waiting is how many calls the rate limit holds back at the moment.
func (g *Gateway) Waiting() int { return g.limit.waiting() }

// Close ends what runs in the background and the idle connections. Calls under
// way go on.
func (g *Gateway) Close() {
	g.stop()
	g.breaker.close()
	g.gate.wait()
	g.client.close()
}
