package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

const (
	shop   = "shop-italia"
	name   = "Black Friday 2026"
	sender = "ShopItalia"
	text   = "Black Friday! Solo per te: -30% su tutto con il codice BF2026. Valido fino al 30/11. Scopri di più: https://shop.example.it/bf"
	apiKey = "bench-key"
)

// gateway is the sandbox as a process, with one small list.
type gateway struct {
	*process
	url  string
	list int64
}

func startGateway(ctx context.Context, dir, binary string, delay time.Duration) (*gateway, error) {
	at, err := port()
	if err != nil {
		return nil, err
	}
	p, err := start(dir, binary, "sandbox", "--listen", fmt.Sprintf("127.0.0.1:%d", at), "--key", apiKey)
	if err != nil {
		return nil, err
	}
	g := &gateway{process: p, url: fmt.Sprintf("http://127.0.0.1:%d", at)}
	if err := listening(ctx, at); err != nil {
		return g, err
	}
	var filled struct{ ListID int64 }
	contacts := []map[string]string{{"phoneNumber": "+393331234567"}, {"phoneNumber": "+393331234568"}}
	if err := g.control(ctx, "contacts", map[string]any{"name": "bench", "contacts": contacts}, &filled); err != nil {
		return g, err
	}
	g.list = filled.ListID
	if err := g.control(ctx, "credit", map[string]any{"credit": 1_000_000_000}, nil); err != nil {
		return g, err
	}
	if delay > 0 {
		err = g.control(ctx, "faults", map[string]any{"operation": "any", "times": -1, "delay": delay.String()}, nil)
	}
	return g, err
}

func (g *gateway) base() string { return g.url + "/api/partner-gateway/v1" }

func (g *gateway) control(ctx context.Context, what string, body, into any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, "POST", g.url+"/sandbox/"+what, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err = io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		return fmt.Errorf("sandbox %s: %s %s %w", what, resp.Status, raw, err)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(raw, into)
}

// startService runs the service with everything on that a user has on, but for
// the limits of rate.
func startService(ctx context.Context, dir, binary, natsURL string, g *gateway, inFlight, replicas int) (*process, string, error) {
	at, err := port()
	if err != nil {
		return nil, "", err
	}
	key := filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte(apiKey), 0o600); err != nil {
		return nil, "", err
	}
	p, err := start(dir, binary, "serve", "--nats-url", natsURL, "--nats-replicas", strconv.Itoa(replicas), "--gateway-url", g.base(), "--gateway-key-file", key,
		"--gateway-rate-per-minute", "-1", "--gateway-rate-per-second", "-1",
		"--workers-requests", strconv.Itoa(inFlight), "--poll-min", "45m", "--poll-max", "45m", "--log-level", "warn",
		"--http-listen", fmt.Sprintf("127.0.0.1:%d", at))
	if err != nil {
		return nil, "", err
	}
	return p, fmt.Sprintf("http://127.0.0.1:%d", at), listening(ctx, at)
}

// allocations is how many objects the service has allocated so far.
func allocations(ctx context.Context, ops string) (float64, error) {
	return metric(ctx, ops, "go_memstats_mallocs_total")
}

// metric is the value of a metric of a service.
func metric(ctx context.Context, ops, name string) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, "GET", ops+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(rest), 64)
		}
	}
	return 0, fmt.Errorf("no %s in %s/metrics", name, ops)
}

// asker publishes requests and sees campaigns confirmed.
type asker struct {
	nc        *nats.Conn
	js        jetstream.JetStream
	confirmed chan confirmation
}

type confirmation struct {
	id string
	at time.Time
}

func connect(ctx context.Context, url string) (*asker, error) {
	nc, err := nats.Connect(url)
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(256))
	if err != nil {
		return nil, err
	}
	if err := elected(ctx, js); err != nil {
		return nil, err
	}
	a := &asker{nc: nc, js: js, confirmed: make(chan confirmation, 1<<16)}
	_, err = nc.Subscribe("campaign.v1.event.*.*.confirmed.>", func(m *nats.Msg) {
		a.confirmed <- confirmation{strings.Split(m.Subject, ".")[4], time.Now()}
	})
	return a, err
}

// elected waits until JetStream answers: a cluster has to elect its leader first, and
// answers nothing before.
func elected(ctx context.Context, js jetstream.JetStream) error {
	for tries := 60; ; tries-- {
		soon, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		_, err := js.AccountInfo(soon)
		if err != nil {
			<-soon.Done() // not at once again
		}
		cancel()
		if err == nil {
			return nil
		}
		if tries == 0 || ctx.Err() != nil {
			return fmt.Errorf("JetStream does not answer: %w", err)
		}
	}
}

func request(source, id string, list int64) ([]byte, error) {
	return proto.Marshal(&campaignv1.CampaignRequested{
		Source: source, RequestId: id, Name: name, Sender: sender, Text: text, ContactListId: list,
		Start: &campaignv1.CampaignRequested_Immediately{Immediately: true},
	})
}

// ask publishes n requests as fast as the stream takes them.
func (a *asker) ask(ctx context.Context, source, prefix string, n int, list int64) error {
	for i := range n {
		id := fmt.Sprintf("%s-%d", prefix, i)
		raw, err := request(source, id, list)
		if err != nil {
			return err
		}
		// A server that syncs each write may keep us waiting.
		if _, err := a.js.PublishAsync("campaign.v1.request."+source+"."+id, raw, jetstream.WithStallWait(time.Minute)); err != nil {
			return err
		}
	}
	select {
	case <-a.js.PublishAsyncComplete():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// await returns when n campaigns were confirmed.
func (a *asker) await(ctx context.Context, n int) ([]time.Time, error) {
	at := make([]time.Time, 0, n)
	quiet := time.NewTimer(time.Minute)
	for len(at) < n {
		select {
		case c := <-a.confirmed:
			at = append(at, c.at)
			quiet.Reset(time.Minute)
		case <-quiet.C:
			return nil, fmt.Errorf("no campaign was confirmed for a minute; %d of %d were before", len(at), n)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return at, nil
}
