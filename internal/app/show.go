package app

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
	a.showAccounts()
	a.showButton()

	a.ops.Gauge("in_flight", "Messages being handled.", func() float64 { n, _ := a.journal.InFlight(); return float64(n) })
	a.ops.Gauge("oldest_in_flight_seconds", "For how long the oldest of them has been handled.", func() float64 { _, oldest := a.journal.InFlight(); return oldest.Seconds() })
	a.ops.GaugesOf("consumer_pulling", "1 while the consumer pulls; 0 as well while it is paused.", []string{"consumer"}, a.pulling)
	a.sweepMetrics.show(a.ops)
	a.alarms.show(a.ops)
	a.ops.Counter("records_lost_total", "Campaigns that were spoken of and were found without a record.", func() float64 { n, _ := a.journal.Lost(); return float64(n) })
	a.ops.Gauge("consumption_stopped", "1 while nothing is handled because too many records are lost.", func() float64 { _, why := a.journal.Lost(); return oneIf(why != "") })
	if a.budgets != nil {
		a.budgetMetrics.show(a.ops)
	}
	a.ops.Gauge("budgets_heeded", "1 while this service enforces budgets that somebody has set; 0 as well while there are none.",
		func() float64 { return oneIf(a.budgets != nil && a.lazyLedgers.Found()) })
	a.ops.Gauge("nats_connected", "1 while NATS is connected.", func() float64 { return oneIf(a.nc.IsConnected()) })
}

// pulling shows each consumer there is. Commands may be read from two streams, while
// one takes the other's place: one of the two is enough.
func (a *App) pulling(is func(value float64, labels ...string)) {
	pulling := map[string]bool{}
	for _, h := range a.journal.Health() {
		pulling[h.Consumer] = pulling[h.Consumer] || h.Pulling
	}
	for consumer, yes := range pulling {
		is(oneIf(yes), consumer)
	}
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
