package simulate

import (
	"context"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// gateway is the port runner.Gateway as one worker has it, and the permit.
type gateway struct{ k *worker }

var _ runner.Gateway = gateway{}

// Admit gives way only for a confirm: what happens while any other call waits
// for its leave can as well happen before the call.
func (g gateway) Admit(_ context.Context, op campaign.Op) (runner.Permit, campaign.Outcome) {
	if op == campaign.OpConfirm {
		if no := g.k.pause("admit confirm", atAdmit).notNow(op); no != nil {
			return nil, *no
		}
	}
	return g, campaign.Outcome{}
}

func (gateway) Release() {}

// Call makes the call. A worker that freezes here has passed all its checks
// and stands still on the way to the wire.
func (g gateway) Call(ctx context.Context, call campaign.Call) campaign.Outcome {
	k, w := g.k, g.k.w
	menu := atCall
	switch call.Op {
	case campaign.OpCreate, campaign.OpConfigure, campaign.OpCalculate, campaign.OpPrice:
		menu = atRefusable
	case campaign.OpConfirm:
		menu = atRefusable
		w.leaving(k)
	}
	began := w.now
	f := k.pause("call "+string(call.Op), menu)
	if call.Op == campaign.OpConfirm && w.now.Sub(began)+f.after > inTime {
		w.saw.tooLate = true
	}
	if f.what == late {
		w.expect(f.after)
	}
	w.next = f.broken()
	permit, _ := w.gateway.Admit(ctx, call.Op)
	o := permit.Call(ctx, call)
	if f.what == diesAfter {
		panic(crash{})
	}
	return o
}

// leaving judges a confirm as it leaves: was it still allowed to? A worker whose
// clock is slow is late by no more than that.
func (w *World) leaving(k *worker) {
	r, limit := w.request, defaults.ConfirmWithin+max(0, -k.ahead)
	if end := r.ExpiresAt; !end.IsZero() && w.now.Sub(end) > limit {
		w.fail("expired", "a confirm leaves %s after the request expired", w.now.Sub(end))
	}
	if at := r.At; !at.IsZero() && w.now.Sub(at) > defaults.TooLate+limit {
		w.fail("too late", "a confirm leaves %s after its instant", w.now.Sub(at))
	}
	if r.Limits.Approval && !w.saw.approved {
		w.fail("not approved", "a confirm leaves, and nobody approved it")
	}
	if held := w.ledger.open.Add(w.ledger.settled); w.budgeted && held.LessThan(price) {
		w.fail("budget", "a confirm of %s leaves, and the budgets hold %s", price, held)
	}
}

var defaults = campaign.Rules{}.WithDefaults()

// How long the gateway takes: short, so that a history is.
const (
	listID   = 87
	sendsFor = 8 * time.Second
)

func newGateway(w *World) *runnertest.Gateway {
	g := runnertest.NewGateway()
	g.SetList(listID, 100, 4)
	g.SendsFor = sendsFor
	g.Fault = func(campaign.Call) runnertest.Fault {
		f := w.next
		w.next = runnertest.Fault{}
		return f
	}
	return g
}
