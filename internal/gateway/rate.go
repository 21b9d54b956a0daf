package gateway

import (
	"context"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/rate"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// limited is the port with the vendor's limits kept: a call is admitted once its
// token is there, and uses it up by leaving.
type limited struct {
	limit  *limiter
	client *client
}

func (r limited) Admit(ctx context.Context, op campaign.Op) (runner.Permit, campaign.Outcome) {
	if no, ok := r.limit.admit(ctx, op); !ok {
		return nil, no
	}
	return limitedPermit{r.client}, campaign.Outcome{}
}

type limitedPermit struct{ *client }

func (p limitedPermit) Release() { p.limit.giveBack() }

// last is the class of what its caller says goes after all others. It is this process's
// own: to the other services of the account such a call is one of polling.
const last = rate.Classes

// classOf is which calls go first.
func classOf(ctx context.Context, op campaign.Op) rate.Class {
	if runner.IsLast(ctx) {
		return last
	}
	switch op {
	case campaign.OpConfirm, campaign.OpAdmit:
		return rate.Confirming
	case campaign.OpCreate:
		return rate.Creating
	case campaign.OpStats, OpSearch:
		return rate.Polling
	}
	return rate.Drafting
}
