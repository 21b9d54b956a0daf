package journal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

const (
	sweepEvery = 10 * time.Minute
	// lookBack is how far back requests are checked again after a reconnect:
	// a server that lost power may have lost the newest records. It is also more
	// than the clocks of two servers differ by.
	lookBack = time.Hour
	// sweepPause after every sweepChunk look-ups keeps the sweep slow: it must
	// never be felt.
	sweepChunk, sweepPause = 64, 50 * time.Millisecond
)

// Swept is what one sweep did.
type Swept struct {
	Records int // records looked at
	Overdue int // of them, those that were woken
	Asked   int // requests looked at
	Resent  int // of them, those that have no record and are handled again
	Lost    int // those that have none and that no power cut can have taken: some of Resent, or all left alone

	At      time.Time              // when it ended
	States  map[campaign.State]int // how many records are in each state
	Oldest  time.Duration          // for how long the campaign that waits longest should have been looked at
	Letters uint64                 // dead letters that are kept
}

// Sweep is the second net under the timers. Until ctx ends it looks, every
// ten minutes or so ([Options.SweepEvery]), for campaigns that should have been
// woken and were not, and for requests that were acknowledged and have no record
// (their last save was lost with a power cut). It wakes each; it decides nothing.
func (j *Journal) Sweep(ctx context.Context) {
	// Soon after the start (half a minute to one and a half), because a service that
	// was away is the likeliest cause; not at once, and not all replicas together.
	pause := j.SweepEvery/20 + rand.N(j.SweepEvery/10)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		found, err := j.SweepOnce(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			j.Log.Warn("sweep", "error", err)
		default:
			j.OnSwept(found)
		}
		if found.Overdue+found.Resent > 0 {
			j.Log.Warn("sweep woke campaigns that had been forgotten", "overdue", found.Overdue, "requests_without_record", found.Resent)
		}
		pause = j.SweepEvery*3/4 + rand.N(j.SweepEvery/2)
	}
}

// SweepOnce is one sweep. One runs at a time.
func (j *Journal) SweepOnce(ctx context.Context) (Swept, error) {
	j.sweep.Lock()
	defer j.sweep.Unlock()
	found := Swept{States: map[campaign.State]int{}}
	if err := j.sweepRecords(ctx, &found); err != nil {
		return found, fmt.Errorf("sweep records: %w", err)
	}
	if err := j.sweepRequests(ctx, &found); err != nil {
		return found, fmt.Errorf("sweep requests: %w", err)
	}
	letters, err := j.letters.Info(ctx)
	if err != nil {
		return found, fmt.Errorf("sweep dead letters: %w", err)
	}
	found.Letters, found.At = letters.State.Msgs, time.Now()
	return found, nil
}

// sweepRecords reads headers only: a million records are a few seconds.
func (j *Journal) sweepRecords(ctx context.Context, found *Swept) error {
	for m, err := range walk(ctx, j.js, StreamRecords, jetstream.ConsumerConfig{HeadersOnly: true}) {
		if err != nil {
			return err
		}
		key, rest, err := splitSubject(m.Subject(), recordPrefix)
		if err != nil || rest != "" {
			continue // no campaign's
		}
		found.Records++
		if err := pace(ctx, found.Records%walkBatch == 0); err != nil {
			return err
		}
		h := m.Headers()
		if h.Get(headerKV) == "" {
			found.States[campaign.State(h.Get(headerState))]++
		}
		text := h.Get(headerWake)
		if text == "" {
			continue // it is final
		}
		wake, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			continue
		}
		late := time.Since(wake)
		if found.Oldest = max(found.Oldest, late); late < j.Overdue || !j.losses.Pulling() {
			continue
		}
		if err := j.wake(ctx, key, "overdue-"+key.String()+"-"+text, nil); err != nil {
			return err
		}
		found.Overdue++
	}
	return nil
}

// sweepRequests looks for requests that the service is done with, and that
// left neither a record nor a dead letter. What the last power cut can have taken is
// handled again. Of what is older, a few are handled too; more are left alone until
// somebody has looked.
func (j *Journal) sweepRequests(ctx context.Context, found *Swept) error {
	if !j.losses.Pulling() {
		return nil
	}
	began := time.Now()
	cons, err := j.js.Consumer(ctx, StreamRequests, consumers[0].name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil // nobody has consumed yet
	}
	if err != nil {
		return err
	}
	// Below the floor everything is acknowledged. Above it, requests may just
	// be waiting for their turn.
	floor := cons.CachedInfo().AckFloor.Stream
	cfg := jetstream.ConsumerConfig{HeadersOnly: true}
	if from := j.sweepFrom(); !from.IsZero() {
		cfg.DeliverPolicy, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, &from
	}
	var missing time.Time           // when the first request without a record was stored
	var buried map[uint64]time.Time // not looked at before it is needed
	var older []request             // what no power cut can have taken
	for m, err := range walk(ctx, j.js, StreamRequests, cfg) {
		if err != nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		if meta.Sequence.Stream > floor || time.Since(meta.Timestamp) < j.Overdue {
			break
		}
		if missing.IsZero() {
			j.sweep.from = meta.Timestamp
		}
		found.Asked++
		if err := pace(ctx, found.Asked%sweepChunk == 0); err != nil {
			return err
		}
		key, rest, err := splitSubject(m.Subject(), requestPrefix)
		if err != nil || rest != "" {
			continue // it lies in the dead letters
		}
		known, err := j.recorded(ctx, key)
		if err != nil {
			return err
		}
		if known {
			continue
		}
		if buried == nil {
			if buried, err = j.buriedSince(ctx, meta.Timestamp); err != nil {
				return err
			}
		}
		if buried[meta.Sequence.Stream].Equal(meta.Timestamp) {
			continue
		}
		if missing.IsZero() {
			missing = meta.Timestamp
		}
		r := request{key, meta.Sequence.Stream}
		if !meta.Timestamp.Before(j.sweep.before) {
			if err := j.resend(ctx, r, found); err != nil {
				return err
			}
			continue
		}
		found.Lost++
		switch mayGoOn, err := j.missing(ctx, key, meta.Timestamp); {
		case err != nil:
			return err
		case !mayGoOn:
			return nil
		}
		older = append(older, r)
	}
	for _, r := range older {
		if err := j.resend(ctx, r, found); err != nil {
			return err
		}
	}
	j.sweep.before = began.Add(-j.PowerCut)
	return nil
}

// request is one in its stream.
type request struct {
	key campaign.Key
	seq uint64
}

// resend has a request handled again.
func (j *Journal) resend(ctx context.Context, r request, found *Swept) error {
	seq := strconv.FormatUint(r.seq, 10)
	found.Resent++
	return j.wake(ctx, r.key, "request-"+seq, nats.Header{headerResend: {seq}})
}

// sweepFrom is where the next look at the requests begins: what was found in
// order once is not looked at again, unless the connection broke since.
func (j *Journal) sweepFrom() time.Time {
	if epoch := j.connection(); epoch != j.sweep.epoch {
		if back := time.Now().Add(-lookBack); j.sweep.epoch != 0 && j.sweep.from.After(back) {
			j.sweep.from = back
		}
		j.sweep.epoch = epoch
	}
	return j.sweep.from
}

// recorded says that a campaign has a record.
func (j *Journal) recorded(ctx context.Context, key campaign.Key) (bool, error) {
	_, err := j.records.GetLastMsgForSubject(ctx, recordSubject(key))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	return err == nil, err
}

// buriedSince are the requests from a moment on that became dead letters, by
// sequence, each with when it was stored: a stream that was deleted and made again
// counts anew. Another letter of the same campaign says nothing of a request.
func (j *Journal) buriedSince(ctx context.Context, stored time.Time) (map[uint64]time.Time, error) {
	from := stored.Add(-lookBack) // the letters' leader may have another clock
	buried, n := map[uint64]time.Time{}, 0
	for l, err := range walkLetters(ctx, j.js, jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &from}) {
		if err != nil {
			return nil, err
		}
		if l.Stream == StreamRequests {
			buried[l.Sequence] = l.Stored
		}
		n++
		if err := pace(ctx, n%walkBatch == 0); err != nil {
			return nil, err
		}
	}
	return buried, nil
}

// wake publishes a wake-up. The id keeps two replicas that sweep together from
// waking twice; if they do, nothing is lost but time.
func (j *Journal) wake(ctx context.Context, key campaign.Key, id string, h nats.Header) error {
	m := nats.NewMsg(wakeupSubject(key))
	for name, values := range h {
		m.Header[name] = values
	}
	_, err := j.js.PublishMsg(ctx, m, jetstream.WithMsgID(id), jetstream.WithMsgTTL(wakeupLife))
	if err != nil {
		return fmt.Errorf("wake %s: %w", key, err)
	}
	return nil
}

// pace pauses now and then.
func pace(ctx context.Context, now bool) error {
	if !now {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(sweepPause):
		return nil
	}
}
