package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
)

// taken is what one run of the service took for a campaign.
type taken struct {
	service, nats, sandbox float64 // processor time, in milliseconds
	memory, allocations    float64
}

func (t taken) all() float64       { return t.service + t.nats + t.sandbox }
func (t taken) ofService() float64 { return t.service }

// against runs this binary of the service and others in turn, and prints what each takes
// for a campaign, the first of them as the measure. The sandbox does the same for all, so
// it shows how much the machine itself moved.
func (b *bench) against(ctx context.Context, out io.Writer, others []string, s scenario, always bool) error {
	binaries := append(slices.Clip(others), b.binary)
	took := make([][]taken, len(binaries))
	for round := range b.rounds {
		for turn := range binaries {
			which := (round + turn) % len(binaries) // none is always the first
			t, err := b.take(ctx, binaries[which], s, always)
			if err != nil {
				return fmt.Errorf("%s: %w", binaries[which], err)
			}
			took[which] = append(took[which], t)
		}
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "scenario\tbinary\tservice ms\tNATS ms\tsandbox ms\tall, to the first\tservice, to the first\tmemory MB\tallocations a campaign")
	for i, binary := range binaries {
		of := func(f func(taken) float64) float64 { return median(each(took[i], f)) }
		toFirst := func(f func(taken) float64) float64 {
			ratios := each(took[i], f)
			for n, first := range each(took[0], f) {
				ratios[n] /= first
			}
			return median(ratios)
		}
		fmt.Fprintf(w, "%s\t%s\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.0f\t%.0f\n", s.name, binary,
			of(taken.ofService), of(func(t taken) float64 { return t.nats }), of(func(t taken) float64 { return t.sandbox }),
			toFirst(taken.all), toFirst(taken.ofService),
			of(func(t taken) float64 { return t.memory }), of(func(t taken) float64 { return t.allocations }))
	}
	return w.Flush()
}

func each(all []taken, f func(taken) float64) (v []float64) {
	for _, t := range all {
		v = append(v, f(t))
	}
	return v
}

// take measures one binary, with a server and a sandbox of its own, over requests that
// are there when it starts.
func (b *bench) take(ctx context.Context, binary string, s scenario, always bool) (t taken, err error) {
	dir, err := os.MkdirTemp("", "staffetta-bench")
	if err != nil {
		return t, err
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
		return t, err
	}
	server, url, err := startNATS(ctx, dir, b.server, always, b.replicas)
	defer server.stop()
	if err != nil {
		return t, err
	}
	a, err := connect(ctx, url)
	if err != nil {
		return t, err
	}
	defer a.nc.Close()
	// The streams are made by the service, so it runs once before.
	first, _, err := startService(ctx, dir, binary, url, g, s.inFlight, b.replicas)
	first.stop()
	if err != nil {
		return t, err
	}
	if err := a.ask(ctx, shop, "backlog", s.n, g.list); err != nil {
		return t, err
	}
	service, ops, err := startService(ctx, dir, binary, url, g, s.inFlight, b.replicas)
	defer service.stop()
	if err != nil {
		return t, err
	}
	// A tenth warms it, and is counted for none of them.
	if _, err := a.await(ctx, s.n/10); err != nil {
		return t, err
	}
	mallocs, err := allocations(ctx, ops)
	if err != nil {
		return t, err
	}
	n := s.n - s.n/10
	cpu, err := used(func() error { _, err := a.await(ctx, n); return err }, service.cpu, server.cpu, g.cpu)
	if err != nil {
		return t, err
	}
	after, err := allocations(ctx, ops)
	if err != nil {
		return t, err
	}
	t.memory, err = service.peak()
	t.allocations = (after - mallocs) / float64(n)
	ms := 1000 / float64(n)
	t.service, t.nats, t.sandbox = cpu[0]*ms, cpu[1]*ms, cpu[2]*ms
	return t, err
}
