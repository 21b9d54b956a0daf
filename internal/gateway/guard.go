package gateway

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// BadSetting names a wrong setting because of which no call is made.
type BadSetting string

const (
	WrongKey BadSetting = "gateway.key_file" // the gateway does not accept the key
	WrongURL BadSetting = "gateway.url"      // there is no gateway
)

// guard is the port, shut while the gateway does not accept the key, or is not there. A
// wrong setting is not a campaign's fault, so no campaign gets as far as a call. A
// harmless GET finds out when the setting is right again: at once when the key's file
// has changed, and regularly in any case, because the account or the way to the gateway
// may be what was wrong.
type guard struct {
	ctx     context.Context // ends with the Gateway
	next    runner.Gateway
	probe   func(context.Context) campaign.Outcome
	key     *key
	every   time.Duration
	changed *signal
	notify  func(BadSetting)

	shut   atomic.Bool
	mu     sync.Mutex       // shutting and opening
	why    campaign.Outcome // what shut it
	again  time.Time        // when the next probe is due
	probes sync.WaitGroup
}

func newGuard(ctx context.Context, next runner.Gateway, probe func(context.Context) campaign.Outcome, key *key, every time.Duration, changed *signal, notify func(BadSetting)) *guard {
	return &guard{ctx: ctx, next: next, probe: probe, key: key, every: every, changed: changed, notify: notify}
}

// Admit looks twice: the guard may have shut while the call waited.
func (g *guard) Admit(ctx context.Context, op campaign.Op) (runner.Permit, campaign.Outcome) {
	if g.shut.Load() {
		return nil, g.answerShut(op)
	}
	inner, no := g.next.Admit(ctx, op)
	if inner == nil {
		return nil, no
	}
	if g.shut.Load() {
		inner.Release()
		return nil, g.answerShut(op)
	}
	return guardPermit{inner, g}, campaign.Outcome{}
}

type guardPermit struct {
	runner.Permit
	g *guard
}

func (p guardPermit) Call(ctx context.Context, call campaign.Call) campaign.Outcome {
	out := p.Permit.Call(ctx, call)
	p.g.observe(&out)
	return out
}

func (g *guard) answerShut(op campaign.Op) campaign.Outcome {
	g.mu.Lock()
	defer g.mu.Unlock()
	return campaign.Outcome{Op: op, Kind: campaign.Unauthorised, RetryAfter: g.remaining(), Err: g.remedy()}
}

// remedy is a sentence for the operator. The lock is held.
func (g *guard) remedy() string {
	if g.badSetting() == WrongURL {
		return "there is no gateway where gateway.url leads (" + StatusLine(g.why.HTTP) + "): correct gateway.url"
	}
	text := "the gateway does not accept the key (" + StatusLine(g.why.HTTP) + ")"
	if g.why.Words != "" {
		text += ": " + g.why.Words
	}
	if problem := g.key.problem(); problem != "" {
		text += "; " + problem
	}
	return text
}

// badSetting is why the guard is shut; empty if it is not. The lock is held.
func (g *guard) badSetting() BadSetting {
	switch {
	case !g.shut.Load():
		return ""
	case nothingThere(g.why):
		return WrongURL
	}
	return WrongKey
}

// BadSetting is the setting to correct before any call is made again; empty if there is
// none.
func (g *guard) BadSetting() BadSetting {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.badSetting()
}

// observe shuts the guard if the outcome is about a setting, and adds until when.
func (g *guard) observe(out *campaign.Outcome) {
	if out.Kind != campaign.Unauthorised {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.shut.Load() && g.ctx.Err() == nil {
		g.why, g.again = *out, time.Now()
		g.shut.Store(true)
		g.probes.Go(g.keepAsking)
		g.notify(g.badSetting())
		g.changed.fire()
	}
	out.RetryAfter = g.remaining()
}

// remaining is how long it is worth waiting. The lock is held.
func (g *guard) remaining() time.Duration { return max(time.Until(g.again), time.Second) }

// keepAsking probes until the setting is right. The first probe is at once: the key may
// have changed between the call and its answer.
func (g *guard) keepAsking() {
	for g.ctx.Err() == nil {
		version := g.key.current().version
		if probe := g.probe(g.ctx); accepts(probe) && !(nothingThere(probe) && g.BadSetting() == WrongURL) {
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
func (g *guard) pause(version int) {
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

func (g *guard) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut.Store(false)
	g.notify("")
	g.changed.fire()
}

// wait returns when no probe is under way any more, and none can begin.
func (g *guard) wait() {
	g.mu.Lock() // a call that is just shutting the guard has started its probe
	//lint:ignore SA2001 it is the waiting that counts
	g.mu.Unlock()
	g.probes.Wait()
}
