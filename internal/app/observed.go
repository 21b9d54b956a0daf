package app

import (
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/ops"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// observed is what logs and metrics get of the loop, and the count of the campaigns.
type observed struct {
	*ops.Ops
	sweeps *sweepMetrics
}

var _ runner.Observer = observed{}

func (o observed) Moved(c campaign.Campaign, from campaign.State, rev loop.Revision) {
	o.sweeps.moved(from, c.State)
	o.Ops.Moved(c, from, rev)
}
