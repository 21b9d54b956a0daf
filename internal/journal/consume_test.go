package journal_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

var (
	key    = campaign.Key{Source: "shop-italia", RequestID: "bf-2026"}
	sample = runnertest.Sample(key)
)

// testBundle is a journal on a server of its own.
type testBundle struct {
	nc     *nats.Conn
	js     jetstream.JetStream
	j      *journal.Journal
	client *client.Client
}

func setup(t testing.TB, o journal.Options) *testBundle {
	t.Helper()
	nc := connect(t, startServer(t, -1, t.TempDir()))
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	client, err := client.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return &testBundle{nc: nc, js: js, j: open(t, nc, o), client: client}
}

// consume runs Consume for campaigns until the test ends or stop is called.
func (b *testBundle) consume(t testing.TB, o journal.ConsumeOptions, handle func(context.Context, runner.Wakeup) loop.Verdict) (stop func()) {
	t.Helper()
	return b.consumeFor(t, o, journal.Handlers{Campaign: handle})
}

// consumeFor is the same for other handlers.
func (b *testBundle) consumeFor(t testing.TB, o journal.ConsumeOptions, h journal.Handlers) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- b.j.Consume(ctx, o, h) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// connect opens another connection to the same server.
func (b *testBundle) connect(t testing.TB) *nats.Conn {
	t.Helper()
	nc, err := streams.Connect(streams.Server{URL: b.nc.ConnectedUrl()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func (b *testBundle) publish(t testing.TB, m *nats.Msg) uint64 {
	t.Helper()
	ack, err := b.js.PublishMsg(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return ack.Sequence
}

func (b *testBundle) request(t testing.TB, id string) {
	t.Helper()
	if _, err := b.client.Request(t.Context(), request(id), ""); err != nil {
		t.Fatal(err)
	}
}

func request(id string) *campaignv1.CampaignRequested {
	return &campaignv1.CampaignRequested{
		Source: "shop-italia", RequestId: id, Name: "Black Friday 2026", Sender: "ShopItalia",
		Text: "Solo per te: {{code}}", ContactListId: 87,
		Start: &campaignv1.CampaignRequested_Immediately{Immediately: true},
	}
}

func message(subject string, m proto.Message, headers ...string) *nats.Msg {
	out := nats.NewMsg(subject)
	out.Data, _ = proto.Marshal(m)
	for i := 0; i+1 < len(headers); i += 2 {
		out.Header[headers[i]] = []string{headers[i+1]}
	}
	return out
}

func receive[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(20 * time.Second):
		t.Fatalf("no %s within 20 s", what)
		panic("unreachable")
	}
}

// answers are what the service told the server about its messages: "+ACK",
// "-NAK {…}", "+TERM …", seen on the wire.
func (b *testBundle) answers(t testing.TB, stream, consumer string) <-chan string {
	t.Helper()
	seen := make(chan string, 1000)
	_, err := b.nc.Subscribe("$JS.ACK."+stream+"."+consumer+".>", func(m *nats.Msg) { seen <- string(m.Data) })
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

func TestConsume(t *testing.T) {
	t.Parallel()

	t.Run("AnswersWhatTheVerdictSays", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		seen := b.answers(t, streams.Requests, "requests")
		var verdict loop.Verdict
		var tries atomic.Int64
		handled := make(chan runner.Wakeup, 10)
		b.consume(t, journal.ConsumeOptions{Requests: 1}, func(_ context.Context, w runner.Wakeup) loop.Verdict {
			handled <- w
			if tries.Add(1) > 1 {
				return loop.Verdict{Do: loop.Ack}
			}
			return verdict
		})
		for i, test := range []struct {
			verdict loop.Verdict
			want    string
		}{
			{loop.Verdict{Do: loop.Ack}, "+ACK"},
			{loop.Verdict{Do: loop.Retry, After: 10 * time.Millisecond}, `-NAK {"delay": 10000000}`},
			{loop.Verdict{Do: loop.Retry}, `-NAK {"delay": 1000000000}`},
			{loop.Verdict{Do: loop.Bury, Reason: "conflicting_duplicate"}, "+TERM conflicting_duplicate"},
		} {
			verdict = test.verdict
			tries.Store(0)
			b.request(t, fmt.Sprint("r-", i))
			receive(t, handled, "wake-up")
			if got := receive(t, seen, "answer"); got != test.want {
				t.Errorf("%+v: answered %q, want %q", test.verdict, got, test.want)
			}
			if test.verdict.Do == loop.Retry {
				receive(t, handled, "redelivery")
				if got := receive(t, seen, "answer"); got != "+ACK" {
					t.Errorf("the redelivery was answered %q", got)
				}
			}
		}
	})

	t.Run("KeepsAMessageInHandAlive", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{AckWait: 300 * time.Millisecond})
		seen := b.answers(t, streams.Requests, "requests")
		var handled atomic.Int64
		release := make(chan struct{})
		done := sync.OnceFunc(func() { close(release) })
		b.consume(t, journal.ConsumeOptions{Requests: 4}, func(context.Context, runner.Wakeup) loop.Verdict {
			handled.Add(1)
			<-release
			return loop.Verdict{Do: loop.Ack}
		})
		t.Cleanup(done)
		b.request(t, "slow")
		for range 6 { // twice AckWait
			if got := receive(t, seen, "sign of life"); got != "+WPI" {
				t.Fatalf("got %q in the place of a sign of life", got)
			}
		}
		done()
		for got := ""; got != "+ACK"; {
			got = receive(t, seen, "answer")
		}
		if n := handled.Load(); n != 1 {
			t.Errorf("handled %d times while a worker had it in hand", n)
		}
	})

	t.Run("DoesNotHandleTwiceWhatIsInHand", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{AckWait: 600 * time.Millisecond})
		seen := make(chan *nats.Msg, 1000)
		if _, err := b.nc.Subscribe("$JS.ACK.CAMPAIGN_REQUESTS.requests.>", func(m *nats.Msg) { seen <- m }); err != nil {
			t.Fatal(err)
		}
		var handled atomic.Int64
		release := make(chan struct{})
		done := sync.OnceFunc(func() { close(release) })
		b.consume(t, journal.ConsumeOptions{Requests: 4}, func(context.Context, runner.Wakeup) loop.Verdict {
			handled.Add(1)
			<-release
			return loop.Verdict{Do: loop.Ack}
		})
		t.Cleanup(done)
		b.request(t, "slow")
		first := receive(t, seen, "sign of life")
		// Somebody gives it back in the worker's name, so the server delivers it again.
		if err := b.nc.Publish(first.Subject, []byte("-NAK")); err != nil {
			t.Fatal(err)
		}
		for m := first; m.Subject == first.Subject; { // until the second delivery is kept alive
			m = receive(t, seen, "sign of life")
		}
		done()
		for m := first; string(m.Data) != "+ACK"; {
			if m = receive(t, seen, "answer"); string(m.Data) == "+ACK" && m.Subject == first.Subject {
				t.Error("the first delivery was acknowledged, not the one that counts")
			}
		}
		if n := handled.Load(); n != 1 {
			t.Errorf("handled %d times at the same time", n)
		}
	})

	t.Run("ARequestPublishedTwiceAtOnceIsHandledOneAfterTheOther", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		began, goOn := make(chan campaign.Key, 10), make(chan struct{})
		for range 3 {
			b.request(t, "same")
		}
		b.request(t, "other")
		b.consume(t, journal.ConsumeOptions{}, func(_ context.Context, w runner.Wakeup) loop.Verdict {
			began <- w.Key
			<-goOn
			return loop.Verdict{Do: loop.Ack}
		})
		// Workers are free: the other campaign, asked for last, does not wait.
		if a, b := receive(t, began, "a request"), receive(t, began, "another request"); a == b {
			t.Errorf("%s is in hand twice", a)
		}
		close(goOn)
		for range 2 {
			if again := receive(t, began, "the same request again"); again.RequestID != "same" {
				t.Errorf("%s was handled again", again)
			}
		}
	})

	t.Run("ShutdownEndsTheContextOfWhatRunsAfterTheGrace", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		running, ended, release := make(chan struct{}), make(chan struct{}), make(chan struct{})
		stop := b.consume(t, journal.ConsumeOptions{Grace: 50 * time.Millisecond}, func(ctx context.Context, _ runner.Wakeup) loop.Verdict {
			close(running)
			select {
			case <-ctx.Done():
				close(ended)
			case <-release:
			}
			return loop.Verdict{Do: loop.Ack}
		})
		t.Cleanup(func() { close(release) })
		b.request(t, "long")
		receive(t, running, "a handler")
		go stop()
		receive(t, ended, "the end of its context")
		stop()
	})

	t.Run("ShutdownFinishesWhatRunsAndGivesBackTheRest", func(t *testing.T) {
		t.Parallel()
		// What is not given back stays away for longer than the test waits.
		b := setup(t, journal.Options{AckWait: time.Hour})
		var started, finished atomic.Int64
		running := make(chan struct{}, 100)
		release := make(chan struct{})
		done := sync.OnceFunc(func() { close(release) })
		for i := range 20 {
			b.request(t, fmt.Sprint("r-", i))
		}
		stop := b.consume(t, journal.ConsumeOptions{Requests: 4}, func(ctx context.Context, _ runner.Wakeup) loop.Verdict {
			started.Add(1)
			running <- struct{}{}
			<-release
			if ctx.Err() != nil {
				t.Error("the shutdown cancelled a running handler")
			}
			finished.Add(1)
			return loop.Verdict{Do: loop.Ack}
		})
		t.Cleanup(done)
		for range 4 {
			receive(t, running, "running handler")
		}
		go func() { // when the feed has ended, nothing more is handed out
			waitFor(t, func() bool { return !b.j.Health()[0].Pulling })
			done()
		}()
		stop()
		if s, f := started.Load(), finished.Load(); s != 4 || f != 4 {
			t.Errorf("started %d, finished %d, want 4 and 4", s, f)
		}
		// Another replica gets the other 16 at once.
		got := make(chan string, 100)
		b.consume(t, journal.ConsumeOptions{}, func(_ context.Context, w runner.Wakeup) loop.Verdict {
			got <- w.Key.RequestID
			return loop.Verdict{Do: loop.Ack}
		})
		for range 16 {
			receive(t, got, "request that was given back")
		}
	})

	t.Run("PausesNewCampaignsOnly", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		gate := &testGate{changed: make(chan struct{})}
		got := make(chan runner.Wakeup, 100)
		b.consume(t, journal.ConsumeOptions{Gate: gate}, func(_ context.Context, w runner.Wakeup) loop.Verdict {
			got <- w
			return loop.Verdict{Do: loop.Ack}
		})
		b.request(t, "waits")
		if _, err := b.client.Cancel(t.Context(), key, "anna", "typo"); err != nil {
			t.Fatal(err)
		}
		if err := b.j.Arm(t.Context(), key, time.Now().Add(10*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		kinds := map[runner.WakeupKind]bool{}
		for range 2 {
			kinds[receive(t, got, "wake-up").Kind] = true
		}
		if !kinds[runner.WakeCommand] || !kinds[runner.WakeTimer] {
			t.Errorf("while paused, got %v, want the command and the timer", kinds)
		}
		gate.set(true)
		if w := receive(t, got, "request"); w.Key.RequestID != "waits" {
			t.Errorf("got %+v", w)
		}
		// Shut and opened again.
		gate.set(false)
		waitFor(t, func() bool { h := b.j.Health()[0]; return h.Paused && !h.Pulling })
		b.request(t, "later")
		if ok, why := b.j.Ready(); !ok {
			t.Errorf("a pause is not a fault: %s", why)
		}
		gate.set(true)
		if w := receive(t, got, "request"); w.Key.RequestID != "later" {
			t.Errorf("got %+v", w)
		}
	})

	t.Run("MakesADeletedConsumerAgain", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		got := make(chan string, 100)
		b.consume(t, journal.ConsumeOptions{}, func(_ context.Context, w runner.Wakeup) loop.Verdict {
			got <- w.Key.RequestID
			return loop.Verdict{Do: loop.Ack}
		})
		b.request(t, "one")
		receive(t, got, "request")
		if err := b.js.DeleteConsumer(t.Context(), streams.Requests, "requests"); err != nil {
			t.Fatal(err)
		}
		b.request(t, "two")
		// A new consumer begins with the first request again: the record knows.
		for id := ""; id != "two"; {
			id = receive(t, got, "request")
		}
		waitFor(t, func() bool { ok, _ := b.j.Ready(); return ok })
	})

	// As in a cluster that has just met: who asks for a consumer that has no leader
	// gets no answer, not even later.
	t.Run("AsksAgainForAConsumerThatNobodyAnswersFor", func(t *testing.T) {
		t.Parallel()
		s := startServer(t, -1, t.TempDir())
		p := startProxy(t, s.Addr().String())
		nc := p.connect(t)
		b := &testBundle{nc: nc, j: open(t, nc, journal.Options{})}
		asked, err := connect(t, s).SubscribeSync("$JS.API.CONSUMER.INFO.CAMPAIGN_REQUESTS.requests")
		if err != nil {
			t.Fatal(err)
		}
		p.mute.Store(true)
		b.consume(t, journal.ConsumeOptions{}, nil)
		for range 2 {
			if _, err := asked.NextMsg(10 * time.Second); err != nil {
				t.Fatalf("asked for: %v", err)
			}
		}
		p.mute.Store(false)
		waitFor(t, func() bool { h := b.j.Health(); return len(h) > 0 && h[0].Pulling })
	})

	t.Run("GoesOnAfterTheServerRestarts", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		s := startServer(t, -1, dir)
		nc := connect(t, s)
		js, err := jetstream.New(nc)
		if err != nil {
			t.Fatal(err)
		}
		client, err := client.New(nc)
		if err != nil {
			t.Fatal(err)
		}
		b := &testBundle{nc: nc, js: js, j: open(t, nc, journal.Options{}), client: client}
		got := make(chan runner.Wakeup, 100)
		b.consume(t, journal.ConsumeOptions{}, func(_ context.Context, w runner.Wakeup) loop.Verdict {
			got <- w
			return loop.Verdict{Do: loop.Ack}
		})
		waitFor(t, func() bool { ok, _ := b.j.Ready(); return ok })
		due := time.Now().Add(time.Second)
		if err := b.j.Arm(t.Context(), key, due); err != nil {
			t.Fatal(err)
		}
		port := port(t, s)
		s.Shutdown()
		s.WaitForShutdown()
		startServer(t, port, dir)
		if w := receive(t, got, "timer that survived the restart"); w.Kind != runner.WakeTimer || w.Stored.Before(due) {
			t.Errorf("woken by %+v, due %s", w, due)
		}
		waitFor(t, func() bool { ok, _ := b.j.Ready(); return ok })
		b.request(t, "after")
		if w := receive(t, got, "request"); w.Key.RequestID != "after" {
			t.Errorf("got %+v", w)
		}
	})
}

// testGate is shut until it is set.
type testGate struct {
	mu      sync.Mutex
	open    bool
	changed chan struct{}
}

func (g *testGate) Pulling() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

func (g *testGate) Changed() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.changed
}

func (g *testGate) set(open bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = open
	close(g.changed)
	g.changed = make(chan struct{})
}
