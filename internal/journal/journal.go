package journal

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"buf.build/go/protovalidate"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// Options of a Journal. The zero value is what a single server wants.
type Options struct {
	// Replicas of the streams that Open creates. Zero: 1. Streams that exist
	// keep theirs.
	Replicas int
	// AckWait is how long a message that a dead worker had in hand stays with
	// it. Messages in hand are kept alive meanwhile, however long they take.
	// Zero: 10 s.
	AckWait time.Duration
	// Patience is how long the writes that are safe to repeat (events, timers,
	// dead letters) are repeated. A cluster of three answers nothing for up to
	// nine seconds when it loses a leader. Zero: 15 s.
	Patience time.Duration
	// Overdue is how long after its wake-up time a campaign counts as
	// forgotten; the sweep wakes it. Zero: 1 min (timers are at most a quarter
	// of a second late).
	Overdue time.Duration
	// LookEvery is how often somebody looks whether the bucket of the records is
	// still the same one, and which sources are apart. Zero: 5 s.
	LookEvery time.Duration
	// PowerCut is how far back a power cut may have taken acknowledged writes. It is
	// also more than the clocks of two servers differ by. Zero: 1 h.
	PowerCut time.Duration
	// SweepEvery is how often [Journal.Sweep] looks, more or less. Zero: 10 min.
	SweepEvery time.Duration
	// Retention is how long after its end a campaign's text is kept: the sweep wakes
	// what is older, and opening fails where messages may not be erased. Zero: for ever.
	Retention time.Duration
	// KeepWhole is how long after its end a campaign's record is kept whole: the sweep
	// wakes what is older. Zero: for ever.
	KeepWhole time.Duration
	// RecipientsQuota is how many chunks a source may have laid down before a campaign of
	// it with recipients in chunks waits; zero: any number. Nil: nobody is bound.
	RecipientsQuota func(source string) int
	// ProofRequired refuses commands that nobody is proven to have given; opening fails
	// where NATS proves nothing.
	ProofRequired bool
	// Log takes what happens in the background: consumers made again, sweeps.
	// Nil: nothing is logged.
	Log *slog.Logger
	// OnBuried is told the reason of every dead letter once it is written. It
	// must not block. Nil: nobody is told.
	OnBuried func(deadletter.Reason)
	// OnSwept is told what every sweep found. It must not block. Nil: nobody
	// is told.
	OnSwept func(Swept)
	// OnCostConflict is told that a cost was told before, for another draft or
	// another quote: somebody has been further than a record knows. It must not
	// block. Nil: nobody is told.
	OnCostConflict func(campaign.Key, *runner.CostConflict)
	// OnCorrupt is told of every read of a record that no version can have
	// written so. It must not block. Nil: nobody is told.
	OnCorrupt func(what string)
	// OnBroken is told of a campaign that was not saved, or not told, because an event
	// that it would owe breaks the contract. It must not block. Nil: nobody is told.
	OnBroken func(campaign.Key)
}

func (o Options) withDefaults() Options {
	if o.Replicas == 0 {
		o.Replicas = 1
	}
	if o.AckWait == 0 {
		o.AckWait = 10 * time.Second
	}
	if o.Patience == 0 {
		o.Patience = 15 * time.Second
	}
	if o.Overdue == 0 {
		o.Overdue = time.Minute
	}
	if o.LookEvery == 0 {
		o.LookEvery = 5 * time.Second
	}
	if o.PowerCut == 0 {
		o.PowerCut = streams.LookBack
	}
	if o.SweepEvery == 0 {
		o.SweepEvery = sweepEvery
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.OnBuried == nil {
		o.OnBuried = func(deadletter.Reason) {}
	}
	if o.OnSwept == nil {
		o.OnSwept = func(Swept) {}
	}
	if o.OnCostConflict == nil {
		o.OnCostConflict = func(campaign.Key, *runner.CostConflict) {}
	}
	if o.OnCorrupt == nil {
		o.OnCorrupt = func(string) {}
	}
	if o.OnBroken == nil {
		o.OnBroken = func(campaign.Key) {}
	}
	return o
}

// Journal keeps campaigns in JetStream. It is safe for concurrent use.
type Journal struct {
	options  Options // with its defaults
	nc       *nats.Conn
	js       jetstream.JetStream
	records  *streams.Keeper
	events   jetstream.Stream
	letters  jetstream.Stream
	intake   *messageReader
	promise  protovalidate.Validator
	id       streams.Identity // what the streams bear
	commands *commands
	epochs   *streams.Epochs
	waker    waker
	rights   func() *streams.Rights // of the connection, for what an earlier version's permissions lack

	bucket bucket
	losses *losses
	lanes  atomic.Pointer[[]*lane] // nil: not consuming; replaced, never changed
	adding sync.Mutex              // for who replaces it
	sweep  struct {
		sync.Mutex
		// before: what was stored before it, no power cut can have taken with it: the
		// cut came after something that is still there, or after the last whole sweep.
		before time.Time
	}
	duties duties
	name   string // of this process among the replicas
	closed chan struct{}
	once   sync.Once
}

var _ runner.Journal = (*Journal)(nil)

// Open checks the server, creates the streams that are absent, and verifies
// those that are present. The connection stays the caller's; make it with
// [streams.Connect], which turns the reconnect buffer off.
func Open(ctx context.Context, nc *nats.Conn, o Options) (*Journal, error) {
	js, err := streams.JetStream(nc)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if nc.Opts.ReconnectBufSize >= 0 {
		return nil, fmt.Errorf("open journal: the connection has a reconnect buffer, which could send a save on a connection it was not meant for; use streams.Connect")
	}
	promise, err := contract.NewEventValidator()
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if err := streams.CheckServer(ctx, nc, js); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	j := &Journal{options: o.withDefaults(), nc: nc, js: js, epochs: streams.NewEpochs(nc), losses: newLosses(), commands: newCommands(), promise: promise, name: rand.Text(), closed: make(chan struct{})}
	j.rights = sync.OnceValue(func() *streams.Rights { return streams.WatchRights(nc) })
	j.waker = waker{j, streams.TimerPrefix, streams.WakeupPrefix}
	if j.intake, err = newMessageReader(j.loadRequest); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if err := j.openStreams(ctx); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if err := j.learnProof(ctx); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if j.options.Retention > 0 {
		if err := j.mayErase(ctx); err != nil {
			return nil, fmt.Errorf("open journal: %w", err)
		}
	}
	j.bucket.look(j.records.Stream().CachedInfo(), nc.Stats().Reconnects)
	go j.watchConnection(nc.StatusChanged(nats.CONNECTED))
	return j, nil
}

// Close lets go of what Open started. It does not close the connection.
func (j *Journal) Close() { j.once.Do(func() { close(j.closed) }) }

// watchConnection notices new connections when nobody asks, so that ages start
// to count from the reconnect and not from the next wake-up; and a bucket that is
// another one, after a reconnect and now and then.
func (j *Journal) watchConnection(up chan nats.Status) {
	defer j.nc.RemoveStatusListener(up)
	tick := time.NewTicker(j.options.LookEvery)
	defer tick.Stop()
	for {
		select {
		case <-j.closed:
			return
		case _, ok := <-up:
			if !ok {
				return
			}
			j.epochs.Now()
		case <-tick.C:
		}
		j.lookAtBucket()
		j.lookForCommands()
		j.lookForRecovery()
	}
}

// Valid says whether rev was read or written on the connection that still stands.
func (j *Journal) Valid(rev loop.Revision) bool { return j.epochs.Valid(rev) }

// Age says how long the record has certainly stood as it is. See [runner.Journal].
func (j *Journal) Age(rev loop.Revision, seen time.Time) time.Duration {
	return j.epochs.Age(rev, seen)
}

// openStreams verifies what is there and makes what is missing, with the id of the
// others. It never changes a stream that exists. Two that start at once both find
// nothing: who makes the first stream gives it its id, the other one takes that.
func (j *Journal) openStreams(ctx context.Context) error {
	in, err := streams.Survey(ctx, j.js)
	if err != nil {
		return err
	}
	id, err := in.Identity()
	if err == nil {
		err = in.Lost()
	}
	if err != nil {
		return err
	}
	if in.Fresh() && id.Installation == "" {
		id = streams.NewIdentity(rand.Text())
	} else if missing := in.Unmarked(); len(missing) > 0 {
		j.options.Log.Warn("streams bear no installation id, so that one of another backup would not be noticed: run staffetta streams upgrade, when every service has this version", "streams", strings.Join(missing, ", "))
	}
	if in.Earlier() {
		j.options.Log.Warn("streams are those of an earlier version, in which one message may act on others: run staffetta streams upgrade, when every service has this version")
	}
	for _, want := range streams.Core(j.options.Replicas) {
		if want.Name == streams.Commands && in.Beside() {
			continue // they lie beside the timers until the streams are upgraded
		}
		if in.Have[want.Name] == nil && in.Recorded {
			j.options.Log.Error("a stream was missing beside records, and is made anew, empty: if it was lost, see docs/disaster.md", "stream", want.Name)
		}
		s, err := streams.Ensure(ctx, j.js, want, id)
		if err != nil {
			return err
		}
		if in.Fresh() && want.Name == streams.Records {
			id = streams.IdentityOf(s.CachedInfo().Config) // perhaps somebody else was quicker
		}
		if err := streams.Belongs(s, id); err != nil {
			return err
		}
		switch want.Name {
		case streams.Commands:
			j.commands.found()
		case streams.Records:
			j.records = streams.NewKeeper(streams.Access{JS: j.js}, j.epochs, s)
		case streams.Events:
			j.events = s
		case streams.DeadLetters:
			j.letters = s
		}
	}
	audiences, err := streams.Ensure(ctx, j.js, streams.OfAudiences(j.options.Replicas), id)
	if err == nil {
		err = streams.Belongs(audiences, id)
	}
	if err != nil {
		return err
	}
	if in.Have[streams.Schedules] == nil && (in.Recorded || in.Have[streams.ScheduleWakeups] != nil) {
		j.options.Log.Error("the schedules are missing beside records or timers of theirs, and their stream is made anew, empty: if it was lost, no recurring campaign is asked for any more; see docs/disaster.md", "stream", streams.Schedules)
	}
	j.id = id
	if at := in.Newest(); !at.IsZero() {
		j.sweep.before = at.Add(-j.options.PowerCut)
	}
	return in.Outlive()
}
