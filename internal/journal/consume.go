package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// ConsumeOptions say how much is worked on at the same time.
type ConsumeOptions struct {
	Requests int // workers for new campaigns; zero: 64
	Wakeups  int // workers for timers; zero: 64
	Commands int // workers for what people say; zero: 4
	Cancels  int // workers for cancels, which wait for no other command; zero: 16
	// Schedules is how many recurring campaigns are looked at at the same
	// time; their wake-ups are of kind scheduler.Wake. Zero: none are.
	Schedules int
	// Aside is how many messages beyond these may be in hand while they wait for
	// somebody else: see [runner.WithAside]. Zero: 2,000.
	Aside int
	// Gate stops the pulling of new campaigns while it is shut. Timers and
	// commands go on: expiry, cancel and reading need no gateway. Nil: open.
	Gate Gate
}

// Gate says whether new campaigns may be started.
type Gate interface {
	Pulling() bool
	// Changed returns a channel that is closed when Pulling may have changed
	// since this call.
	Changed() <-chan struct{}
}

// Handler handles one wake-up and says what becomes of its message. Its
// context is not cancelled by a shutdown: what was started is finished.
type Handler func(context.Context, runner.Wakeup) runner.Verdict

func (o ConsumeOptions) withDefaults() ConsumeOptions {
	for _, n := range []struct {
		field *int
		def   int
	}{{&o.Requests, 64}, {&o.Wakeups, 64}, {&o.Commands, 4}, {&o.Cancels, 16}, {&o.Aside, 2000}} {
		if *n.field == 0 {
			*n.field = n.def
		}
	}
	return o
}

// Consume hands wake-ups to the handler until ctx ends. Then it stops pulling,
// gives back what no worker has begun, so that another replica gets it at
// once, lets the workers finish, and returns. It returns an error only if it
// could not begin.
func (j *Journal) Consume(ctx context.Context, o ConsumeOptions, handle Handler) error {
	o = o.withDefaults()
	lanes := []*lane{
		{consumer: consumers[0], workers: o.Requests, gate: o.Gate},
		{consumer: consumers[1], workers: o.Wakeups},
		{consumer: consumers[2], workers: o.Commands, others: isCancel, gate: j.commands},
		{consumer: consumers[3], workers: o.Cancels, gate: j.commands},
	}
	if o.Schedules > 0 {
		lanes = append(lanes, &lane{consumer: scheduleConsumer, workers: o.Schedules})
	}
	ensure := func(lanes []*lane) error {
		for _, l := range lanes {
			if l.stream == StreamCommands && !j.commands.Pulling() {
				continue // there is no such stream yet
			}
			if _, err := j.ensureConsumer(ctx, l.consumer); err != nil {
				return err
			}
		}
		return nil
	}
	err := ensure(lanes)
	left := false
	if err == nil {
		left, err = j.leftOver(ctx)
	}
	if err == nil && left {
		// Before anything is pulled: what one leaves to the other must be there for it.
		beside := []*lane{
			{consumer: besideTimers[0], workers: o.Commands, others: isBareCancel},
			{consumer: besideTimers[1], workers: o.Cancels},
		}
		err = ensure(beside)
		lanes = append(lanes, beside...)
	}
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("consume: %w", err)
	}
	aside := &room{limit: int64(o.Aside)}
	for _, l := range lanes {
		l.j, l.handle, l.aside = j, handle, aside
		l.work = make(chan *flight)
		l.air, l.asked = make(map[uint64]*flight), make(map[campaign.Key]bool)
	}
	j.lanes.Store(&lanes)
	defer j.lanes.Store(nil)

	beating, stopBeating := context.WithCancel(context.WithoutCancel(ctx))
	var heart sync.WaitGroup
	heart.Go(func() { beat(beating, lanes, j.AckWait/3) })
	defer heart.Wait()
	defer stopBeating()

	var g errgroup.Group
	for _, l := range lanes {
		g.Go(func() error { l.run(ctx); return nil })
	}
	return g.Wait()
}

// lane is one consumer and its workers.
type lane struct {
	consumer
	j       *Journal
	workers int
	gate    Gate
	others  func(subject string) bool // what another lane handles; nil: nothing
	aside   *room
	handle  Handler
	work    chan *flight // unbuffered: what is in it is in a worker's hand

	mu     sync.Mutex
	air    map[uint64]*flight    // messages in hand, by stream sequence
	asked  map[campaign.Key]bool // requests in hand, by campaign
	health LaneHealth
}

// flight is a message in hand.
type flight struct {
	msg    jetstream.Msg
	meta   *jetstream.MsgMetadata
	latest jetstream.Msg // guarded by lane.mu: its latest delivery, the one to answer
	beat   time.Time     // guarded by lane.mu: when the server last heard of it
}

// run works until ctx ends.
func (l *lane) run(ctx context.Context) {
	workers := workers{room: l.aside, work: l.work, do: l.do}
	workers.start(context.WithoutCancel(ctx), l.workers)
	pause := 100 * time.Millisecond
	for ctx.Err() == nil {
		if err := l.awaitGate(ctx); err != nil {
			break
		}
		began := time.Now()
		if err := l.pull(ctx); err != nil && ctx.Err() == nil {
			l.note(err)
			l.j.Log.Warn("consumer is made again", "consumer", l.name, "error", err)
		}
		// A consumer that cannot even begin is tried again ever more slowly.
		if time.Since(began) > 10*time.Second {
			pause = 100 * time.Millisecond
		} else if ctx.Err() == nil && l.open() {
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			pause = min(2*pause, 5*time.Second)
		}
	}
	close(l.work)
	workers.wait.Wait()
}

// pull feeds the workers until ctx ends, the gate shuts or the consumer is
// gone. Every message that arrived is then in a worker's hand or given back.
func (l *lane) pull(ctx context.Context) error {
	cons, err := l.j.ensureConsumer(ctx, l.consumer)
	if err != nil {
		return err
	}
	halt, broken := make(chan struct{}), make(chan error, 1)
	feed, err := cons.Consume(
		func(m jetstream.Msg) { l.take(m, halt) },
		// What waits in the client ages towards AckWait: keep it small.
		jetstream.PullMaxMessages(prefetch(l.workers)),
		jetstream.PullExpiry(pullExpiry),
		jetstream.PullHeartbeat(pullHeartbeat),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
			if l.note(err) >= silences {
				select {
				case broken <- err:
				default:
				}
			}
		}),
	)
	if err != nil {
		return fmt.Errorf("pull from %s: %w", l.name, err)
	}
	l.pulling(true)
	defer l.pulling(false)
	err = l.watch(ctx, feed, broken)
	close(halt)
	feed.Drain() // hands over what has arrived; take gives it back
	<-feed.Closed()
	return err
}

// watch returns when the feed has to end, and why if that is not wanted.
func (l *lane) watch(ctx context.Context, feed jetstream.ConsumeContext, broken <-chan error) error {
	for {
		changed, stopped := l.changes()
		if !l.open() {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-stopped:
		case err := <-broken:
			return err
		case <-feed.Closed():
			if ctx.Err() != nil {
				return nil
			}
			return errors.New("the server ended it")
		}
	}
}

// take puts a message into a worker's hand, or gives it back if there will be
// no worker for it.
func (l *lane) take(m jetstream.Msg, halt <-chan struct{}) {
	meta, err := m.Metadata()
	if err != nil {
		l.note(err) // not a message of a consumer: nothing to acknowledge
		return
	}
	if l.others != nil && l.others(m.Subject()) {
		_ = m.Ack()
		return
	}
	f := l.takeOff(m, meta)
	if f == nil {
		return
	}
	select {
	case <-halt:
		_ = l.land(f).Nak()
		return
	default:
	}
	select {
	case l.work <- f:
	case <-halt:
		_ = l.land(f).Nak()
	}
}

// takeOff registers a message. It returns nil for a redelivery of one that is
// in hand already: nobody needs to do that twice, and the one in hand answers
// for both.
func (l *lane) takeOff(m jetstream.Msg, meta *jetstream.MsgMetadata) *flight {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.health.Last, l.health.Err, l.health.troubles = now, nil, 0
	if f := l.air[meta.Sequence.Stream]; f != nil {
		f.latest, f.beat = m, now
		return nil
	}
	f := &flight{msg: m, latest: m, meta: meta, beat: now}
	l.air[meta.Sequence.Stream] = f
	return f
}

// land ends the care for a message and returns its latest delivery, which is
// the one to answer.
func (l *lane) land(f *flight) jetstream.Msg {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.air, f.meta.Sequence.Stream)
	return f.latest
}

// do handles one message.
func (l *lane) do(ctx context.Context, f *flight) {
	w, err := l.j.intake.read(ctx, f.msg)
	var u *unreadable
	switch {
	case errors.As(err, &u):
		l.settle(ctx, f, u.verdict())
	case err != nil:
		l.settle(ctx, f, runner.Verdict{Do: runner.Retry, Note: err.Error()})
	case !l.begin(w):
		l.settle(ctx, f, runner.Verdict{Do: runner.Retry, After: sameRequest})
	default:
		defer l.end(w)
		w.Stored = f.meta.Timestamp
		l.settle(ctx, f, l.handle(ctx, w))
	}
}

// sameRequest is when a request comes back that was published again while the
// first is being handled.
const sameRequest = 300 * time.Millisecond

// begin says whether a worker may begin with w. A request that was published
// several times at once would be begun by as many workers, each with a draft of
// its own at the gateway, of which all but one are thrown away. This spares them;
// it guards nothing, since another replica may well have begun. A command does
// not wait: a cancel has to overtake the run that it stops.
func (l *lane) begin(w runner.Wakeup) bool {
	if w.Kind != runner.WakeRequest {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asked[w.Key] {
		return false
	}
	l.asked[w.Key] = true
	return true
}

func (l *lane) end(w runner.Wakeup) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.asked, w.Key)
}

// settle is the only place where a verdict becomes an answer to the server. An
// answer that gets lost is a redelivery, which is handled like any other.
func (l *lane) settle(ctx context.Context, f *flight, v runner.Verdict) {
	switch v.Do {
	case runner.Ack:
		_ = l.land(f).Ack()
	case runner.Bury:
		if err := l.j.bury(ctx, f.msg, f.meta, v); err != nil {
			l.j.Log.Warn("dead letter not written, the message stays", "subject", f.msg.Subject(), "error", err)
			_ = l.land(f).NakWithDelay(retryAfter)
			return
		}
		l.j.Log.Warn("dead letter", "subject", f.msg.Subject(), "reason", v.Reason, "fields", v.Fields, "note", v.Note)
		l.j.OnBuried(v.Reason)
		_ = l.land(f).TermWithReason(v.Reason)
	default:
		after := v.After
		if after <= 0 {
			after = retryAfter
		}
		_ = l.land(f).NakWithDelay(after)
	}
}

// retryAfter is the pause before another try when nobody named one. A bare
// negative acknowledgement would come back within the millisecond.
const retryAfter = time.Second

// beat keeps every message in hand alive: one ticker for all of them.
func beat(ctx context.Context, lanes []*lane, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, l := range lanes {
				l.mu.Lock()
				for _, f := range l.air {
					if now.Sub(f.beat) >= every {
						f.beat = now
						_ = f.latest.InProgress()
					}
				}
				l.mu.Unlock()
			}
		}
	}
}

func (l *lane) open() bool { return (l.gate == nil || l.gate.Pulling()) && l.j.losses.Pulling() }

// awaitGate returns when the gate is open, or ctx's error.
func (l *lane) awaitGate(ctx context.Context) error {
	for {
		changed, stopped := l.changes()
		if l.open() {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-stopped:
		}
	}
}

// changes are closed when open may have changed since this call.
func (l *lane) changes() (gate, stopped <-chan struct{}) {
	if l.gate != nil {
		gate = l.gate.Changed()
	}
	return gate, l.j.losses.Changed()
}
