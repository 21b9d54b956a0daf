package simulate

import (
	"context"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// gateway is the port runner.Gateway of one worker, and its permit.
type gateway struct{ k *worker }

var _ runner.Gateway = gateway{}

// Admit lets other workers run only before a confirm. For any other call it makes
// no difference whether they run before Admit or before the call.
func (g gateway) Admit(_ context.Context, op campaign.Op) (runner.Permit, campaign.Outcome) {
	if op == campaign.OpConfirm {
		if no := g.k.pause("admit confirm", atAdmit).notNow(op); no != nil {
			return nil, *no
		}
	}
	return g, campaign.Outcome{}
}

func (gateway) Release() {}

// Call makes the call. A worker that freezes here has passed all its checks, and
// stops just before the request leaves.
func (g gateway) Call(ctx context.Context, call campaign.Call) campaign.Outcome {
	k, w := g.k, g.k.w
	menu := atCall
	switch call.Op {
	case campaign.OpCreate, campaign.OpConfigure, campaign.OpCalculate, campaign.OpPrice, campaign.OpList, campaign.OpUpload, campaign.OpCount:
		menu = atRefusable
	case campaign.OpConfirm:
		menu = atRefusable
		w.judgeConfirm(k)
	}
	began := w.now
	f := k.pause("call "+string(call.Op), menu)
	if call.Op == campaign.OpConfirm && w.now.Sub(began)+f.after > inTime {
		w.observed.tooLate = true
	}
	if f.kind == late {
		w.expect(f.after)
	}
	w.next = f.broken()
	permit, _ := w.gateway.Admit(ctx, call.Op)
	o := permit.Call(ctx, call)
	if f.kind == diesAfter {
		panic(crash{})
	}
	return o
}

// judgeConfirm judges a confirm as it leaves: was it still allowed? A slow clock
// of the worker excuses exactly its own delay.
func (w *World) judgeConfirm(k *worker) {
	r, limit := w.request, defaults.ConfirmWithin+max(0, -k.ahead)
	if end := r.ExpiresAt; !end.IsZero() && w.now.Sub(end) > limit {
		w.fail("expired", "a confirm leaves %s after the request expired", w.now.Sub(end))
	}
	if at := r.At; !at.IsZero() && w.now.Sub(at) > defaults.TooLate+limit {
		w.fail("too late", "a confirm leaves %s after its instant", w.now.Sub(at))
	}
	if r.Limits.Approval && !w.observed.approved {
		w.fail("not approved", "a confirm leaves, and nobody approved it")
	}
	if held := w.ledger.open.Add(w.ledger.settled); w.budgeted && held.LessThan(price) {
		w.fail("budget", "a confirm of %s leaves, and the budgets hold %s", price, held)
	}
}

var defaults = campaign.Rules{}.WithDefaults()

// How long the gateway takes: short, so that histories are short.
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
