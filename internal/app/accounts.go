package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/doctor"
	"github.com/staffetta-io/staffetta/internal/gateway"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/pace"
	"github.com/staffetta-io/staffetta/internal/rate"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// account is one account at a gateway, with all that is its own: key, guard, breaker,
// rate, connections, and what was seen of its pace. It has none of it in common with
// another, so what stops one stops nothing of another.
type account struct {
	accountOptions
	at      string // the gateway's URL, as records have it
	gateway *gateway.Gateway
	rate    *rate.Share // nil: the rate is not shared
	pace    pace.Estimator
	credit  accountCredit
	budgets runner.Budgets // nil: not enforced
}

// accounts are all of them. They do not change while the service runs.
type accounts struct {
	all      []*account
	bySource map[string]*account // everyOther: of those that are in none
}

// openAccounts opens all accounts. It calls no gateway.
func (a *App) openAccounts(ctx context.Context) error {
	all, err := a.opts.accountOptions()
	if err != nil {
		return err
	}
	a.accounts.bySource = map[string]*account{}
	changed := a.changedWays()
	for _, o := range all {
		one, err := a.openAccount(ctx, o, changed)
		if err != nil {
			return o.named(err)
		}
		a.onStop("gateway", closing(one.gateway.Close))
		a.accounts.all = append(a.accounts.all, one)
		for _, source := range o.sources {
			a.accounts.bySource[source] = one
		}
	}
	return nil
}

// named is an error that says whose it is, where there are several.
func (a accountOptions) named(err error) error {
	if a.name == "" {
		return err
	}
	return fmt.Errorf("account %s: %w", a.name, err)
}

func (a *App) openAccount(ctx context.Context, o accountOptions, changed func(way string)) (_ *account, err error) {
	one := &account{accountOptions: o}
	vendor, err := o.Gateway.vendor()
	if err != nil {
		return nil, err
	}
	if one.at, err = gateway.Address(o.Gateway.URL); err != nil {
		return nil, err
	}
	if one.Rules.MovedFrom, err = addresses(o.Gateway.MovedFrom); err != nil {
		return nil, fmt.Errorf("gateway.moved_from: %w", err)
	}
	known, err := doctor.ParseVariant(o.Gateway.Variant)
	if err != nil {
		return nil, fmt.Errorf("gateway.variant: %w", err)
	}
	log := o.Log
	if o.name != "" {
		log = log.With("account", o.name)
	}
	one.Log = log
	tokens, limits, err := a.openRate(ctx, one)
	if err != nil {
		return nil, err
	}
	one.gateway, err = gateway.New(gateway.Options{
		Vendor: vendor, BaseURL: o.Gateway.URL, Insecure: o.Gateway.Insecure, KeyFile: o.Gateway.KeyFile, Version: o.Version,
		InFlight: o.inFlight(), Timeout: o.Gateway.Timeout,
		PerMinute: limits.Minute, PerSecond: limits.Second, Tokens: tokens,
		BreakerFailures: o.Gateway.BreakerFailures, BreakerOpen: o.Gateway.BreakerOpen,
		OnBreaker:    func(from, to string) { log.Warn("breaker moved", "from", from, "state", to) },
		OnBadSetting: func(m gateway.BadSetting) { one.badSetting(m) },
		Transport:    watchVariant(known, o.inFlight(), log, changed),
	})
	return one, err
}

// ofItsSources says whose requests are meant, where there are several accounts.
func (c *account) ofItsSources() string {
	if c.name == "" {
		return ""
	}
	return " of the account's sources"
}

// badSetting says in the log what stops the calls of the account.
func (c *account) badSetting(m gateway.BadSetting) {
	switch m {
	case gateway.WrongKey:
		c.Log.Error("the gateway does not accept the key: nothing is consumed"+c.ofItsSources()+" until it does; write a good key into the key file", "file", c.Gateway.KeyFile)
	case gateway.WrongURL:
		c.Log.Error("there is no gateway where gateway.url leads: nothing is consumed"+c.ofItsSources()+"; correct gateway.url and restart", "url", c.Gateway.URL)
	default:
		c.Log.Info("the gateway accepts the key")
	}
}

// probe finds a wrong key before the first campaign meets it. Nobody waits
// for the answer: a gateway that is down is no reason not to start.
func (c *account) probe(ctx context.Context) {
	if c.gateway.Probe(ctx); !c.gateway.Answered() && ctx.Err() == nil {
		c.Log.Warn("nothing has answered where gateway.url leads; is it correct? the first create will tell", "url", c.Gateway.URL)
	}
}

// ofSource is the account of a source by the settings; nil: it has none.
func (s *accounts) ofSource(source string) *account {
	return cmp.Or(s.bySource[source], s.bySource[everyOther])
}

// named is the account of a name; nil: there is none.
func (s *accounts) named(name string) *account {
	for _, a := range s.all {
		if cmp.Or(a.name, campaign.DefaultAccount) == name {
			return a
		}
	}
	return nil
}

// names are those that people call them by, where there are several.
func (s *accounts) names() (all []string) {
	for _, a := range s.all {
		all = append(all, a.name)
	}
	return all
}

// several says that people have named accounts.
func (s *accounts) several() bool { return s.all[0].name != "" }

// of is the account of a campaign. The record says it; a campaign without a draft is its
// source's. A record of an earlier version has a draft and names no account: then it is
// the default, if its gateway is that of the draft, or the one account that is there.
// Nil: nobody knows, or the source has none.
func (s *accounts) of(key campaign.Key, c campaign.Campaign) *account {
	own := s.ofSource(key.Source)
	switch {
	case c.Account != "":
		// If it is not configured, the rules see that it is another one, and make no call.
		return cmp.Or(s.named(c.Account), own)
	case c.Draft == nil:
		return own
	case c.Draft.Gateway == "":
		return cmp.Or(s.named(campaign.DefaultAccount), own)
	}
	var there []*account
	for _, a := range s.all {
		if a.at == c.Draft.Gateway || slices.Contains(a.Rules.MovedFrom, c.Draft.Gateway) {
			if a.name == campaign.DefaultAccount {
				return a
			}
			there = append(there, a)
		}
	}
	if len(there) == 1 && !slices.Contains(there, own) {
		return there[0]
	}
	return own
}

// pick is the account of a campaign, for the loop.
func (a *App) pick(key campaign.Key, c campaign.Campaign) runner.Account {
	one := a.accounts.of(key, c)
	if one == nil {
		return runner.Account{Rules: a.opts.Rules, Gateway: nowhere(key.Source), Budgets: a.budgets}
	}
	return runner.Account{Name: one.name, At: one.at, Rules: one.Rules, Gateway: timed{one.gateway, a.ops}, Pace: &one.pace, Budgets: one.budgets}
}

// gate stops the pulling of all requests where there is only one account. With several
// the sources are apart, and each has the gate of its account.
func (a *App) gate() journal.PullGate {
	if a.accounts.several() {
		return nil
	}
	return a.accounts.all[0].gateway
}

// gateOf stops the pulling of a source's requests while its account takes none. A source
// without an account has no gate: its campaigns wait, and say why.
func (a *App) gateOf(source string) journal.PullGate {
	if one := a.accounts.ofSource(source); one != nil {
		return one.gateway
	}
	return nil
}

// nowhere is the gateway of a source that belongs to no account: no call is made, and
// its campaigns wait and say why.
type nowhere string

// nowhereAgain is when a campaign of such a source looks again: after a restart with
// other settings it may have an account.
const nowhereAgain = 5 * time.Minute

// Admit admits nothing.
func (n nowhere) Admit(_ context.Context, op campaign.Op) (runner.Permit, campaign.Outcome) {
	return nil, campaign.Outcome{Op: op, Kind: campaign.NotAttempted, RetryAfter: nowhereAgain,
		Err: n.why()}
}

func (n nowhere) why() string {
	return "the source " + string(n) + " belongs to no account: put it, or \"*\", among the sources of one in the file accounts, and restart"
}
