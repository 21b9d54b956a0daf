package runner

import (
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Account is one of the customer's accounts at a gateway, with all that its calls need. No
// two accounts have any of it in common: what stops one stops nothing of another.
type Account struct {
	Name    string         // empty: there is only one
	At      string         // the URL of the gateway
	Rules   campaign.Rules // with what is known of this gateway; zero values mean the defaults
	Gateway Gateway
	Pace    PaceEstimator // nil: nothing is ever seen, and Rules.Pace counts
	Budgets Budgets       // nil: none is enforced
}

// choose finds the account of the campaign as it now is. The record says which one it is;
// only a campaign without a draft goes by the configuration.
func (r *run) choose() {
	r.account = r.accounts(r.wakeup.Key, r.c)
	if r.account.Pace == nil {
		r.account.Pace = noPace{}
	}
}

// step decides, by the rules with what is known of the account's gateway.
func (r *run) step(in campaign.Input, f campaign.Facts) campaign.Decision {
	if r.decide != nil {
		return r.decide(r.c, in, f)
	}
	return r.account.Rules.Step(r.c, in, f)
}

type noPace struct{}

func (noPace) Observe(campaign.Campaign, time.Time)    {}
func (noPace) Estimate(time.Time) (none campaign.Pace) { return }
