package app

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/ops"
)

// sweepMetrics is what the last sweep saw, for metrics: a look at every campaign costs
// too much to be had whenever somebody asks. Before the first sweep it is what was
// counted at the start.
type sweepMetrics struct {
	last            atomic.Pointer[journal.Swept]
	overdue, resent atomic.Int64 // found by all sweeps

	mu    sync.Mutex
	moves []move // of this process, since the last sweep
}

// move is a campaign that went from one state to another.
type move struct {
	at       time.Time
	from, to campaign.State
}

// moved takes a save of this process, so that its states are true at once. What other
// replicas do is seen at the next sweep.
func (c *sweepMetrics) moved(from, to campaign.State) {
	if from == to {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.moves) < maxMoves {
		c.moves = append(c.moves, move{time.Now(), from, to})
	}
}

// maxMoves bounds what is remembered while nobody sweeps.
const maxMoves = 100_000

// in is how many campaigns are in a state.
func (c *sweepMetrics) in(state campaign.State) float64 {
	last := c.lastSweep()
	c.mu.Lock()
	defer c.mu.Unlock()
	n := last.States[state]
	for _, m := range c.moves {
		switch state {
		case m.from:
			n--
		case m.to:
			n++
		}
	}
	return float64(max(n, 0))
}

// count counts the campaigns at the start. That they cannot be counted in time stops
// nothing: the first sweep will.
func (a *App) count(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, learnWithin)
	defer cancel()
	counted, err := a.journal.Count(ctx)
	if err != nil {
		a.opts.Log.Warn("the campaigns could not be counted; the first sweep will", "error", err)
		return
	}
	a.sweepMetrics.last.Store(&counted)
}

func (c *sweepMetrics) swept(s journal.Swept) {
	c.overdue.Add(int64(s.Overdue))
	c.resent.Add(int64(s.Resent))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moves = slices.DeleteFunc(c.moves, func(m move) bool { return m.at.Before(s.At) })
	c.last.Store(&s)
}

func (c *sweepMetrics) lastSweep() journal.Swept {
	if s := c.last.Load(); s != nil {
		return *s
	}
	return journal.Swept{}
}

func (c *sweepMetrics) show(o *ops.Ops) {
	states := make([]string, len(campaign.States))
	for i, s := range campaign.States {
		states[i] = string(s)
	}
	o.GaugeOf("campaigns", "Campaigns in each state, as the last sweep has counted them and this service has moved them since.", "state", states,
		func(state string) float64 { return c.in(campaign.State(state)) })
	o.Gauge("oldest_unprogressed_seconds", "For how long the campaign that waits longest should have been looked at and was not, at the last sweep.",
		func() float64 { return c.lastSweep().Oldest.Seconds() })
	o.Gauge("dead_letters_kept", "Dead letters in their stream, at the last sweep.",
		func() float64 { return float64(c.lastSweep().Letters) })
	o.Gauge("campaigns_outlived", "Ended campaigns whose text is older than retention.text allows and was still there, at the last sweep.",
		func() float64 { return float64(c.lastSweep().Outlived) })
	o.Gauge("last_sweep_timestamp_seconds", "When the last sweep ended; 0 before the first.", func() float64 {
		at := c.lastSweep().At
		if at.IsZero() {
			return 0
		}
		return float64(at.UnixNano()) / float64(time.Second)
	})
	o.Counter("sweep_overdue_total", "Campaigns that no timer woke and a sweep did.",
		func() float64 { return float64(c.overdue.Load()) })
	o.Counter("sweep_requests_without_record_total", "Requests that were acknowledged and had no record, handled again by a sweep.",
		func() float64 { return float64(c.resent.Load()) })
}
