// Package torture breaks what a campaign depends on, one thing at a time and
// many at once: the gateway's every call, the bytes that a sender publishes, the
// processes themselves. It holds no code but tests.
//
// It knows how to do damage, and one way to judge: what the sandbox gateway has
// seen, and what stands in the streams. It refuses to take the service's word for
// anything.
package torture

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// TestMain lets more tests run at once than there are processors: they wait far
// more than they work.
func TestMain(m *testing.M) {
	flag.Parse()
	told := false
	flag.Visit(func(f *flag.Flag) { told = told || f.Name == "test.parallel" })
	if !told {
		if err := flag.Set("test.parallel", "5"); err != nil {
			panic(err)
		}
	}
	m.Run()
}

// A world is NATS and the sandbox gateway, and what was asked for in it.
type testbed struct {
	*testing.T
	source  string
	nc      *nats.Conn
	js      jetstream.JetStream
	client  *client.Client
	gateway string // base URL of the sandbox's control API
	people  atomic.Int64
	// lostTail: the events stream has lost what it was told last, which nobody
	// promises to survive.
	lostTail bool
}

// peopleOfOne is how many people each campaign has. No person is in two of them,
// so no person may get two messages.
const peopleOfOne = 2

// patience is how long anything may take before it counts as never. Nobody waits
// that long where it happens.
const patience = 3 * time.Minute

func newTestbed(t *testing.T, natsURL, gateway string) *testbed {
	t.Helper()
	nc, err := nats.Connect(natsURL, nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	client, err := app.NATS{URL: natsURL}.Client()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &testbed{T: t, source: "torture", nc: nc, js: js, client: client, gateway: gateway}
}

// local is a world inside this process.
type local struct {
	*testbed
	*app.Local
}

func newLocal(t *testing.T, o sandbox.Options) *local {
	t.Helper()
	if o.Speed == 0 {
		o.Speed = 100_000
	}
	l, err := app.StartLocal(app.LocalOptions{Sandbox: o})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Stop(); err != nil {
			t.Error(err)
		}
	})
	return &local{newTestbed(t, l.NATSURL, l.Sandbox.URL), l}
}

// Everything that takes minutes in life takes seconds here.
const (
	within  = time.Second             // L: a confirm leaves so soon after its intent
	timeout = 1500 * time.Millisecond // of one call
	settle  = 4 * time.Second         // S
	// confirmPatience is how long after S it is asked whether a confirm took effect.
	confirmPatience = 6 * time.Second
)

// Longer, where something has to happen while a call is held back, or before S is
// over: on a machine that is busy that may take seconds.
const (
	longWithin  = 10 * time.Second
	longHold    = 12 * time.Second
	longTimeout = 15 * time.Second
	longSettle  = 30 * time.Second
)

// options are the service's. The breaker is out of the way: each trouble is a
// campaign's own.
func (l *local) options() app.Options {
	o := l.Service()
	o.Listen = "127.0.0.1:0"
	o.Requests, o.Wakeups = 64, 64
	o.Gateway.RatePerMinute, o.Gateway.RatePerSecond = -1, -1
	o.Gateway.BreakerFailures = 1_000_000
	o.Gateway.Timeout = timeout
	o.Rules = campaign.Rules{
		ConfirmWithin: within, Settle: settle, Lease: 3 * time.Second,
		PollMin: 100 * time.Millisecond, PollMax: time.Second, GiveUp: 20 * time.Second,
		BackoffMin: 100 * time.Millisecond, BackoffMax: 500 * time.Millisecond,
		Denials: 3, Vanished: 3, CreditEvery: 200 * time.Millisecond,
		Patience: confirmPatience, LookAgain: 500 * time.Millisecond, Unanswered: 20 * time.Second, // a busy machine repeats three times in ten
	}
	return o
}

// patient are the options of a service that leaves time to do something meanwhile.
func (l *local) patient() app.Options {
	o := l.options()
	o.Gateway.Timeout = longTimeout
	o.Rules.ConfirmWithin, o.Rules.Settle = longWithin, longSettle
	return o
}

// serve runs a service until the test ends, or until stop is called.
func (l *local) serve(o app.Options) (a *app.App, stop func()) {
	l.Helper()
	a, err := app.New(l.Context(), o)
	if err != nil {
		l.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	stop = func() {
		cancel()
		err := <-done
		done <- nil
		if err != nil {
			l.Error(err)
		}
		if err := a.Stop(); err != nil {
			l.Error(err)
		}
	}
	l.Cleanup(stop)
	return a, stop
}

// requestEdit changes a request before it is asked for.
type requestEdit func(*campaignv1.CampaignRequested)

func at(instant time.Time) requestEdit {
	return func(m *campaignv1.CampaignRequested) {
		m.Start = &campaignv1.CampaignRequested_At{At: timestamppb.New(instant)}
	}
}

// request is one that would be sent, to people of its own.
func (w *testbed) request(id string, wishes ...requestEdit) *campaignv1.CampaignRequested {
	w.Helper()
	m := &campaignv1.CampaignRequested{
		Source: w.source, RequestId: id, Name: "Black Friday", Sender: "ShopItalia", Text: "-30%",
		ContactListId: w.list(), Start: &campaignv1.CampaignRequested_Immediately{Immediately: true},
	}
	for _, change := range wishes {
		change(m)
	}
	return m
}

// ask publishes the request of a campaign. Publishing twice is harmless, so it is
// repeated until there is an answer.
func (w *testbed) ask(m *campaignv1.CampaignRequested) campaign.Key {
	w.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		w.Fatal(err)
	}
	key := campaign.Key{Source: m.Source, RequestID: m.RequestId}
	w.eventually("publish "+key.String(), func(ctx context.Context) error {
		_, err := w.js.Publish(ctx, "campaign.v1.request."+key.String(), data)
		return err
	})
	return key
}

// list makes a list of people that no other campaign has.
func (w *testbed) list() int64 {
	w.Helper()
	var contacts []object
	for range peopleOfOne {
		contacts = append(contacts, object{"phoneNumber": fmt.Sprintf("+39333%07d", w.people.Add(1))})
	}
	var made struct{ ListID int64 }
	w.control("POST", "contacts", object{"name": "torture", "contacts": contacts}, &made)
	return made.ListID
}

// fault makes the sandbox misbehave towards one campaign.
func (w *testbed) fault(id string, rules ...sandbox.Fault) {
	w.Helper()
	for _, rule := range rules {
		rule.Name = mark(campaign.Key{Source: w.source, RequestID: id})
		w.control("POST", "faults", rule, nil)
	}
}

// mark is what the draft's description ends in.
func mark(key campaign.Key) string { return "[staffetta " + key.String() + "]" }

// struck waits until a campaign's first rule has struck so many calls.
func (w *testbed) struck(id string, times int) {
	w.Helper()
	name := mark(campaign.Key{Source: w.source, RequestID: id})
	w.eventually("a fault strikes "+id, func(context.Context) error {
		for _, f := range w.faults() {
			if f.Name == name && f.Struck >= times {
				return nil
			}
		}
		return fmt.Errorf("not yet")
	})
}

func (w *testbed) faults() (rules []sandbox.Fault) {
	w.Helper()
	w.control("GET", "faults", nil, &rules)
	return rules
}

type object map[string]any

// control asks something of the sandbox.
func (w *testbed) control(method, what string, body, answer any) {
	w.Helper()
	said, err := call(w.Context(), method, w.gateway+"/sandbox/"+what, body)
	if err == nil && answer != nil {
		err = json.Unmarshal(said, answer)
	}
	if err != nil {
		w.Fatal(err)
	}
}

// call makes an HTTP call with a JSON body, with the sandbox's own key.
func call(ctx context.Context, method, url string, body any) ([]byte, error) {
	var payload io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		payload = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, payload)
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Api-Key", sandbox.DefaultKey)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, url, res.Status, said)
	}
	return said, err
}

// eventually asks again until done has no objection: for what no signal tells.
func (w *testbed) eventually(what string, done func(context.Context) error) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var objection error // the last one that is not the end of the patience itself
	for {
		// A question that nobody answers must not eat up all the patience.
		try, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := done(try)
		cancel()
		if err == nil {
			return
		}
		if ctx.Err() == nil {
			objection = err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			w.Fatalf("%s: not within %s: %v", what, patience, objection)
		}
	}
}
