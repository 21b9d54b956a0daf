package journal

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"buf.build/go/protovalidate"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
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
	// still the same one. Zero: 5 s.
	LookEvery time.Duration
	// PowerCut is how far back a power cut may have taken acknowledged writes. It is
	// also more than the clocks of two servers differ by. Zero: 1 h.
	PowerCut time.Duration
	// SweepEvery is how often [Journal.Sweep] looks, more or less. Zero: 10 min.
	SweepEvery time.Duration
	// ProofRequired refuses commands that nobody is proven to have given; opening fails
	// where NATS proves nothing.
	ProofRequired bool
	// Log takes what happens in the background: consumers made again, sweeps.
	// Nil: nothing is logged.
	Log *slog.Logger
	// OnBuried is told the reason of every dead letter once it is written. It
	// must not block. Nil: nobody is told.
	OnBuried func(reason string)
	// OnSwept is told what every sweep found. It must not block. Nil: nobody
	// is told.
	OnSwept func(Swept)
	// OnToldOtherwise is told that a cost was told before, for another draft or
	// another quote: somebody has been further than a record knows. It must not
	// block. Nil: nobody is told.
	OnToldOtherwise func(campaign.Key, *runner.ToldOtherwise)
	// OnDisbelieved is told of every read of a record that no version can have
	// written so. It must not block. Nil: nobody is told.
	OnDisbelieved func(what string)
	// OnBroken is told of a campaign that was not saved because an event that it would
	// owe breaks the contract. It must not block. Nil: nobody is told.
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
		o.PowerCut = lookBack
	}
	if o.SweepEvery == 0 {
		o.SweepEvery = sweepEvery
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.OnBuried == nil {
		o.OnBuried = func(string) {}
	}
	if o.OnSwept == nil {
		o.OnSwept = func(Swept) {}
	}
	if o.OnToldOtherwise == nil {
		o.OnToldOtherwise = func(campaign.Key, *runner.ToldOtherwise) {}
	}
	if o.OnDisbelieved == nil {
		o.OnDisbelieved = func(string) {}
	}
	if o.OnBroken == nil {
		o.OnBroken = func(campaign.Key) {}
	}
	return o
}

// Journal keeps campaigns in JetStream. It is safe for concurrent use.
type Journal struct {
	Options
	nc       *nats.Conn
	js       jetstream.JetStream
	requests jetstream.Stream
	records  jetstream.Stream
	events   jetstream.Stream
	letters  jetstream.Stream
	intake   *intake
	promise  protovalidate.Validator
	id       identity // what the streams bear
	commands *commands

	epochs sync.Mutex
	epoch  uint64    // guarded by epochs: the connection last seen
	since  time.Time // guarded by epochs: when it was first seen, monotonic
	anew   uint64    // guarded by epochs: how often the records were found made anew

	bucket bucket
	losses *losses
	lanes  atomic.Pointer[[]*lane] // nil: not consuming
	sweep  struct {
		sync.Mutex
		from  time.Time // requests stored before it are in order; zero: not looked yet
		epoch uint64    // the connection on which that was found
		// before: what was stored before it, no power cut can have taken with it: the
		// cut came after something that is still there, or after the last sweep.
		before time.Time
	}
	closed chan struct{}
	once   sync.Once
}

var _ runner.Journal = (*Journal)(nil)

// Open checks the server, creates the streams that are absent, and verifies
// those that are present. The connection stays the caller's; make it with
// [Connect], which turns the reconnect buffer off.
func Open(ctx context.Context, nc *nats.Conn, o Options) (*Journal, error) {
	js, err := newJetStream(nc)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if nc.Opts.ReconnectBufSize >= 0 {
		return nil, fmt.Errorf("open journal: the connection has a reconnect buffer, which could send a save on a connection it was not meant for; use journal.Connect")
	}
	promise, err := newPromise()
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if err := checkServer(ctx, nc, js); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	j := &Journal{Options: o.withDefaults(), nc: nc, js: js, losses: newLosses(), commands: newCommands(), promise: promise, closed: make(chan struct{})}
	if j.intake, err = newIntake(j.loadRequest); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if err := j.openStreams(ctx); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if err := j.hearProof(ctx); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	j.connection()
	j.bucket.look(j.records.CachedInfo(), nc.Stats().Reconnects)
	go j.watchConnection(nc.StatusChanged(nats.CONNECTED))
	return j, nil
}

// loadRequest reads a request by its sequence.
func (j *Journal) loadRequest(ctx context.Context, seq uint64) (*jetstream.RawStreamMsg, error) {
	m, err := j.requests.GetMsg(ctx, seq)
	if err != nil {
		return nil, err
	}
	// What the server says of where it found it is no part of the message.
	for _, added := range []string{jetstream.StreamHeader, jetstream.SubjectHeader, jetstream.SequenceHeader, jetstream.TimeStampHeaer} {
		m.Header.Del(added)
	}
	return m, nil
}

// Close lets go of what Open started. It does not close the connection.
func (j *Journal) Close() { j.once.Do(func() { close(j.closed) }) }

// connection counts the connections that this process has had, and the buckets. The
// client raises its count under the same lock that guards its socket, before anything
// can be written to the new one: no save decided on the old connection passes
// for one decided on the new.
func (j *Journal) connection() uint64 {
	reconnects := j.nc.Stats().Reconnects
	j.epochs.Lock()
	defer j.epochs.Unlock()
	n := reconnects + 1 + j.anew
	if n > j.epoch {
		// First seen is later than connected: ages come out too small, never
		// too large.
		j.epoch, j.since = n, time.Now()
	}
	return n
}

// watchConnection notices new connections when nobody asks, so that ages start
// to count from the reconnect and not from the next wake-up; and a bucket that is
// another one, after a reconnect and now and then.
func (j *Journal) watchConnection(up chan nats.Status) {
	defer j.nc.RemoveStatusListener(up)
	tick := time.NewTicker(j.LookEvery)
	defer tick.Stop()
	for {
		select {
		case <-j.closed:
			return
		case _, ok := <-up:
			if !ok {
				return
			}
			j.connection()
		case <-tick.C:
		}
		j.lookAtBucket()
		j.lookForCommands()
		j.lookForRecovery()
	}
}

// Valid says whether rev was read or written on the connection that still stands.
func (j *Journal) Valid(rev runner.Revision) bool {
	return rev.Epoch == j.connection() && j.nc.IsConnected()
}

// Age says how long the record has certainly stood as it is. See [runner.Journal].
func (j *Journal) Age(rev runner.Revision, seen time.Time) time.Duration {
	if rev.At.IsZero() || !j.Valid(rev) {
		return 0
	}
	j.epochs.Lock()
	connected := time.Since(j.since) // monotonic: a clock that jumps ages nothing
	j.epochs.Unlock()
	return max(0, min(seen.Sub(rev.At), connected))
}
