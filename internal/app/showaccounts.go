package app

import (
	"slices"
	"strings"

	"github.com/staffetta-io/staffetta/internal/gateway"
)

// showAccounts shows the operator each account. Where there is only one, a wrong setting
// makes the service unready. Where there are several, it is a note, and the service is
// unready when no account can be used.
func (a *App) showAccounts() {
	for _, one := range a.accounts.all {
		add, of := a.ops.Check, one.suffix()
		if one.name != "" {
			add = a.ops.Note
		}
		add("gateway url"+of, one.probeURL)
		add("gateway key"+of, one.probeKey)
		// An open breaker is no reason to send work elsewhere: the gateway is as
		// far away from there.
		a.ops.Note("breaker"+of, func() (string, bool) {
			state := one.gateway.BreakerState()
			return state, state != "open"
		})
	}
	if a.accounts.several() {
		a.ops.Check("accounts", a.accounts.probe)
	}

	const states = "1 for the state the breaker is in."
	if !a.accounts.several() {
		a.ops.OneOf("gateway_breaker_state", states, "state", breakerStates, a.accounts.all[0].gateway.BreakerState)
	} else {
		a.ops.GaugesOf("gateway_breaker_state", states, []string{"account", "state"}, func(is func(float64, ...string)) {
			for _, one := range a.accounts.all {
				for _, state := range breakerStates {
					is(oneIf(one.gateway.BreakerState() == state), one.name, state)
				}
			}
		})
	}
	a.gauges("gateway_authorised", "1 while the gateway is there and accepts the key.", func(c *account) float64 { return oneIf(c.gateway.Authorised()) })
	a.gauges("gateway_limiter_waiting", "Calls that the rate limit holds back.", func(c *account) float64 { return float64(c.gateway.Waiting()) })
	a.showPace()
	a.showCredit()
	a.showRate()
}

// suffix tells what is shown of the account from what is shown of others.
func (c *account) suffix() string {
	if c.name == "" {
		return ""
	}
	return " of " + c.name
}

var breakerStates = []string{"closed", "half-open", "open"}

// gauges shows a figure of each account, by its name where there are several.
func (a *App) gauges(name, help string, read func(*account) float64) {
	if !a.accounts.several() {
		a.ops.Gauge(name, help, func() float64 { return read(a.accounts.all[0]) })
		return
	}
	a.ops.GaugesOf(name, help, []string{"account"}, func(is func(float64, ...string)) {
		for _, one := range a.accounts.all {
			is(read(one), one.name)
		}
	})
}

func (c *account) probeURL() (string, bool) {
	url := c.Gateway.URL
	switch {
	case c.gateway.BadSetting() == gateway.WrongURL:
		return "there is no gateway at " + url + ": correct gateway.url", false
	case !c.gateway.Answered():
		return "nothing has answered at " + url + " yet; is gateway.url correct?", true
	}
	return "leads to the gateway, as far as is known", true
}

func (c *account) probeKey() (string, bool) {
	switch {
	case c.gateway.BadSetting() == gateway.WrongKey:
		return "the gateway does not accept the key in " + c.Gateway.KeyFile, false
	case !c.gateway.Authorised(), !c.gateway.Answered():
		return "not known: nothing has answered at gateway.url", true
	}
	return "accepted, as far as is known", true
}

// probe says which accounts are out of use for a wrong setting. As long as one is in
// use, there is work here.
func (s *accounts) probe() (string, bool) {
	var out []string
	for _, one := range s.all {
		if !one.gateway.Authorised() {
			out = append(out, one.name)
		}
	}
	slices.Sort(out)
	if len(out) == 0 {
		return "all in use", true
	}
	return "out of use: " + strings.Join(out, ", "), len(out) < len(s.all)
}
