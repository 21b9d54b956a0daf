package app

import (
	"sync/atomic"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/ops"
)

// sweepMetrics is what the last sweep of this process saw, for metrics: a look at
// every campaign costs too much to be had whenever somebody asks. Before the
// first sweep (a minute and a half after the start) all is zero.
type sweepMetrics struct {
	last            atomic.Pointer[journal.Swept]
	overdue, resent atomic.Int64 // found by all sweeps
}

func (c *sweepMetrics) swept(s journal.Swept) {
	c.overdue.Add(int64(s.Overdue))
	c.resent.Add(int64(s.Resent))
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
	o.GaugeOf("campaigns", "Campaigns in each state, at the last sweep.", "state", states,
		func(state string) float64 { return float64(c.lastSweep().States[campaign.State(state)]) })
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
