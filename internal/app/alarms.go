package app

import (
	"sync/atomic"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/ops"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// alarms count what must never happen. Each is a line in the log as well, which
// says about which campaign.
type alarms struct{ costConflicts, corrupt, broken atomic.Int64 }

// attach has the journal tell of them.
func (a *alarms) attach(o *journal.Options) {
	o.OnCostConflict = func(campaign.Key, *runner.CostConflict) { a.costConflicts.Add(1) }
	o.OnBroken = func(campaign.Key) { a.broken.Add(1) }
	o.OnCorrupt = func(string) { a.corrupt.Add(1) }
}

func (a *alarms) show(o *ops.Ops) {
	count := func(name, help string, n *atomic.Int64) {
		o.Counter(name, help, func() float64 { return float64(n.Load()) })
	}
	count("cost_told_otherwise_total", "Costs that had been told for another draft or quote: a campaign was about to be sent a second time.", &a.costConflicts)
	count("events_broken_total", "Saves that were not made, and events that were not told, because an event would have broken the contract.", &a.broken)
	count("records_disbelieved_total", "Reads of a record, a budget or a schedule that no version can have written so.", &a.corrupt)
}
