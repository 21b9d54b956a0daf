package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// How many writes to NATS lie one after the other between a request and its
// CampaignConfirmed: the request itself, the look for a record, the three
// saves, the two events.
const writes = 7

// latency measures the way of one campaign, from the publishing of the request
// to the arrival of CampaignConfirmed, at a fifth of the capacity, next to the
// sum of its parts: the five calls at the same pace, and the writes alone.
func (b *bench) latency(ctx context.Context, w io.Writer, capacity float64) (err error) {
	const delay = 20 * time.Millisecond
	const n = 1000
	pace := time.Duration(float64(time.Second) / (capacity / 5))
	dir, err := os.MkdirTemp("", "staffetta-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	g, err := startGateway(ctx, dir, b.binary, delay)
	if g != nil {
		defer g.stop()
	}
	if err != nil {
		return err
	}
	server, url, err := startNATS(ctx, dir, b.server, false, b.replicas)
	defer server.stop()
	if err != nil {
		return err
	}
	a, err := connect(ctx, url)
	if err != nil {
		return err
	}
	defer a.nc.Close()
	service, _, err := startService(ctx, dir, b.binary, url, g, 64, b.replicas)
	defer service.stop()
	if err != nil {
		return err
	}

	calls, err := paced(ctx, n, pace, func(ctx context.Context, _ int, bare *bare) (time.Duration, error) { return bare.campaign(ctx) },
		newBare(g.base(), apiKey, g.list, 64))
	if err != nil {
		return err
	}
	if _, err := a.js.CreateStream(ctx, jetstream.StreamConfig{Name: "BENCH", Subjects: []string{"bench.>"}}); err != nil {
		return err
	}
	write, err := paced(ctx, n, pace, func(ctx context.Context, i int, _ *bare) (time.Duration, error) {
		began := time.Now()
		_, err := a.js.Publish(ctx, fmt.Sprintf("bench.%d", i), make([]byte, 800))
		return time.Since(began), err
	}, nil)
	if err != nil {
		return err
	}

	asked := make([]time.Time, n)
	failed := make(chan error, 1)
	go func() {
		_, err := paced(ctx, n, pace, func(ctx context.Context, i int, _ *bare) (time.Duration, error) {
			raw, err := request(shop, fmt.Sprintf("latency-%d", i), g.list)
			if err != nil {
				return 0, err
			}
			asked[i] = time.Now()
			_, err = a.js.Publish(ctx, fmt.Sprintf("campaign.v1.request.shop-italia.latency-%d", i), raw)
			return time.Since(asked[i]), err
		}, nil)
		if err != nil {
			failed <- err
		}
	}()
	var took []time.Duration
	for len(took) < n {
		select {
		case c := <-a.confirmed:
			var i int
			if _, err := fmt.Sscanf(c.id, "latency-%d", &i); err == nil {
				took = append(took, c.at.Sub(asked[i]))
			}
		case err := <-failed:
			return fmt.Errorf("latency: %w", err)
		case <-time.After(time.Minute):
			return fmt.Errorf("latency: %d of %d confirmed", len(took), n)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	parts := quantile(calls, 0.5) + writes*quantile(write, 0.5)
	fmt.Fprintf(w, "\nlatency at %.0f campaigns/s, %s a call: ratio to the sum of its parts %.2f (median), %.2f (99th to 99th)\n",
		1/pace.Seconds(), delay, quantile(took, 0.5).Seconds()/parts.Seconds(),
		quantile(took, 0.99).Seconds()/(quantile(calls, 0.99)+writes*quantile(write, 0.99)).Seconds())
	return nil
}

// paced does something n times, one start every pace, and says how long each
// took.
func paced(ctx context.Context, n int, pace time.Duration, do func(context.Context, int, *bare) (time.Duration, error), with *bare) ([]time.Duration, error) {
	took := make([]time.Duration, n)
	errs := make([]error, n)
	var wg sync.WaitGroup
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for i := range n {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		wg.Go(func() { took[i], errs[i] = do(ctx, i, with) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return took, nil
}

func quantile(d []time.Duration, q float64) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[min(int(q*float64(len(d))), len(d)-1)]
}
