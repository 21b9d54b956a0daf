package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/rate"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// unknownReplicas is how many services are taken to share the account where they cannot
// share its rate, and nobody says how many there are.
const unknownReplicas = 4

// limits are those of the account; zero: none.
func (g Gateway) limits() rate.Limits {
	return rate.Limits{Minute: max(g.RatePerMinute, 0), Second: max(g.RatePerSecond, 0)}
}

// openRate opens this service's share of the account's rate. Where this service may not
// reach it, as with permissions that an earlier version has printed, it has a fixed part
// of the limits instead, and no tokens.
func (a *App) openRate(ctx context.Context, c *account) (rate.Tokens, rate.Limits, error) {
	g, limits := c.Gateway, c.Gateway.limits()
	if limits == (rate.Limits{}) {
		return nil, limits, nil
	}
	store, err := journal.OpenRate(ctx, a.nc, cmp.Or(c.name, campaign.DefaultAccount), a.opts.NATS.Replicas)
	if missing := (*streams.Right)(nil); errors.As(err, &missing) {
		n := g.Replicas
		if n == 0 {
			n = unknownReplicas
		}
		limits.Minute, limits.Second = divided(limits.Minute, n), divided(limits.Second, n)
		c.Log.Error("the rate is not shared with other services, and this one keeps to a fixed part of it: "+
			"print the accounts anew with staffetta access print, or set gateway.replicas to how many services there are",
			"missing", missing.Error(), "services", n, "per_minute", limits.Minute, "per_second", limits.Second)
		return nil, limits, nil
	}
	if err != nil {
		return nil, limits, err
	}
	if g.Replicas > 0 {
		c.Log.Warn("gateway.replicas is not needed any more, and the next version will not know it: services find out by themselves how many share the account; remove it")
	}
	c.rate = rate.NewShare(rate.Options{Store: store, Name: rand.Text(), Limits: limits, Timeout: g.Timeout, Log: c.Log})
	// It ends after the last call, and gives back what is left.
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.rate.Run(ctx)
	}()
	a.onStop("rate", func(context.Context) error {
		cancel()
		<-done
		return nil
	})
	return c.rate, limits, nil
}

// divided is the part of one of n; no limit stays none.
func divided(limit, n int) int {
	if limit <= 0 {
		return limit
	}
	return max(limit/n, 1)
}

// showRate shows how the rate of each account is shared.
func (a *App) showRate() {
	a.gauges("gateway_rate_shared", "1 while the rate is shared with all services of the account, or there is no limit; 0: this one keeps to a fixed part.", func(c *account) float64 { return oneIf(c.rate != nil || c.Gateway.limits() == (rate.Limits{})) })
	if !slices.ContainsFunc(a.accounts.all, func(c *account) bool { return c.rate != nil }) {
		return
	}
	shared := func(read func(*rate.Share) float64) func(*account) float64 {
		return func(c *account) float64 {
			if c.rate == nil {
				return 0
			}
			return read(c.rate)
		}
	}
	a.gauges("gateway_foreign_calls", "Calls of somebody else with the same key that the gateway has counted in the last minute, at least.", shared(func(s *rate.Share) float64 { return float64(s.Others()) }))
	a.gauges("gateway_rate_used", "Calls in a minute of the account that count against its limit, or are in the hand of a service, as this one last saw the shared record.", shared(func(s *rate.Share) float64 { return float64(s.Used()) }))
	a.gauges("gateway_rate_limit", "Calls in a minute that the account may make, as far as is known.", shared(func(s *rate.Share) float64 { return float64(s.Limit()) }))
	a.gauges("gateway_rate_closed_seconds", "For how long no calls are made because the record of the shared rate was lost.", shared(func(s *rate.Share) float64 { return s.Closed().Seconds() }))
	for _, c := range a.accounts.all {
		if c.rate != nil {
			a.ops.Note("rate"+c.suffix(), c.probeRate)
		}
	}
}

func (c *account) probeRate() (string, bool) {
	switch closed := c.rate.Closed(); {
	case closed > 0:
		return "no calls for another " + closed.Round(time.Second).String() + ": the record of the shared rate was lost, and what was made before may still count", false
	case c.rate.Others() > 0:
		return "somebody else calls the gateway with the same key", false
	}
	return "shared with all services of the account", true
}
