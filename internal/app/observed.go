package app

import (
	"context"
	"os"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/ops"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/tracing"
)

// observed is what logs and metrics get of the loop, the count of the campaigns, and the
// traces if somebody wants them.
type observed struct {
	*ops.Ops
	sweeps *sweepMetrics
	traces *tracing.Tracer // nil: nobody does
}

var _ runner.Observer = observed{}

func (o observed) Moved(c campaign.Campaign, from campaign.State, rev loop.Revision) {
	o.sweeps.moved(from, c.State)
	o.Ops.Moved(c, from, rev)
}

func (o observed) Called(c campaign.Campaign, found runner.Found, outcome campaign.Outcome) {
	o.Ops.Called(c, found, outcome)
	if o.traces != nil {
		o.traces.Called(c, found, outcome)
	}
}

func (o observed) Told(c campaign.Campaign) {
	o.Ops.Told(c)
	if o.traces != nil {
		o.traces.Told(c)
	}
}

func (o observed) Handled(w runner.Wakeup, found runner.Found, v loop.Verdict, took time.Duration) {
	o.Ops.Handled(w, found, v, took)
	if o.traces != nil {
		o.traces.Handled(w, found, v, took)
	}
}

// observe makes the observer of the loop. A receiver of traces that is away stops nothing.
func (a *App) observe(ctx context.Context) (runner.Observer, error) {
	traces, err := tracing.Open(ctx, os.Getenv, a.opts.Version)
	if err != nil {
		return nil, err
	}
	if traces != nil {
		a.onStop("traces", func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
			defer cancel()
			if err := traces.Close(ctx); err != nil {
				a.opts.Log.Warn("traces", "error", err)
			}
			return nil
		})
	}
	return observed{a.ops, &a.sweepMetrics, traces}, nil
}
