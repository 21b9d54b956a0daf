package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// scale measures what the campaigns cost that are over: each figure with so many of them
// stored, as a ratio to the same with the fewest, in one run. As many are open each time,
// and they rest. Two services share the work.
type scale struct {
	*bench
	open   int
	window time.Duration // what goes on in the background is measured for so long, twice
	n      int           // campaigns, for the cost of one
	keep   string        // a folder for profiles of the server's memory; empty: none
}

// sized is what was measured with so many stored.
type sized struct {
	stored           int
	ready            float64 // s, from the start to readiness
	firstEver        float64 // s of processor, for the first look at all records
	first, later     float64 // s of processor, in the first window and in the one behind it
	lsOpen, lsSource float64 // s
	campaign         float64 // ms of processor
	memory, server   float64 // MB
}

// oneSource is the source whose campaigns are listed: as many each time, over and open,
// and spread over all the others.
const oneSource, ofOneSource = "one-shop", 1000

func (s *scale) run(ctx context.Context, w io.Writer, stored []int) error {
	var all []sized
	for _, n := range stored {
		fmt.Fprintf(os.Stderr, "== %d stored, %d open\n", n, s.open)
		z, err := s.measure(ctx, n)
		if err != nil {
			return fmt.Errorf("%d stored: %w", n, err)
		}
		fmt.Fprintf(os.Stderr, "%+v\n", z)
		all = append(all, z)
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(out, "stored\tready after a start\tbackground, first window\tnext window\tls --state open\tls --source\tprocessor of a campaign\tmemory of a service\tmemory of the server\n")
	ratio := func(of func(sized) float64, z sized, unit string) string {
		return fmt.Sprintf("%.2f (%.3g %s)", of(z)/of(all[0]), of(z), unit)
	}
	for _, z := range all {
		fmt.Fprintln(out, strings.Join([]string{strconv.Itoa(z.stored),
			ratio(func(z sized) float64 { return z.ready }, z, "s"),
			ratio(func(z sized) float64 { return z.first }, z, "s"),
			ratio(func(z sized) float64 { return z.later }, z, "s"),
			ratio(func(z sized) float64 { return z.lsOpen }, z, "s"),
			ratio(func(z sized) float64 { return z.lsSource }, z, "s"),
			ratio(func(z sized) float64 { return z.campaign }, z, "ms"),
			ratio(func(z sized) float64 { return z.memory }, z, "MB"),
			ratio(func(z sized) float64 { return z.server }, z, "MB"),
		}, "\t"))
	}
	if err := out.Flush(); err != nil {
		return err
	}
	for _, z := range all {
		fmt.Fprintf(w, "%d stored: the first look at all records took %.1f s of processor\n", z.stored, z.firstEver)
	}
	if last := len(all) - 1; last > 0 {
		more := float64(all[last].stored - all[0].stored)
		fmt.Fprintf(w, "the server holds %.0f bytes in memory for each stored campaign, its record and its request\n", (all[last].server-all[0].server)*(1<<20)/more)
	}
	return nil
}

func (s *scale) measure(ctx context.Context, stored int) (z sized, err error) {
	z.stored = stored
	dir, err := os.MkdirTemp("", "staffetta-scale")
	if err != nil {
		return z, err
	}
	defer func() {
		if err == nil {
			os.RemoveAll(dir)
			return
		}
		err = fmt.Errorf("%w (logs are in %s)", err, dir)
	}()
	g, err := startGateway(ctx, dir, s.binary, 0)
	if g != nil {
		defer g.stop()
	}
	if err != nil {
		return z, err
	}
	at, err := port()
	if err != nil {
		return z, err
	}
	server, url, err := startNATS(ctx, dir, s.server, false, 1, fmt.Sprintf("prof_port: %d", at))
	defer server.stop()
	if err != nil {
		return z, err
	}
	a, err := connect(ctx, url)
	if err != nil {
		return z, err
	}
	defer a.nc.Close()
	if err := s.fill(ctx, dir, url, g, a, stored); err != nil {
		return z, err
	}

	// The first sweep looks at all records, for all of them are new to it.
	service, ops, err := startService(ctx, dir, s.binary, url, g, 64, 1)
	defer service.stop()
	if err != nil {
		return z, err
	}
	used1, err := used(func() error { return swept(ctx, ops) }, service.cpu, server.cpu)
	if err != nil {
		return z, err
	}
	z.firstEver = sum(used1)
	service.stop()
	if err := overdue(ctx, a.js, false); err != nil {
		return z, err
	}

	if z.ready, err = s.ready(ctx, dir, url, g); err != nil {
		return z, err
	}
	one, ops, err := startService(ctx, dir, s.binary, url, g, 64, 1)
	defer one.stop()
	if err != nil {
		return z, err
	}
	two, _, err := startService(ctx, dir, s.binary, url, g, 64, 1)
	defer two.stop()
	if err != nil {
		return z, err
	}
	ours := []func() (float64, error){one.cpu, two.cpu, server.cpu}
	wait := func() error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(s.window):
			return nil
		}
	}
	for _, to := range []*float64{&z.first, &z.later} {
		took, err := used(wait, ours...)
		if err != nil {
			return z, err
		}
		*to = sum(took)
	}
	if at, err := metric(ctx, ops, "staffetta_last_sweep_timestamp_seconds"); err != nil || time.Since(time.Unix(int64(at), 0)) > 2*s.window {
		return z, fmt.Errorf("no sweep ended while it was measured (%w)", err)
	}
	if z.lsOpen, err = s.list(ctx, url, s.open, "--state", "open"); err != nil {
		return z, err
	}
	if z.lsSource, err = s.list(ctx, url, ofOneSource, "--source", oneSource); err != nil {
		return z, err
	}
	took, err := used(func() error {
		if err := a.ask(ctx, shop, "cost", s.n, g.list); err != nil {
			return err
		}
		_, err := a.await(ctx, s.n)
		return err
	}, ours...)
	if err != nil {
		return z, err
	}
	z.campaign = sum(took) * 1000 / float64(s.n)
	if z.memory, err = one.peak(); err != nil {
		return z, err
	}
	if z.server, err = server[0].resident(); err != nil {
		return z, err
	}
	if s.keep != "" {
		err = fetchTo(ctx, fmt.Sprintf("http://127.0.0.1:%d/debug/pprof/heap", at), filepath.Join(s.keep, fmt.Sprintf("nats-%d.heap", stored)))
	}
	return z, err
}

// fill stores so many campaigns that are over, and the open ones evenly between them: a
// record each, and a request that the service is done with. Their bytes are those of a
// campaign that the service has served.
func (s *scale) fill(ctx context.Context, dir, url string, g *gateway, a *asker, stored int) error {
	service, ops, err := startService(ctx, dir, s.binary, url, g, 64, 1)
	defer service.stop()
	if err != nil {
		return err
	}
	if err := a.ask(ctx, shop, "first", 1, g.list); err != nil {
		return err
	}
	if _, err := a.await(ctx, 1); err != nil {
		return err
	}
	if err := swept(ctx, ops); err != nil {
		return err
	}
	service.stop()
	records, err := a.js.Stream(ctx, "KV_campaigns")
	if err != nil {
		return err
	}
	like, err := records.GetLastMsgForSubject(ctx, "$KV.campaigns."+shop+".first-0")
	if err != nil {
		return err
	}
	var record map[string]any
	if err := json.Unmarshal(like.Data, &record); err != nil {
		return err
	}
	delete(record, "outbox")
	later := time.Now().Add(30 * 24 * time.Hour).UTC().Format(time.RFC3339Nano)
	put := func(source, id string, open bool) error {
		raw, err := request(source, id, g.list)
		if err != nil {
			return err
		}
		record["key"] = map[string]string{"source": source, "request_id": id}
		header := nats.Header{"Staffetta-State": {"completed"}, "Staffetta-Since": like.Header["Staffetta-Since"]}
		record["state"] = "completed"
		delete(record, "wake")
		if open {
			record["state"], record["wake"] = "confirmed", later
			header["Staffetta-State"], header["Staffetta-Wake"] = []string{"confirmed"}, []string{later}
		}
		data, err := json.Marshal(record)
		if err != nil {
			return err
		}
		if _, err := a.js.PublishAsync("campaign.v1.request."+source+"."+id, raw, jetstream.WithStallWait(time.Minute)); err != nil {
			return err
		}
		_, err = a.js.PublishMsgAsync(&nats.Msg{Subject: "$KV.campaigns." + source + "." + id, Header: header, Data: data}, jetstream.WithStallWait(time.Minute))
		return err
	}
	all := stored + s.open
	for i, opened, ones := 0, 0, 0; i < all; i++ {
		source, id, open := fmt.Sprintf("shop-%02d", i%100), fmt.Sprintf("campaign-%08d", i), opened*all < i*s.open
		if open {
			opened++
		}
		if ones*all < i*ofOneSource {
			source, ones = oneSource, ones+1
		}
		if err := put(source, id, open); err != nil {
			return err
		}
	}
	select {
	case <-a.js.PublishAsyncComplete():
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := drain(ctx, a.js); err != nil {
		return err
	}
	return overdue(ctx, a.js, true)
}

// swept waits for the first sweep of a service.
func swept(ctx context.Context, ops string) error {
	return until(ctx, 20*time.Minute, "the first sweep ends", func() bool {
		at, err := metric(ctx, ops, "staffetta_last_sweep_timestamp_seconds")
		return err == nil && time.Since(time.Unix(int64(at), 0)) < 10*time.Minute
	})
}

// drain is done with all requests, as the service was in its time.
func drain(ctx context.Context, js jetstream.JetStream) error {
	c, err := js.Consumer(ctx, "CAMPAIGN_REQUESTS", "requests")
	if err != nil {
		return err
	}
	for {
		batch, err := c.Fetch(1000, jetstream.FetchMaxWait(2*time.Second))
		if err != nil {
			return err
		}
		n := 0
		for m := range batch.Messages() {
			n++
			if err := m.Ack(); err != nil {
				return err
			}
		}
		if n == 0 {
			return batch.Error()
		}
	}
}

// overdue lets the next service find that the last sweep was long ago, as it is after
// ten minutes. So the first window has a sweep however short it is. The requests were
// found in order in their time, if it says so.
func overdue(ctx context.Context, js jetstream.JetStream, inOrder bool) error {
	const mark = "$KV.campaigns.sweep"
	records, err := js.Stream(ctx, "KV_campaigns")
	if err != nil {
		return err
	}
	m, err := records.GetLastMsgForSubject(ctx, mark)
	if err != nil {
		return err
	}
	var c, found map[string]json.RawMessage
	err = json.Unmarshal(m.Data, &c)
	if err == nil {
		err = json.Unmarshal(c["found"], &found)
	}
	if err != nil {
		return err
	}
	at, err1 := json.Marshal(time.Now().Add(-time.Hour))
	found["at"] = at
	if inOrder {
		if c["requests"], err = json.Marshal(time.Now()); err != nil {
			return err
		}
	}
	text, err2 := json.Marshal(found)
	c["found"] = text
	data, err3 := json.Marshal(c)
	_, err4 := js.Publish(ctx, mark, data)
	return errors.Join(err1, err2, err3, err4)
}

// ready is how long a service takes from its start until it is ready: the median of five.
func (s *scale) ready(ctx context.Context, dir, url string, g *gateway) (float64, error) {
	var took []float64
	for range 5 {
		began := time.Now()
		p, ops, err := startService(ctx, dir, s.binary, url, g, 64, 1)
		if err == nil {
			err = until(ctx, time.Minute, "it is ready", func() bool {
				resp, err := http.Get(ops + "/readyz")
				if err != nil {
					return false
				}
				resp.Body.Close()
				return resp.StatusCode == http.StatusOK
			})
		}
		took = append(took, time.Since(began).Seconds())
		p.stop()
		if err != nil {
			return 0, err
		}
	}
	return median(took), nil
}

// list is how long ls takes: the median of five.
func (s *scale) list(ctx context.Context, url string, want int, args ...string) (float64, error) {
	var took []float64
	for range 5 {
		began := time.Now()
		out, err := exec.CommandContext(ctx, s.binary, append([]string{"ls", "--json", "--nats-url", url}, args...)...).Output()
		took = append(took, time.Since(began).Seconds())
		if err != nil {
			return 0, fmt.Errorf("ls %q: %w", args, err)
		}
		if n := strings.Count(string(out), "\n"); n < want {
			return 0, fmt.Errorf("ls %q lists %d campaigns, want %d", args, n, want)
		}
	}
	return median(took), nil
}

// until waits until something is so.
func until(ctx context.Context, most time.Duration, what string, is func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, ctx.Err())
		}
	}
	return nil
}

func fetchTo(ctx context.Context, url, file string) error {
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	return os.WriteFile(file, raw, 0o600)
}
