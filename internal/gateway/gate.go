package gateway

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// Misset names the setting that keeps everybody from calling.
type Misset string

const (
	WrongKey Misset = "gateway.key_file" // the gateway does not accept the key
	WrongURL Misset = "gateway.url"      // there is no gateway
)

// gate is the port, shut while the gateway does not accept the key, or is not
// there. A wrong setting is nobody's campaign's fault, so no campaign gets as
// far as a call: a harmless GET finds out when it is right again, at once when
// the key's file has changed and every so often in any case (it may be the
// account that was mended, or the way to the gateway).
type gate struct {
	ctx     context.Context // ends with the Gateway
	next    runner.Gateway
	probe   func(context.Context) campaign.Outcome
	key     *key
	every   time.Duration
	changed *signal
	notify  func(Misset)

	shut   atomic.Bool
	mu     sync.Mutex       // shutting and opening
	why    campaign.Outcome // what shut it
	again  time.Time        // when the next probe is due
	probes sync.WaitGroup
}

func newGate(ctx context.Context, next runner.Gateway, probe func(context.Context) campaign.Outcome, key *key, every time.Duration, changed *signal, notify func(Misset)) *gate {
	return &gate{ctx: ctx, next: next, probe: probe, key: key, every: every, changed: changed, notify: notify}
}

// Admit looks twice: the gate may have been shut while the call waited.
func (g *gate) Admit(ctx context.Context, op campaign.Op) (runner.Permit, campaign.Outcome) {
	if g.shut.Load() {
		return nil, g.refuse(op)
	}
	inner, no := g.next.Admit(ctx, op)
	if inner == nil {
		return nil, no
	}
	if g.shut.Load() {
		inner.Release()
		return nil, g.refuse(op)
	}
	return gatePermit{inner, g}, campaign.Outcome{}
}

type gatePermit struct {
	runner.Permit
	g *gate
}

func (p gatePermit) Call(ctx context.Context, call campaign.Call) campaign.Outcome {
	out := p.Permit.Call(ctx, call)
	p.g.saw(&out)
	return out
}

func (g *gate) refuse(op campaign.Op) campaign.Outcome {
	g.mu.Lock()
	defer g.mu.Unlock()
	return campaign.Outcome{Op: op, Kind: campaign.Unauthorised, RetryAfter: g.rest(), Err: g.complaint()}
}

// complaint is a sentence for whoever has to mend it. The lock is held.
func (g *gate) complaint() string {
	if g.misset() == WrongURL {
		return "there is no gateway where gateway.url leads (" + statusLine(g.why.HTTP) + "): correct gateway.url"
	}
	text := "the gateway does not accept the key (" + statusLine(g.why.HTTP) + ")"
	if g.why.Words != "" {
		text += ": " + g.why.Words
	}
	if problem := g.key.problem(); problem != "" {
		text += "; " + problem
	}
	return text
}

// misset is why the gate is shut; empty if it is not. The lock is held.
func (g *gate) misset() Misset {
	switch {
	case !g.shut.Load():
		return ""
	case nothingThere(g.why):
		return WrongURL
	}
	return WrongKey
}

// Misset is the setting that is to be corrected before anybody calls again;
// empty if none is.
func (g *gate) Misset() Misset {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.misset()
}

// saw shuts the gate if the outcome is about a setting, and adds until when.
func (g *gate) saw(out *campaign.Outcome) {
	if out.Kind != campaign.Unauthorised {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.shut.Load() && g.ctx.Err() == nil {
		g.why, g.again = *out, time.Now()
		g.shut.Store(true)
		g.probes.Go(g.keepAsking)
		g.notify(g.misset())
		g.changed.fire()
	}
	out.RetryAfter = g.rest()
}

// rest is how long it is worth waiting. The lock is held.
func (g *gate) rest() time.Duration { return max(time.Until(g.again), time.Second) }

// keepAsking probes until what was wrong is right. The first time at once: the
// key may have changed between the call and its answer.
func (g *gate) keepAsking() {
	for g.ctx.Err() == nil {
		version := g.key.current().version
		if probe := g.probe(g.ctx); accepts(probe) && !(nothingThere(probe) && g.Misset() == WrongURL) {
			g.open()
			return
		}
		g.mu.Lock()
		g.again = time.Now().Add(g.every)
		g.mu.Unlock()
		g.pause(version)
	}
}

// pause ends when the next probe is due, or the key is another one.
func (g *gate) pause(version int) {
	due := time.NewTimer(g.every)
	defer due.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-g.ctx.Done():
			return
		case <-due.C:
			return
		case <-look.C:
			if g.key.current().version != version {
				return
			}
		}
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut.Store(false)
	g.notify("")
	g.changed.fire()
}

// wait returns when no probe is under way any more, and none can begin.
func (g *gate) wait() {
	g.mu.Lock() // whoever is just shutting the gate has begun his
	//lint:ignore SA2001 it is the waiting that counts
	g.mu.Unlock()
	g.probes.Wait()
}
