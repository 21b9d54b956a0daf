package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// What holds where nothing else is said.
const (
	DefaultWorkers = 64   // for new campaigns, and as many for timers
	DefaultAside   = 2000 // messages in hand that wait for somebody else
)

// ConsumeOptions say how much is worked on at the same time.
type ConsumeOptions struct {
	Requests int // workers for new campaigns; zero: [DefaultWorkers]
	Wakeups  int // workers for timers; zero: [DefaultWorkers]
	Commands int // workers for what people say of the campaigns of one source; zero: 4
	Cancels  int // the same for cancels, which wait for no other command; zero: 16
	// Schedules is how many recurring campaigns are looked at at the same time. They
	// ask nobody but the streams, so a few keep up with thousands. Zero: 4.
	Schedules int
	// Aside is how many messages beyond these may be in hand while they wait for
	// somebody else: see [loop.WithAside]. Zero: [DefaultAside].
	Aside int
	// PullGate stops the pulling of new campaigns while it is shut. Timers and
	// commands go on: expiry, cancel and reading need no gateway. Nil: open.
	Gate PullGate
	// Apart has each source that comes set apart, with consumers and workers of its own.
	// Otherwise they are once several wait in one queue. Sources that are apart already
	// are served in any case.
	Apart bool
	// GateOf is the gate of a source that is apart. Nil: open. Gate does not stop the
	// pulling of such a source.
	GateOf func(source string) PullGate
	// Grace is how long handlers may go on once Consume has to stop. Then their
	// context ends. Zero: as long as it takes.
	Grace time.Duration
}

// PullGate says whether new campaigns may be started.
type PullGate interface {
	Pulling() bool
	// Changed returns a channel that is closed when Pulling may have changed
	// since this call.
	Changed() <-chan struct{}
}

func (o ConsumeOptions) withDefaults() ConsumeOptions {
	for _, n := range []struct {
		field *int
		def   int
	}{{&o.Requests, DefaultWorkers}, {&o.Wakeups, DefaultWorkers}, {&o.Commands, 4}, {&o.Cancels, 16}, {&o.Schedules, 4}, {&o.Aside, DefaultAside}} {
		if *n.field == 0 {
			*n.field = n.def
		}
	}
	return o
}

// Consume hands messages to the handlers until ctx ends. Then it stops pulling,
// gives back what no worker has begun, so that another replica gets it at
// once, lets the workers finish, and returns. It returns an error only if it
// could not begin.
func (j *Journal) Consume(ctx context.Context, o ConsumeOptions, h Handlers) error {
	o = o.withDefaults()
	requests := &sources{j: j, settle: o.Apart, workers: o.Requests, gateOf: o.GateOf}
	timers := &sources{j: j, settle: o.Apart, workers: o.Wakeups}
	requests.common = &lane{consumer: streams.RequestConsumer(), workers: o.Requests, handle: (*lane).wakeCampaign, gate: o.Gate, others: requests.have, again: make(chan struct{})}
	timers.common = &lane{consumer: streams.WakeupConsumer(), workers: o.Wakeups, handle: (*lane).wakeCampaign, others: timers.have, again: make(chan struct{})}
	lanes := []*lane{
		requests.common,
		timers.common,
		{consumer: streams.CommandConsumer(), workers: o.Commands, hand: manySources * o.Commands, handle: (*lane).wakeCampaign, others: isForOthers, gate: j.commands},
		{consumer: streams.CancelConsumer(), workers: o.Cancels, hand: manySources * o.Cancels, handle: (*lane).wakeCampaign, others: isStanding, gate: j.commands},
	}
	if h.Standing != nil {
		// One after the other: who says two things means them in that order.
		lanes = append(lanes, &lane{consumer: streams.StandingConsumer(), workers: 1, handle: (*lane).obey, gate: j.commands})
	}
	if h.Schedule != nil {
		lanes = append(lanes, &lane{consumer: streams.ScheduleConsumer(), workers: o.Schedules, handle: (*lane).wakeSchedule})
	}
	ensure := func(lanes []*lane) error {
		for _, l := range lanes {
			if l.consumer.Stream == streams.Commands && !j.commands.Pulling() {
				continue // there is no such stream yet
			}
			if _, err := streams.EnsureConsumer(ctx, j.js, l.consumer, j.options.AckWait); err != nil {
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
			{consumer: streams.BesideTimers()[0], workers: o.Commands, hand: manySources * o.Commands, handle: (*lane).command, others: isBareCancel},
			{consumer: streams.BesideTimers()[1], workers: o.Cancels, hand: manySources * o.Cancels, handle: (*lane).wakeCampaign, others: isStanding},
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
		l.aside, l.handling = aside, &handling{keys: map[campaign.Key]bool{}}
	}
	defer j.lanes.Store(nil)

	beating, stopBeating := context.WithCancel(context.WithoutCancel(ctx))
	var heart sync.WaitGroup
	heart.Go(func() { j.keepAlive(beating, j.options.AckWait/3) })
	defer heart.Wait()
	defer stopBeating()

	work, endWork := context.WithCancel(context.WithoutCancel(ctx))
	defer endWork()
	if o.Grace > 0 {
		defer context.AfterFunc(ctx, func() { time.AfterFunc(o.Grace, endWork) })()
	}
	// The lanes begin one after the other, and more of them while sources come. So
	// running counts the one that may begin others, and is not at zero before it ends.
	var running sync.WaitGroup
	begin := func(l *lane) {
		l.j, l.handlers = j, h
		l.places = newWorkers(l.workers, l.hand, l.aside, l.do)
		l.inFlight = make(map[uint64]*delivery)
		j.addLane(l)
		running.Go(func() { l.run(ctx, work) })
	}
	for _, apart := range []*sources{requests, timers} {
		apart.lanes, apart.aside, apart.start = map[string]*lane{}, o.Aside, begin
		if err := apart.find(ctx); err != nil && ctx.Err() == nil {
			j.options.Log.Warn("look for sources", "error", err) // it looks again
		}
	}
	for _, l := range lanes {
		begin(l)
	}
	for _, apart := range []*sources{requests, timers} {
		running.Go(func() { apart.keepFinding(ctx) }) // it looks at lanes that have begun
	}
	running.Wait()
	return nil
}

// addLane adds a lane to those that are looked at from outside.
func (j *Journal) addLane(l *lane) {
	j.adding.Lock()
	defer j.adding.Unlock()
	var all []*lane
	if had := j.lanes.Load(); had != nil {
		all = slices.Clone(*had)
	}
	all = append(all, l)
	j.lanes.Store(&all)
}

// manySources is how many sources with all their workers busy a lane of commands can
// have in hand before it takes no more.
const manySources = 16

// lane is one consumer and its workers.
type lane struct {
	consumer streams.Consumer
	j        *Journal
	workers  int // of one source
	hand     int // messages in hand, of all sources; less than workers: as many
	gate     PullGate
	others   func(ctx context.Context, subject string) bool // what another lane handles; nil: nothing
	again    chan struct{}                                  // closed once what waits for a worker is to be brought again; nil: never
	aside    *room
	handlers Handlers
	handle   func(*lane, context.Context, *delivery) loop.Verdict // by one of the handlers
	places   *workers
	handling *handling

	mu       sync.Mutex
	inFlight map[uint64]*delivery // messages in hand, by stream sequence
	health   LaneHealth
	made     time.Time // when the consumer was
}

// delivery is a message in hand.
type delivery struct {
	msg    jetstream.Msg
	meta   *jetstream.MsgMetadata
	latest jetstream.Msg // guarded by lane.mu: its latest delivery, the one to answer
	beatAt time.Time     // guarded by lane.mu: when the server last heard of it
	begun  time.Time     // guarded by lane.mu: when a worker began with it; zero: none has
}

// run works until ctx ends; the context of its workers is work.
func (l *lane) run(ctx, work context.Context) {
	pause := 100 * time.Millisecond
	for ctx.Err() == nil {
		if err := l.awaitGate(ctx); err != nil {
			break
		}
		began := time.Now()
		if err := l.pull(ctx, work); err != nil && ctx.Err() == nil {
			l.note(err)
			l.j.options.Log.Warn("consumer is made again", "consumer", l.consumer.Name, "error", err)
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
	l.places.end()
}

// pull feeds the workers until ctx ends, the gate shuts or the consumer is
// gone. Every message that arrived is then in a worker's hand or given back.
func (l *lane) pull(ctx, work context.Context) error {
	cons, err := streams.EnsureConsumer(ctx, l.j.js, l.consumer, l.j.options.AckWait)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.made = cons.CachedInfo().Created
	l.mu.Unlock()
	halt, broken := make(chan struct{}), make(chan error, 1)
	again := l.again
	select {
	case <-again:
		again = nil // this is the time after
	default:
	}
	feed, err := cons.Consume(
		func(m jetstream.Msg) { l.take(ctx, work, m, halt) },
		// What waits in the client ages towards AckWait: keep it small.
		jetstream.PullMaxMessages(streams.Prefetch(l.workers)),
		jetstream.PullExpiry(streams.PullExpiry),
		jetstream.PullHeartbeat(streams.PullHeartbeat),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
			if l.note(err) >= streams.Silences {
				select {
				case broken <- err:
				default:
				}
			}
		}),
	)
	if err != nil {
		return fmt.Errorf("pull from %s: %w", l.consumer.Name, err)
	}
	l.pulling(true)
	defer l.pulling(false)
	err = l.watch(ctx, feed, again, broken)
	close(halt)
	feed.Drain() // hands over what has arrived; take gives it back
	<-feed.Closed()
	return err
}

// watch returns when the feed has to end, and why if that is not wanted.
func (l *lane) watch(ctx context.Context, feed jetstream.ConsumeContext, again <-chan struct{}, broken <-chan error) error {
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
		case <-again:
			return nil
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
func (l *lane) take(ctx, work context.Context, m jetstream.Msg, halt <-chan struct{}) {
	meta, err := m.Metadata()
	if err != nil {
		l.note(err) // not a message of a consumer: nothing to acknowledge
		return
	}
	if l.others != nil && l.others(ctx, m.Subject()) {
		_ = m.Ack()
		return
	}
	f := l.track(m, meta)
	if f == nil {
		return
	}
	giveBack := func() { _ = l.untrack(f).Nak() }
	if !l.places.take(work, sourceOf(m.Subject()), f, halt, giveBack) {
		giveBack()
	}
}

// track registers a message. It returns nil for a redelivery of one that is
// in hand already: nobody needs to do that twice, and the one in hand answers
// for both.
func (l *lane) track(m jetstream.Msg, meta *jetstream.MsgMetadata) *delivery {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.health.Last, l.health.Err, l.health.troubles = now, nil, 0
	if f := l.inFlight[meta.Sequence.Stream]; f != nil {
		f.latest, f.beatAt = m, now
		return nil
	}
	f := &delivery{msg: m, latest: m, meta: meta, beatAt: now}
	l.inFlight[meta.Sequence.Stream] = f
	return f
}

// untrack ends the care for a message and returns its latest delivery, which is
// the one to answer.
func (l *lane) untrack(f *delivery) jetstream.Msg {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.inFlight, f.meta.Sequence.Stream)
	return f.latest
}

// do handles one message. What was decided is answered, also after the grace.
func (l *lane) do(ctx context.Context, f *delivery) {
	l.begin(f)
	l.answer(context.WithoutCancel(ctx), f, l.handle(l, ctx, f))
}

// begin notes that a worker has begun with a message.
func (l *lane) begin(f *delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.begun = time.Now()
}

// answer is the only place where a verdict becomes an answer to the server. An
// answer that gets lost is a redelivery, which is handled like any other.
func (l *lane) answer(ctx context.Context, f *delivery, v loop.Verdict) {
	switch v.Do {
	case loop.Ack:
		_ = l.untrack(f).Ack()
	case loop.Bury:
		if err := l.j.bury(ctx, f.msg, f.meta, l.broughtBefore(f), v); err != nil {
			l.j.options.Log.Warn("dead letter not written, the message stays", "subject", f.msg.Subject(), "error", err)
			_ = l.untrack(f).NakWithDelay(retryAfter)
			return
		}
		l.j.options.Log.Warn("dead letter", "subject", f.msg.Subject(), "reason", v.Reason, "fields", v.Fields, "note", v.Note)
		l.j.options.OnBuried(v.Reason)
		_ = l.untrack(f).TermWithReason(string(v.Reason))
	default:
		after := v.After
		if after <= 0 {
			after = retryAfter
		}
		_ = l.untrack(f).NakWithDelay(after)
	}
}

// broughtBefore says that somebody may have had a message in hand before: it is delivered
// again, or by a consumer that is younger than it, and counts anew; or a source's own
// brings what that of all sources has brought to an earlier version. The clocks are those
// of two servers.
func (l *lane) broughtBefore(f *delivery) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return f.meta.NumDelivered > 1 || streams.IsOfSource(l.consumer.Name) || f.meta.Timestamp.Before(l.made.Add(clocksDiffer))
}

// retryAfter is the pause before another try when nobody named one. A bare
// negative acknowledgement would come back within the millisecond.
const retryAfter = time.Second

// keepAlive keeps every message in hand alive: one ticker for all of them.
func (j *Journal) keepAlive(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			lanes := j.lanes.Load()
			if lanes == nil {
				continue
			}
			for _, l := range *lanes {
				l.mu.Lock()
				for _, f := range l.inFlight {
					if now.Sub(f.beatAt) >= every {
						f.beatAt = now
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

// isForOthers says that the lane of all commands leaves it to another one.
func isForOthers(ctx context.Context, subject string) bool {
	return isCancel(subject) || isStanding(ctx, subject)
}

func isStanding(_ context.Context, subject string) bool { return contract.IsStanding(subject) }

// isCancel says that a command is one that the lane of the cancels handles.
func isCancel(subject string) bool {
	_, rest, err := contract.SplitSubject(subject, streams.CommandPrefix)
	verb, actor, _ := strings.Cut(rest, ".")
	return err == nil && verb == contract.VerbCancel && !strings.Contains(actor, ".")
}

// isBareCancel is the same beside the timers, where the filter knows no actor.
func isBareCancel(_ context.Context, subject string) bool {
	_, rest, err := contract.SplitSubject(subject, streams.CommandPrefix)
	return err == nil && rest == contract.VerbCancel
}
