package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

type bench struct {
	binary, server string
	rounds         int
	replicas       int // of the streams, and servers
}

// row is one line of the table.
type row struct {
	scenario, sync, feed string
	goal                 float64
	ratios               []float64
	cpus                 []float64 // BARE's processor time for a campaign, over ours
	parts                parts
	memory, allocations  []float64
	rates, bares         []float64
}

// parts are the processor times of the three processes, over BARE's.
type parts struct{ service, nats, sandbox []float64 }

// add notes what one run took, in the order of the three processes.
func (r *row) add(bare float64, took []float64) {
	r.cpus = append(r.cpus, bare/sum(took))
	r.parts.service = append(r.parts.service, took[0]/bare)
	r.parts.nats = append(r.parts.nats, took[1]/bare)
	r.parts.sandbox = append(r.parts.sandbox, took[2]/bare)
}

func (r row) String() string {
	return fmt.Sprintf("%s\t%s\t%s\t%.2f\t%.2f\t%.2f\t%.2f + %.2f + %.2f\t%.0f\t%.0f\t%.0f\t%.0f", r.scenario, r.sync, r.feed,
		median(r.ratios), r.goal, median(r.cpus),
		median(r.parts.service), median(r.parts.nats), median(r.parts.sandbox),
		median(r.memory), median(r.allocations), median(r.rates), median(r.bares))
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	if len(v) == 0 {
		return 0
	}
	return v[len(v)/2]
}

// measure runs BARE, the service with its requests there at the start, the
// service with a live feed, FLOOR, and BARE again, as often as asked.
func (b *bench) measure(ctx context.Context, s scenario, always bool) ([]row, error) {
	mode, goal := "default", s.goal
	if always {
		mode, goal = "always", s.goalSync
	}
	backlog := row{scenario: s.name, sync: mode, feed: "backlog", goal: goal}
	live := row{scenario: s.name, sync: mode, feed: "live", goal: goal}
	least := row{scenario: s.name, sync: mode, feed: "FLOOR", goal: goal}
	for range b.rounds {
		if err := b.round(ctx, s, always, &backlog, &live, &least); err != nil {
			return nil, err
		}
	}
	return []row{backlog, live, least}, nil
}

func (b *bench) round(ctx context.Context, s scenario, always bool, backlog, live, least *row) (err error) {
	dir, err := os.MkdirTemp("", "staffetta-bench")
	if err != nil {
		return err
	}
	defer func() {
		if err == nil {
			os.RemoveAll(dir)
			return
		}
		err = fmt.Errorf("%w (logs are in %s)", err, dir)
	}()
	g, err := startGateway(ctx, dir, b.binary, s.delay)
	if g != nil {
		defer g.stop()
	}
	if err != nil {
		return err
	}
	calls := newBare(g.base(), apiKey, g.list, s.inFlight)
	if _, err := calls.rate(ctx, s.n/10, s.inFlight); err != nil { // warm
		return err
	}
	var before float64
	bareCPU, err := used(func() (err error) { before, err = calls.rate(ctx, s.n, s.inFlight); return err }, self, g.cpu)
	if err != nil {
		return err
	}
	server, url, err := startNATS(ctx, dir, b.server, always, b.replicas)
	defer server.stop()
	if err != nil {
		return err
	}
	a, err := connect(ctx, url)
	if err != nil {
		return err
	}
	defer a.nc.Close()

	// The streams are made by the service, so it runs once before the backlog.
	first, _, err := startService(ctx, dir, b.binary, url, g, s.inFlight, b.replicas)
	defer first.stop()
	if err != nil {
		return err
	}
	if err := a.ask(ctx, shop, "first", 1, g.list); err != nil {
		return err
	}
	if _, err := a.await(ctx, 1); err != nil {
		return err
	}
	first.stop()
	if err := a.ask(ctx, shop, "backlog", s.n, g.list); err != nil {
		return err
	}
	service, ops, err := startService(ctx, dir, b.binary, url, g, s.inFlight, b.replicas)
	defer service.stop()
	if err != nil {
		return err
	}
	var at []time.Time
	ours := []func() (float64, error){service.cpu, server.cpu, g.cpu}
	backlogCPU, err := used(func() (err error) { at, err = a.await(ctx, s.n); return err }, ours...)
	if err != nil {
		return err
	}
	rateBacklog := steady(at)
	mallocs, err := allocations(ctx, ops)
	if err != nil {
		return err
	}
	asked := make(chan error, 1)
	go func() { asked <- a.ask(ctx, shop, "live", s.n, g.list) }()
	liveCPU, err := used(func() (err error) { at, err = a.await(ctx, s.n); return err }, ours...)
	if err != nil {
		return err
	}
	if err := <-asked; err != nil {
		return err
	}
	rateLive := steady(at)
	after, err := allocations(ctx, ops)
	if err != nil {
		return err
	}
	peak, err := service.peak()
	if err != nil {
		return err
	}
	service.stop()
	bottom, err := newFloor(ctx, a, calls, shop+".first-0")
	if err != nil {
		return err
	}
	if err := a.ask(ctx, "floor", "floor", s.n, g.list); err != nil {
		return err
	}
	var rateFloor float64
	ours[0] = self
	floorCPU, err := used(func() (err error) { rateFloor, err = bottom.rate(ctx, s.n, s.inFlight); return err }, ours...)
	if err != nil {
		return err
	}
	again, err := calls.rate(ctx, s.n, s.inFlight)
	if err != nil {
		return err
	}
	bare := (before + again) / 2
	backlog.add(sum(bareCPU), backlogCPU)
	live.add(sum(bareCPU), liveCPU)
	least.add(sum(bareCPU), floorCPU)
	least.ratios, least.rates, least.bares = append(least.ratios, rateFloor/bare), append(least.rates, rateFloor), append(least.bares, bare)
	for r, rate := range map[*row]float64{backlog: rateBacklog, live: rateLive} {
		r.ratios = append(r.ratios, rate/bare)
		r.rates = append(r.rates, rate)
		r.bares = append(r.bares, bare)
		r.memory = append(r.memory, peak)
		r.allocations = append(r.allocations, (after-mallocs)/float64(s.n))
	}
	return nil
}

// steady is the rate between the first tenth and the last: neither starting
// nor running dry.
func steady(at []time.Time) float64 {
	from, to := len(at)/10, len(at)*9/10
	return float64(to-from) / at[to].Sub(at[from]).Seconds()
}
