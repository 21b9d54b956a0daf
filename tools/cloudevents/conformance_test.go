package cloudevents

import (
	"bufio"
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	natsce "github.com/cloudevents/sdk-go/protocol/nats_jetstream/v2"
	ce "github.com/cloudevents/sdk-go/v2"
	ceclient "github.com/cloudevents/sdk-go/v2/client"
	"github.com/nats-io/nats.go"
)

const (
	key    = "shop-italia.black-friday-2026"
	trace  = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	state  = "congo=t61rcWkgMzE"
	label  = `Più "scarpe" 5 %`
	schema = "https://github.com/staffetta-io/staffetta/blob/main/proto/staffetta/campaign/v1/"
)

// A backend that has nothing but the SDK asks for a campaign, and reads what becomes of it.
func TestTheSDKAsksAndReads(t *testing.T) {
	nc := dev(t)
	events := listen(t, nc)
	ask(t, nc)

	last, types := "", map[string]bool{}
	for e := range events {
		if err := e.Validate(); err != nil {
			t.Fatalf("%s: %v", e.ID(), err)
		}
		name := strings.TrimPrefix(e.Type(), "staffetta.campaign.v1.")
		types[name] = true
		for what, values := range map[string][2]string{
			"subject":      {e.Subject(), key},
			"source":       {e.Source(), "staffetta"},
			"content type": {e.DataContentType(), "application/protobuf"},
			"dataschema":   {e.DataSchema(), schema + snake(name) + ".proto"},
			"partitionkey": {extension(t, e, "partitionkey"), key},
			"traceparent":  {extension(t, e, "traceparent"), trace},
			"tracestate":   {extension(t, e, "tracestate"), state},
			"labelteam":    {extension(t, e, "labelteam"), "crm"},
			"labelproduct": {extension(t, e, "labelproduct"), label},
		} {
			if values[0] != values[1] {
				t.Errorf("%s: its %s is %q, want %q", e.ID(), what, values[0], values[1])
			}
		}
		if sequence := extension(t, e, "sequence"); sequence <= last {
			t.Errorf("%s: its sequence %q follows %q", e.ID(), sequence, last)
		} else {
			last = sequence
		}
		if e.Time().IsZero() || len(e.Data()) == 0 {
			t.Errorf("%s: time %v, %d bytes", e.ID(), e.Time(), len(e.Data()))
		}
		if name == "CampaignStats" {
			break
		}
	}
	for _, name := range []string{"CampaignCostCalculated", "CampaignConfirmed", "CampaignStats"} {
		if !types[name] {
			t.Errorf("no %s was read", name)
		}
	}
}

// extension is an extension attribute. The SDK hands out what the header says; the binding
// of CloudEvents to NATS wants it decoded.
func extension(t *testing.T, e ce.Event, name string) string {
	t.Helper()
	said, _ := e.Extensions()[name].(string)
	text, err := url.PathUnescape(said)
	if err != nil {
		t.Errorf("%s: its %s is %q: %v", e.ID(), name, said, err)
	}
	return text
}

// snake is the name of the file that has a message: campaign_confirmed.
func snake(name string) string {
	return strings.ToLower(regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(name, "${1}_${2}"))
}

// ask asks for a campaign, as the SDK publishes an event to a stream.
func ask(t *testing.T, nc *nats.Conn) {
	t.Helper()
	sender, err := natsce.NewSenderFromConn(nc, "CAMPAIGN_REQUESTS", "campaign.v1.request."+key, nil)
	if err != nil {
		t.Fatal(err)
	}
	client, err := ce.NewClient(sender)
	if err != nil {
		t.Fatal(err)
	}
	e := ce.NewEvent()
	e.SetID("1")
	e.SetSource("shop-italia")
	e.SetType("staffetta.campaign.v1.CampaignRequested")
	e.SetExtension("traceparent", trace)
	e.SetExtension("tracestate", state)
	if err := e.SetData(ce.ApplicationJSON, map[string]any{
		"source": "shop-italia", "requestId": "black-friday-2026", "name": "Black Friday 2026", "sender": "ShopItalia",
		"text": "Black Friday! -30%", "contactListId": 87, "immediately": true, "labels": map[string]string{"team": "crm", "product": label},
	}); err != nil {
		t.Fatal(err)
	}
	if err := client.Send(t.Context(), e); ce.IsUndelivered(err) {
		t.Fatal(err)
	}
}

// listen reads the events of the campaign as the SDK reads a stream.
func listen(t *testing.T, nc *nats.Conn) <-chan ce.Event {
	t.Helper()
	consumer, err := natsce.NewConsumerFromConn(nc, "CAMPAIGN_EVENTS", "campaign.v1.event."+key+".>", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	client, err := ce.NewClient(consumer, ceclient.WithPollGoroutines(1), ceclient.WithBlockingCallback()) // in their order
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	events, ended := make(chan ce.Event), make(chan error, 1)
	go func() {
		ended <- client.StartReceiver(ctx, func(ctx context.Context, e ce.Event) {
			select {
			case events <- e:
			case <-ctx.Done():
			}
		})
		close(events)
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return events
}

// dev runs everything in a process of its own: NATS, the sandbox, the service.
func dev(t *testing.T) *nats.Conn {
	t.Helper()
	program := filepath.Join(t.TempDir(), "staffetta")
	build := exec.Command("go", "build", "-o", program, "./cmd/staffetta")
	build.Dir = filepath.Join("..", "..")
	build.Env = without(os.Environ(), "GOWORK=")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	run := exec.CommandContext(t.Context(), program, "dev", "--web", "off", "--nats-listen", "127.0.0.1:0", "--sandbox-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0")
	run.Cancel = func() error { return run.Process.Signal(os.Interrupt) }
	out, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Wait() }) // it was interrupted, as the test's context has ended
	url := regexp.MustCompile(`nats://\S+`)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if server := url.FindString(lines.Text()); server != "" {
			nc, err := nats.Connect(server)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(nc.Close)
			return nc
		}
	}
	t.Fatal("it did not say where NATS is")
	return nil
}

// without leaves out what begins so.
func without(all []string, prefix string) (rest []string) {
	for _, one := range all {
		if !strings.HasPrefix(one, prefix) {
			rest = append(rest, one)
		}
	}
	return rest
}
