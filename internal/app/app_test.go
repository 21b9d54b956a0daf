package app_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// bundle is a development machine, and one request for it.
type bundle struct {
	*app.Local
	t       *testing.T
	client  *client.Client
	request *campaignv1.CampaignRequested
	key     campaign.Key
}

func setup(t *testing.T) *bundle {
	t.Helper()
	local, err := app.StartLocal(app.LocalOptions{Sandbox: sandbox.Options{Speed: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := local.Stop(); err != nil {
			t.Error(err)
		}
	})
	return around(t, local)
}

// around makes a bundle of a machine that has been started.
func around(t *testing.T, local *app.Local) *bundle {
	t.Helper()
	client, err := app.NATS{URL: local.NATSURL}.Client()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	list, err := local.Sandbox.FillDemo(sandbox.DemoList{Contacts: 20})
	if err != nil {
		t.Fatal(err)
	}
	key := campaign.Key{Source: "shop-italia", RequestID: "bf-2026"}
	return &bundle{local, t, client, &campaignv1.CampaignRequested{
		Source: key.Source, RequestId: key.RequestID, Name: "Black Friday 2026", Sender: "ShopItalia", Text: "Solo per te: -30%",
		ContactListId: int64(list), Start: &campaignv1.CampaignRequested_Immediately{Immediately: true},
	}, key}
}

// options are the service's, with all that takes minutes made short.
func (b *bundle) options() app.Options {
	o := b.Service()
	o.Listen = "127.0.0.1:0"
	o.Gateway.Timeout = 2 * time.Second
	o.Rules = campaign.Rules{PollMin: 50 * time.Millisecond, ConfirmWithin: time.Second, Settle: 4 * time.Second}
	return o
}

// run runs a service until the returned function is called, which gives what
// Run and Stop returned.
func (b *bundle) run(o app.Options) (a *app.App, stop func() error) {
	b.t.Helper()
	a = b.build(o)
	return a, b.start(a)
}

func (b *bundle) build(o app.Options) *app.App {
	b.t.Helper()
	a, err := app.New(b.t.Context(), o)
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

// buildSweeping builds a service that sweeps so often.
func (b *bundle) buildSweeping(o app.Options, every time.Duration) *app.App {
	b.t.Helper()
	a, err := app.NewSweeping(b.t.Context(), o, every)
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

func (b *bundle) start(a *app.App) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	stop = func() error {
		cancel()
		err := <-done
		done <- err
		if err := a.Stop(); err != nil {
			return err
		}
		return err
	}
	b.t.Cleanup(func() { stop() })
	return stop
}

// ask publishes the request.
func (b *bundle) ask() {
	b.t.Helper()
	if _, err := b.client.Request(b.t.Context(), b.request, ""); err != nil {
		b.t.Fatal(err)
	}
}

// until waits for an event of one type.
func (b *bundle) until(eventType string) contract.StoredEvent {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 30*time.Second)
	defer cancel()
	for e, err := range b.client.Watch(ctx, client.WatchOptions{Key: b.key, Follow: true}) {
		if err != nil {
			b.t.Fatal(err)
		}
		if e.Type == eventType {
			return e
		}
	}
	b.t.Fatalf("no %s event", eventType)
	return contract.StoredEvent{}
}

// get asks one of the operator's pages.
func get(t *testing.T, a *app.App, path string) (int, string) {
	t.Helper()
	resp, err := http.Get("http://" + a.Addr() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// eventually asks again and again: for what no signal tells.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	limit := time.After(90 * time.Second)
	for !done() {
		select {
		case <-limit:
			t.Fatalf("never: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestRun(t *testing.T) {
	t.Parallel()

	t.Run("IsNotReadyWhileItDrainsAndFinishesWhatItHasBegun", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		a, stop := b.run(b.options())
		// The confirm takes its time, and the order to stop comes meanwhile.
		if _, err := b.Sandbox.AddFault(sandbox.Fault{Operation: sandbox.Confirm, Delay: 700 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
		b.ask()
		b.until("cost_calculated")
		stopped := make(chan error, 1)
		go func() { stopped <- stop() }()
		eventually(t, "not ready, because it is stopping", func() bool {
			code, body := get(t, a, "/readyz")
			return code == http.StatusServiceUnavailable && strings.Contains(body, "it is stopping")
		})
		if err := <-stopped; err != nil {
			t.Errorf("stop: %v", err)
		}
		rec, _, err := b.client.Get(t.Context(), b.key)
		if err != nil || rec.State != campaign.Confirmed {
			t.Errorf("state %s (%v), want confirmed: the answer was lost", rec.State, err)
		}
	})

	t.Run("CutsWhatIsStillUnderWayAfterTheGraceAndSomebodyElseReadsItBack", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		o := b.options()
		o.Grace = 50 * time.Millisecond
		_, stop := b.run(o)
		// The confirm takes effect, and the answer takes longer than the grace.
		if _, err := b.Sandbox.AddFault(sandbox.Fault{Operation: sandbox.Confirm, When: sandbox.After, Delay: time.Minute}); err != nil {
			t.Fatal(err)
		}
		b.ask()
		b.until("cost_calculated")
		if err := stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		rec, _, err := b.client.Get(t.Context(), b.key)
		if err != nil || rec.State != campaign.Confirming {
			t.Errorf("state %s (%v), want confirming: nobody has heard of the confirm", rec.State, err)
		}

		b.run(b.options())
		confirmed := b.until("confirmed").Message.(*campaignv1.CampaignConfirmed)
		if confirmed.Version != 1 {
			t.Errorf("version %d of confirmed, want 1", confirmed.Version)
		}
		if seen := b.Sandbox.Seen(); seen.Confirms != 1 || len(seen.Campaigns) != 1 {
			t.Errorf("%d confirms of %d drafts, want one of one", seen.Confirms, len(seen.Campaigns))
		}
	})

	t.Run("ShowsWhatItDid", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		a, _ := b.run(b.options())
		b.ask()
		eventually(t, "completed", func() bool {
			rec, _, err := b.client.Get(t.Context(), b.key)
			return err == nil && rec.State == campaign.Completed
		})
		// The record is completed a moment before the worker has let go of it.
		for _, line := range []string{
			`staffetta_transitions_total{from="confirming",to="confirmed"} 1`,
			`staffetta_campaigns_ended_total{state="completed"} 1`,
			`staffetta_events_published_total{type="confirmed"} 1`,
			`staffetta_gateway_call_duration_seconds_count{kind="ok",op="confirm"} 1`,
			`staffetta_gateway_admission_wait_seconds_count{op="create"} 1`,
			`staffetta_nats_connected 1`,
			`staffetta_in_flight 0`,
			`staffetta_oldest_in_flight_seconds 0`,
		} {
			eventually(t, "metrics have the line "+line, func() bool {
				_, metrics := get(t, a, "/metrics")
				return strings.Contains(metrics, "\n"+line+"\n")
			})
		}
	})

	// Also one that a later version adds.
	t.Run("ShowsEveryConsumerThatItHasAtNATS", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		a, _ := b.run(b.options())
		js, err := jetstream.New(b.connect())
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the service is ready", func() bool { status, _ := get(t, a, "/readyz"); return status == http.StatusOK })
		var names []string
		for stream := range js.ListStreams(t.Context()).Info() {
			s, err := js.Stream(t.Context(), stream.Config.Name)
			if err != nil {
				t.Fatal(err)
			}
			for c := range s.ListConsumers(t.Context()).Info() {
				if c.Config.Durable != "" { // else it is a look of the sweep's
					names = append(names, c.Name)
				}
			}
		}
		if !slices.Contains(names, "requests") || !slices.Contains(names, "schedules") {
			t.Fatalf("at NATS it has the consumers %q", names)
		}
		for _, name := range names {
			line := fmt.Sprintf("staffetta_consumer_pulling{consumer=%q} 1", name)
			eventually(t, "metrics have the line "+line, func() bool {
				_, metrics := get(t, a, "/metrics")
				return strings.Contains(metrics, "\n"+line+"\n")
			})
		}
	})

	t.Run("CountsDeadLettersNobodyCouldRead", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		a, _ := b.run(b.options())
		js, err := jetstream.New(b.connect())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := js.Publish(t.Context(), "campaign.v1.request.shop-italia.garbage", []byte("\xff")); err != nil {
			t.Fatal(err)
		}
		const line = "\nstaffetta_dead_letters_total{reason=\"not_protobuf\"} 1\n"
		eventually(t, "the dead letter is counted", func() bool {
			_, metrics := get(t, a, "/metrics")
			return strings.Contains(metrics, line)
		})
	})
}

func TestReadyNamesTheKeyThatIsNotAccepted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Sandbox.SetKeys("another")
	a, _ := b.run(b.options())
	b.ask()
	eventually(t, "not ready, because of the key", func() bool {
		code, body := get(t, a, "/readyz")
		return code == http.StatusServiceUnavailable && strings.Contains(body, "does not accept the key in "+b.KeyFile)
	})
	// The campaign is not failed for it: it goes on with a good key.
	if err := os.WriteFile(b.KeyFile, []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.until("confirmed")
}

// A wrong base path burns no request: what was asked meanwhile goes on with
// the right one, and so does what was being sent.
func TestReadyNamesTheURLThatLeadsElsewhere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if err := b.Sandbox.SetSpeed(0.001); err != nil {
		t.Fatal(err)
	}
	_, stop := b.run(b.options())
	b.ask()
	b.until("confirmed")
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	sending := b.key
	b.key.RequestID = "another"
	b.request.RequestId = b.key.RequestID

	o := b.options()
	o.Gateway.URL = strings.TrimSuffix(o.Gateway.URL, "/v1")
	a, stop := b.run(o)
	eventually(t, "the one that is being sent waits for a gateway", func() bool {
		rec, _, err := b.client.Get(t.Context(), sending)
		if err != nil || rec.State.Final() {
			t.Fatalf("%s, %v", rec.State, err)
		}
		return strings.Contains(rec.Waiting, "gateway.url")
	})
	eventually(t, "the key is not called accepted", func() bool {
		_, body := get(t, a, "/readyz")
		return strings.Contains(body, "not known: nothing has answered at gateway.url") && !strings.Contains(body, "accepted")
	})
	b.ask()
	eventually(t, "not ready, because of the URL", func() bool {
		code, body := get(t, a, "/readyz")
		return code == http.StatusServiceUnavailable && strings.Contains(body, "correct gateway.url") && strings.Contains(body, o.Gateway.URL)
	})
	if err := stop(); err != nil {
		t.Error(err)
	}
	b.run(b.options())
	b.until("confirmed")
}

func TestNew(t *testing.T) {
	t.Parallel()
	t.Run("SaysThatItsAddressIsTakenAndLetsGo", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		taken, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		o := b.options()
		o.Listen = taken.Addr().String()
		_, err = app.New(t.Context(), o)
		if !errors.Is(err, syscall.EADDRINUSE) || !strings.HasPrefix(err.Error(), "the operator's pages cannot listen on "+o.Listen) {
			t.Errorf("got %v", err)
		}
		eventually(t, "only the client is connected to NATS", func() bool { return b.Connections() == 1 })
	})
	t.Run("SaysThatNATSIsNotThere", func(t *testing.T) {
		t.Parallel()
		o := good(t)
		o.NATS.URL = "nats://someone:secret@127.0.0.1:1"
		_, err := app.New(t.Context(), o)
		if err == nil || !strings.HasSuffix(err.Error(), "is it running?") || strings.Contains(err.Error(), "secret") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("IsTornDownTwiceWithoutHarm", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		a, err := app.New(t.Context(), b.options())
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := a.Stop(); err != nil {
				t.Error(err)
			}
		}
	})
}
