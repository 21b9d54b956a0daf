// Command bench measures what durability costs: how many campaigns a second
// the real service confirms, as a ratio to BARE, the five gateway calls of one
// campaign and nothing else, on the same machine in the same run.
//
// It knows the service from outside only: the binary, NATS, the sandbox, each a
// process of its own. It refuses to know anything of its inside, and to quote
// absolute figures as if they meant something.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// scenario is one row of the table.
type scenario struct {
	name     string
	delay    time.Duration // of each gateway call
	inFlight int
	n        int     // campaigns
	goal     float64 // ratio to reach with default sync
	goalSync float64 // … and with sync_interval: always
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	var (
		binary   = flag.String("staffetta", "bin/staffetta", "the service's binary")
		server   = flag.String("nats-server", ".tmp/bin/nats-server", "the NATS server's binary")
		na       = flag.Int("a", 6000, "campaigns in scenario A")
		nb       = flag.Int("b", 12000, "campaigns in scenario B")
		replicas = flag.Int("replicas", 1, "servers, with as many replicas of each stream: 3 measures a cluster")
		rounds   = flag.Int("rounds", 3, "how often each figure is measured; the median counts")
		only     = flag.String("only", "", "run only scenario A or B")
		capacity = flag.Float64("capacity", 500, "campaigns a second of which the latency is measured at a fifth; 0: it is not measured")
		sync     = flag.String("sync", "both", "default, always or both")
		stored   = flag.String("stored", "", "measure what that costs which is over, instead: so many campaigns, the fewest first, as 10000,1000000")
		open     = flag.Int("open", 10000, "with -stored: how many campaigns are open beside them")
		window   = flag.Duration("window", 10*time.Minute, "with -stored: for how long what goes on in the background is measured, twice")
		people   = flag.Bool("page", false, "with -stored: measure the page that people look at, and nothing else")
		profiles = flag.String("profiles", "", "with -stored: folder for profiles of the server's memory")
		against  = flag.String("against", "", "other binaries of the service, separated by commas, to be compared with in turn; nothing else is measured")
	)
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	b := &bench{binary: *binary, server: *server, rounds: *rounds, replicas: *replicas}
	if *stored != "" {
		var sizes []int
		for text := range strings.SplitSeq(*stored, ",") {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 {
				return fmt.Errorf("stored %q: want numbers of campaigns, as 10000,1000000", *stored)
			}
			sizes = append(sizes, n)
		}
		s := &scale{bench: b, open: *open, window: *window, n: 500, keep: *profiles}
		if *people {
			return (&page{scale: s}).run(ctx, os.Stdout, sizes)
		}
		return s.run(ctx, os.Stdout, sizes)
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "scenario\tsync\tfeed\tratio to BARE\tgoal\tratio of processor time\tservice + NATS + sandbox, in BAREs\tmemory MB\tallocations a campaign\tcampaigns/s\tBARE/s")
	for _, s := range []scenario{
		{name: "A", inFlight: 64, n: *na, goal: 0.45, goalSync: 0.14},
		{name: "B", inFlight: 512, delay: 20 * time.Millisecond, n: *nb, goal: 0.75, goalSync: 0.22},
	} {
		if *only != "" && *only != s.name {
			continue
		}
		for _, always := range []bool{false, true} {
			if always && *sync == "default" || !always && *sync == "always" {
				continue
			}
			if *against != "" {
				if err := b.against(ctx, os.Stdout, strings.Split(*against, ","), s, always); err != nil {
					return fmt.Errorf("scenario %s: %w", s.name, err)
				}
				continue
			}
			rows, err := b.measure(ctx, s, always)
			if err != nil {
				return fmt.Errorf("scenario %s: %w", s.name, err)
			}
			for _, r := range rows {
				fmt.Fprintln(out, r)
			}
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
	if *capacity == 0 || *against != "" {
		return nil
	}
	return b.latency(ctx, os.Stdout, *capacity)
}
