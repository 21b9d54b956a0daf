package app

import (
	"io"
	"log/slog"

	"github.com/staffetta-io/staffetta/internal/gateway"
	"github.com/staffetta-io/staffetta/internal/ops"
)

// show registers what the operator sees with closures, so that package ops
// needs to know none of the things it shows.
func (a *App) show() {
	a.ops.Check("nats", func() (string, bool) {
		if !a.nc.IsConnected() {
			return "not connected: " + a.nc.Status().String(), false
		}
		return "connected to " + a.nc.ConnectedUrlRedacted(), true
	})
	a.ops.Check("consumers", func() (string, bool) {
		ok, why := a.journal.Ready()
		if ok {
			return "pulling", true
		}
		return why, false
	})
	a.ops.Check("records", func() (string, bool) {
		if !a.runner.Recording() {
			return "the last record could not be saved: no draft is begun until one can be; see the log, and whether the records' stream is full, gone, or not ours to write", false
		}
		return "saved", true
	})
	a.ops.Check("gateway url", func() (string, bool) {
		url := a.opts.Gateway.URL
		switch {
		case a.gateway.Misset() == gateway.WrongURL:
			return "there is no gateway at " + url + ": correct gateway.url", false
		case !a.gateway.Answered():
			return "nothing has answered at " + url + " yet; is gateway.url correct?", true
		}
		return "leads to the gateway, as far as is known", true
	})
	a.ops.Check("gateway key", func() (string, bool) {
		switch {
		case a.gateway.Misset() == gateway.WrongKey:
			return "the gateway does not accept the key in " + a.opts.Gateway.KeyFile, false
		case !a.gateway.Authorised(), !a.gateway.Answered():
			return "not known: nothing has answered at gateway.url", true
		}
		return "accepted, as far as is known", true
	})
	// An open breaker is no reason to send work elsewhere: the gateway is as
	// far away from there.
	a.ops.Note("breaker", func() (string, bool) {
		state := a.gateway.BreakerState()
		return state, state != "open"
	})

	a.showButton()

	a.ops.OneOf("gateway_breaker_state", "1 for the state the breaker is in.", "state",
		[]string{"closed", "half-open", "open"}, a.gateway.BreakerState)
	a.ops.Gauge("gateway_authorised", "1 while the gateway is there and accepts the key.", func() float64 { return one(a.gateway.Authorised()) })
	a.ops.Gauge("gateway_limiter_waiting", "Calls that the rate limit holds back.", func() float64 { return float64(a.gateway.Waiting()) })
	a.ops.Gauge("in_flight", "Wake-ups being handled.", func() float64 { return float64(a.inFlight.count()) })
	a.ops.Gauge("oldest_in_flight_seconds", "For how long the oldest of them has been handled.", func() float64 { return a.inFlight.oldest().Seconds() })
	a.ops.GaugeOf("consumer_pulling", "1 while the consumer pulls; 0 as well while it is paused.", "consumer",
		[]string{"requests", "wakeups", "commands", "cancels"}, func(consumer string) float64 {
			for _, h := range a.journal.Health() {
				// Commands may be read from two streams, while one takes the other's place.
				if h.Consumer == consumer && h.Pulling {
					return 1
				}
			}
			return 0
		})
	a.census.show(a.ops)
	a.alarms.show(a.ops)
	a.ops.Counter("records_lost_total", "Campaigns that were spoken of and were found without a record.", func() float64 { n, _ := a.journal.Lost(); return float64(n) })
	a.ops.Gauge("consumption_stopped", "1 while nothing is handled because too many records are lost.", func() float64 { _, why := a.journal.Lost(); return one(why != "") })
	a.showPace()
	if a.budgets != nil {
		a.purse.show(a.ops)
	}
	a.ops.Gauge("budgets_heeded", "1 while this service heeds budgets that somebody has set; 0 as well while there are none.",
		func() float64 { return one(a.budgets != nil && a.lookout.Found()) })
	a.ops.Gauge("nats_connected", "1 while NATS is connected.", func() float64 { return one(a.nc.IsConnected()) })
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// NewLogger writes the service's log lines: see [ops.NewLogger].
func NewLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	return ops.NewLogger(w, level, format)
}
