package gateway

import (
	"context"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// rate is the port with the vendor's rate kept: a call is admitted once its
// token is there, and uses it up by leaving.
type rate struct {
	limit  *limiter
	client *client
}

func (r rate) Admit(ctx context.Context, op campaign.Op) (runner.Permit, campaign.Outcome) {
	if no, ok := r.limit.admit(ctx, op); !ok {
		return nil, no
	}
	return ratePermit{r.client}, campaign.Outcome{}
}

type ratePermit struct{ *client }

func (p ratePermit) Release() { p.limit.giveBack() }

// class is who goes first. To end what was begun goes before beginning more:
// a draft that waits too long is thrown away and made again.
type class int

const (
	confirming class = iota
	drafting         // everything else on a draft; reading back, deleting, probing
	creating
	polling
	classes
)

func classOf(op campaign.Op) class {
	switch op {
	case campaign.OpConfirm, campaign.OpAdmit:
		return confirming
	case campaign.OpCreate:
		return creating
	case campaign.OpStats, OpSearch:
		return polling
	}
	return drafting
}
