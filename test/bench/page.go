package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// page measures the page that people look at: how long its pages take with so many
// campaigns stored, as a ratio to the fewest, how much memory it takes, and how long after
// its save a change is there, beside a bare subscription to the record. What a browser
// takes to draw it is not in it.
type page struct {
	*scale
	url string
}

// shown is what was measured with so many stored.
type shown struct {
	stored                 int
	inbox, campaigns, live float64 // ms
	bare                   float64 // ms, from the save until a subscriber has it
	memory                 float64 // MB
}

// looks is how often each page is asked for, and changes how many changes are followed.
const looks, changes = 21, 21

func (p *page) run(ctx context.Context, w io.Writer, stored []int) error {
	var all []shown
	for _, n := range stored {
		fmt.Fprintf(os.Stderr, "== %d stored, %d open\n", n, p.open)
		z, err := p.measure(ctx, n)
		if err != nil {
			return fmt.Errorf("%d stored: %w", n, err)
		}
		all = append(all, z)
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(out, "stored\tcampaigns\tinbox\tmemory\ta change: bare subscription\ton the page\tratio\n")
	for _, z := range all {
		fmt.Fprintf(out, "%d\t%.2f (%.1f ms)\t%.2f (%.1f ms)\t%.1f MB\t%.1f ms\t%.1f ms\t%.1f\n", z.stored,
			z.campaigns/all[0].campaigns, z.campaigns, z.inbox/all[0].inbox, z.inbox, z.memory, z.bare, z.live, z.live/z.bare)
	}
	return out.Flush()
}

func (p *page) measure(ctx context.Context, stored int) (z shown, err error) {
	z.stored = stored
	dir, err := os.MkdirTemp("", "staffetta-page")
	if err != nil {
		return z, err
	}
	defer os.RemoveAll(dir)
	g, err := startGateway(ctx, dir, p.binary, 0)
	if g != nil {
		defer g.stop()
	}
	if err != nil {
		return z, err
	}
	server, url, err := startNATS(ctx, dir, p.server, false, 1, "")
	defer server.stop()
	if err != nil {
		return z, err
	}
	a, err := connect(ctx, url)
	if err != nil {
		return z, err
	}
	defer a.nc.Close()
	if err := p.fill(ctx, dir, url, g, a, stored); err != nil {
		return z, err
	}
	service, ops, err := startService(ctx, dir, p.binary, url, g, 64, 1)
	defer service.stop()
	if err != nil {
		return z, err
	}
	if err := swept(ctx, ops); err != nil {
		return z, err
	}
	at, err := port()
	if err != nil {
		return z, err
	}
	pages, err := start(dir, p.binary, "web", "--nats-url", url, "--web-listen", fmt.Sprintf("127.0.0.1:%d", at), "--log-level", "warn")
	defer pages.stop()
	if err == nil {
		err = listening(ctx, at)
	}
	if err != nil {
		return z, err
	}
	p.url = fmt.Sprintf("http://127.0.0.1:%d", at)
	if z.campaigns, err = p.look(ctx, "/campaigns"); err != nil {
		return z, err
	}
	if z.inbox, err = p.look(ctx, "/"); err != nil {
		return z, err
	}
	if z.bare, z.live, err = p.follow(ctx, a, g); err != nil {
		return z, err
	}
	z.memory, err = pages.peak()
	return z, err
}

// look is how long a page takes, in ms: the median of several.
func (p *page) look(ctx context.Context, path string) (float64, error) {
	var took []float64
	for range looks {
		began := time.Now()
		if _, err := p.get(ctx, path); err != nil {
			return 0, err
		}
		took = append(took, time.Since(began).Seconds()*1000)
	}
	return median(took), nil
}

func (p *page) get(ctx context.Context, path string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusNotFound {
		err = fmt.Errorf("%s answers %s", path, resp.Status)
	}
	return string(body), err
}

// follow asks for campaigns one after the other, and takes the time from the save of each
// confirmation until a bare subscriber has it, and until the campaign's page shows it.
func (p *page) follow(ctx context.Context, a *asker, g *gateway) (bare, live float64, err error) {
	var bares, lives []float64
	for i := range changes {
		prefix := fmt.Sprintf("live-%d", i)
		b, l, err := p.change(ctx, a, g, prefix)
		if err != nil {
			return 0, 0, err
		}
		bares, lives = append(bares, b), append(lives, l)
	}
	return median(bares), median(lives), nil
}

func (p *page) change(ctx context.Context, a *asker, g *gateway, prefix string) (bare, live float64, err error) {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	key := shop + "." + prefix + "-0"
	records, err := a.js.OrderedConsumer(ctx, "KV_campaigns", jetstream.OrderedConsumerConfig{FilterSubjects: []string{"$KV.campaigns." + key}})
	if err != nil {
		return 0, 0, err
	}
	feed, err := records.Messages()
	if err != nil {
		return 0, 0, err
	}
	defer feed.Stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/live?of="+key, nil)
	if err != nil {
		return 0, 0, err
	}
	changed, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, 0, err
	}
	defer changed.Body.Close()
	seen := make(chan time.Time, 1)
	go func() {
		for lines := bufio.NewScanner(changed.Body); lines.Scan(); {
			if !strings.HasPrefix(lines.Text(), "data:") {
				continue
			}
			if body, err := p.get(ctx, "/campaigns/"+key); err == nil && strings.Contains(body, `">confirmed</span>`) {
				seen <- time.Now()
				return
			}
		}
	}()
	if err := a.ask(ctx, shop, prefix, 1, g.list); err != nil {
		return 0, 0, err
	}
	for {
		m, err := feed.Next(jetstream.NextContext(ctx))
		if err != nil {
			return 0, 0, err
		}
		heard := time.Now()
		if m.Headers().Get("Staffetta-State") != "confirmed" {
			continue
		}
		meta, err := m.Metadata()
		if err != nil {
			return 0, 0, err
		}
		select {
		case at := <-seen:
			return heard.Sub(meta.Timestamp).Seconds() * 1000, at.Sub(meta.Timestamp).Seconds() * 1000, nil
		case <-ctx.Done():
			return 0, 0, fmt.Errorf("%s is never shown as confirmed: %w", key, ctx.Err())
		}
	}
}
