package app

import (
	"log/slog"
	"net/http"

	"github.com/staffetta-io/staffetta/internal/doctor"
	"github.com/staffetta-io/staffetta/internal/gateway"
)

// changedWays counts the ways of gateways that have changed.
func (a *App) changedWays() (count func(way string)) {
	return a.ops.CounterOf("gateway_changed_total",
		"Answers that showed a way of the gateway to be otherwise than gateway.variant says; at most one an hour for each change.", "way", doctor.Ways())
}

// watchVariant is an account's transport under the eyes of what the doctor learnt: a
// gateway that has changed its ways is said in the log and counted. Nothing is
// stopped for it, for the rules believe no variant, only answers.
func watchVariant(known doctor.Variant, inFlight int, log *slog.Logger, changed func(way string)) http.RoundTripper {
	transport := gateway.NewTransport(inFlight)
	if len(known) == 0 {
		return transport // nothing to compare with
	}
	return doctor.Watch(transport, known, func(c doctor.Change) {
		changed(c.Way)
		log.Warn("the gateway has changed its ways: run staffetta doctor again", "way", c.Way, "was", c.Was, "is", c.Is, "seen_by", c.Call)
	})
}
