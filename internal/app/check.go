package app

import (
	"context"
	"fmt"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/check"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/doctor"
	"github.com/staffetta-io/staffetta/internal/gateway"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/runner"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// checks checks requests, each with what the account of its source has.
type checks struct {
	app    *App
	intake quotas
	of     map[*account]*check.Checker
}

// openCheck makes what checks requests, of what the loop of campaigns has.
func (a *App) openCheck(intake quotas) (*checks, error) {
	c := &checks{a, intake, map[*account]*check.Checker{}}
	for _, one := range a.accounts.all {
		variant, err := doctor.ParseVariant(one.Gateway.Variant)
		if err != nil {
			return nil, fmt.Errorf("gateway.variant: %w", err)
		}
		c.of[one], err = c.checker(check.Options{
			Rules: one.Rules, Gateway: one.gateway, Pace: &one.pace, Budgets: one.budgets, At: one.at, Away: one.away, NoPrice: noPrice(variant),
			PerMinute: func() int { return pricesPerMinute(one.Gateway.RatePerMinute, intake.services.count()) },
		})
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

// checker is one with what all accounts have in common.
func (c *checks) checker(o check.Options) (*check.Checker, error) {
	o.Records, o.Button, o.Intake, o.Called = c.app.journal, c.app.button, c.intake.Full, func(k campaign.Campaign, o campaign.Outcome) { c.app.ops.Called(k, runner.Found{}, o) }
	return check.New(o)
}

// Check answers a question. See [check.Checker].
func (c *checks) Check(ctx context.Context, a query.CheckAsk) (query.Checked, error) {
	var m campaignv1.CampaignRequested
	if contract.ReadJSON(a.Request, &m) != nil {
		return c.of[c.app.accounts.all[0]].Check(ctx, a) // which says why it cannot be read
	}
	if one := c.app.accounts.ofSource(m.GetSource()); one != nil {
		return c.of[one].Check(ctx, a)
	}
	none := nowhere(m.GetSource())
	checker, err := c.checker(check.Options{Rules: c.app.opts.Rules, Gateway: none, Budgets: c.app.budgets, Away: none.why})
	if err != nil {
		return query.Checked{}, err
	}
	return checker.Check(ctx, a)
}

// away says why no campaign is begun at the gateway now; empty: it is called.
func (c *account) away() string {
	switch bad := c.gateway.BadSetting(); {
	case bad == gateway.WrongKey:
		return "the gateway does not accept the key"
	case bad != "":
		return "there is no gateway where " + string(bad) + " leads"
	case c.gateway.BreakerState() != "closed":
		return "the gateway did not answer the last calls, and is left alone for a while"
	}
	return ""
}

// noPrice says why no price can be asked of a gateway: each would leave a draft.
func noPrice(v doctor.Variant) string {
	if is := v["delete"]; is == "no" || is == "ignored" {
		return fmt.Sprintf("this account deletes no drafts (gateway.variant says delete=%s), so each price would leave one: check without price", is)
	}
	return ""
}

// pricesPerMinute is as many prices as take a tenth of this service's share of the calls
// that the account may make in a minute; 0: no limit is known.
func pricesPerMinute(calls, services int) int {
	if calls <= 0 {
		return 0
	}
	return max(1, calls/(10*check.CallsOfPrice*max(services, 1)))
}

// Full says why a request that is stored at an instant would not be begun, as Takes
// does, and takes nothing.
func (q quotas) Full(key campaign.Key, stored time.Time) string {
	if full := q.campaigns.full(key, stored); full != "" {
		return q.tooMany(key, full)
	}
	return ""
}
