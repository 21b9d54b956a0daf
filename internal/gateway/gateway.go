// Package gateway knows the partner's gateway: the way to it, when it may be called at
// all (the key, the breaker, the vendor's rate) and nothing else. It never repeats a
// call.
//
// It refuses to know what a campaign is for: no rules, no streams, no retries. And it
// refuses to know the vendor's API: each vendor has a package beside this one, which
// speaks its API and sorts every answer once, into a campaign.Kind and a campaign.Cause
// (see [Vendor]).
//
// A call passes four layers, each a port of the same shape around the next:
//
//	guard    is it there, and the key accepted? no: no calls, a harmless GET asks again
//	breaker  is the gateway answering?          no: no calls for a while
//	rate     does the vendor's rate allow it now? waits, by priority
//	client   one call, one outcome: made by the vendor's [Caller], over a [Line]
//
// The breaker is sony/gobreaker. The rate limit is our own: no library was found that
// keeps two exact windows with priorities (see limiter, and package rate).
package gateway

import (
	"context"
	"errors"
	"fmt"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// Gateway is the partner's gateway, and the port runner.Gateway.
type Gateway struct {
	gate    *guard
	breaker *breaker
	limit   *limiter
	client  *client
	line    *Line
	changed *signal
	stop    context.CancelFunc
}

var _ runner.Gateway = (*Gateway)(nil)

// New puts the four layers together. It makes no request. An error names the
// option, or the file, that is wrong.
func New(o Options) (*Gateway, error) {
	if o.Vendor.Header == nil || o.Vendor.Caller == nil {
		return nil, errors.New("gateway: no vendor is given")
	}
	o = o.withDefaults()
	base, err := parseBase(o.BaseURL)
	if err != nil {
		return nil, err
	}
	if Unprotected(o.BaseURL) && !o.Insecure {
		return nil, fmt.Errorf("gateway: the base URL %q is http:// and leads beyond this machine, so the key can be read on the way: use https://, or allow it with gateway.insecure", o.BaseURL)
	}
	key, err := openKey(o.KeyFile, o.Key, o.header)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	g := &Gateway{changed: newSignal(), stop: stop}
	g.limit = newLimiter(o.tokens())
	g.line = newLine(base, key, g.limit, o)
	g.client = &client{caller: o.Vendor.Caller(g.line), limit: g.limit, answered: newAnsweredCalls()}
	g.breaker = newBreaker(limited{g.limit, g.client}, o.BreakerFailures, o.BreakerOpen, g.changed, o.OnBreaker)
	g.gate = newGuard(ctx, g.breaker, g.client.Probe, key, o.ProbeEvery, g.changed, o.OnBadSetting)
	return g, nil
}

// Admit waits for the permit to make one call; see runner.Gateway. If the key is not
// accepted, or there is no gateway, the answer is Unauthorised. If the breaker is open
// it is NotAttempted, during a long 429 Throttled. These come at once, with RetryAfter.
func (g *Gateway) Admit(ctx context.Context, op campaign.Op) (runner.Permit, campaign.Outcome) {
	return g.gate.Admit(ctx, op)
}

// Probe makes one harmless GET and returns its outcome. An Unauthorised outcome shuts
// the guard. With a probe at the start, a wrong key is known before the first campaign
// meets it. A probe that finds nothing does not shut the guard: a vendor may have no
// such call, so only a create can tell whether there is a gateway.
func (g *Gateway) Probe(ctx context.Context) campaign.Outcome {
	out := g.client.Probe(ctx)
	if nothingThere(out) {
		g.client.answered.missed.Store(true)
	}
	g.gate.observe(&out)
	return out
}

// Pulling says whether it makes sense to consume requests: the breaker is not
// open and the settings are right, as far as is known.
func (g *Gateway) Pulling() bool { return g.Authorised() && g.BreakerState() != "open" }

// Authorised says whether the gateway is there and accepts the key, as far as
// is known; if not, BadSetting says what to correct.
func (g *Gateway) Authorised() bool { return !g.gate.shut.Load() }

// BadSetting is the setting because of which no call is made; empty if there is none.
func (g *Gateway) BadSetting() BadSetting { return g.gate.BadSetting() }

// Answered is false when the probe found nothing where gateway.url leads, and
// no call has been answered since.
func (g *Gateway) Answered() bool { return !g.client.answered.nothingFound() }

// BreakerState is closed, half-open or open.
func (g *Gateway) BreakerState() string { return g.breaker.State() }

// Changed is closed at the next change of Pulling, Authorised or BreakerState. Take the
// channel first, then look, then wait.
func (g *Gateway) Changed() <-chan struct{} { return g.changed.wait() }

// Waiting is how many calls wait for the rate limit at the moment.
func (g *Gateway) Waiting() int { return g.limit.waiting() }

// Close ends what runs in the background and the idle connections. Calls under
// way go on.
func (g *Gateway) Close() {
	g.stop()
	g.breaker.close()
	g.gate.wait()
	g.line.close()
}
