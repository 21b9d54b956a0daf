package journal

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// requests looks for requests that the service is done with, and that
// left neither a record nor a dead letter. What the last power cut can have taken is
// handled again. Of what is older, a few are handled too; more are left alone until
// somebody has looked.
//
// What was found in order once is found so for as long as the checkpoint is there that
// says it: the record lies before it in the same stream. All requests are looked at
// again, a part of them with each sweep, as the records are.
func (s *sweep) requests(ctx context.Context) error {
	if !s.losses.Pulling() {
		return nil
	}
	// Up to the floor everything is acknowledged. Above it, requests may just be
	// waiting for their turn.
	floor, consumed, err := streams.Handled(ctx, s.js, streams.RequestConsumer())
	if err != nil || !consumed {
		return err // or nobody has consumed yet
	}
	c := &s.checkpoint
	l := requestLook{sweep: s, floor: floor, own: map[string]uint64{}}
	cfg := jetstream.ConsumerConfig{HeadersOnly: true}
	known := c.Requests
	if !known.IsZero() {
		cfg.DeliverPolicy, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, &known
	}
	if _, err := l.walk(ctx, cfg, math.MaxInt, time.Time{}); err != nil {
		return err
	}
	if !l.last.IsZero() {
		c.Requests = l.last
	}
	if !known.IsZero() && !l.stopped {
		requests, err := s.js.Stream(ctx, streams.Requests)
		if err != nil {
			return err
		}
		cfg := streams.Behind(c.Round.Requests)
		cfg.HeadersOnly = true
		if c.Round.Requests, err = l.walk(ctx, cfg, s.partOfRound(requests.CachedInfo().State.Msgs, requestsRound, 8*sweepChunk), known); err != nil {
			return err
		}
	}
	if l.stopped {
		return nil
	}
	for _, r := range l.older {
		if err := s.resend(ctx, r); err != nil {
			return err
		}
	}
	c.Before = s.began.Add(-s.options.PowerCut)
	return nil
}

// request is one in its stream.
type request struct {
	key campaign.Key
	seq uint64
}

// requestLook is a look at requests.
type requestLook struct {
	*sweep
	floor   uint64
	last    time.Time            // when the last request was stored before which all are in order
	own     map[string]uint64    // up to which sequence each source's own are handled
	missing bool                 // one has no record, or waits
	stopped bool                 // too many are not
	buried  map[uint64]time.Time // letters of requests since; nil: not looked at yet
	since   time.Time
	older   []request // what no power cut can have taken
}

// walk looks at so many requests at most, and at none that was stored at a moment or
// after it, if it is not zero. It returns the sequence to go on behind; zero: from the
// start.
func (l *requestLook) walk(ctx context.Context, cfg jetstream.ConsumerConfig, most int, until time.Time) (uint64, error) {
	var at uint64
	for m, err := range streams.Walk(ctx, l.js, streams.Requests, cfg) {
		if err != nil {
			return 0, err
		}
		meta, err := m.Metadata()
		if err != nil {
			return 0, err
		}
		if meta.Sequence.Stream > l.floor || time.Since(meta.Timestamp) < l.options.Overdue || !until.IsZero() && !meta.Timestamp.Before(until) {
			return 0, nil
		}
		if most--; most < 0 {
			return at, nil
		}
		at = meta.Sequence.Stream
		if !l.missing && until.IsZero() {
			l.last = meta.Timestamp
		}
		l.found.Asked++
		if err := l.pause(ctx, sweepChunk); err != nil {
			return 0, err
		}
		if err := l.look(ctx, m.Subject(), meta); err != nil || l.stopped {
			return at - 1, err // it is found again when somebody has looked
		}
	}
	return 0, nil
}

// look looks at one request.
func (l *requestLook) look(ctx context.Context, subject string, meta *jetstream.MsgMetadata) error {
	key, rest, err := contract.SplitSubject(subject, streams.RequestPrefix)
	if err != nil || rest != "" {
		return nil // it lies in the dead letters
	}
	if _, asked := l.own[key.Source]; !asked {
		if l.own[key.Source], err = l.handledOf(ctx, key.Source); err != nil {
			return err
		}
	}
	if meta.Sequence.Stream > l.own[key.Source] {
		l.missing = true // it waits for its turn among its source's, and is looked at again then
		return nil
	}
	known, err := l.recorded(ctx, key)
	if err != nil || known {
		return err
	}
	if l.buried == nil || meta.Timestamp.Before(l.since) {
		if l.buried, err = l.buriedSince(ctx, meta.Timestamp); err != nil {
			return err
		}
		l.since = meta.Timestamp
	}
	if l.buried[meta.Sequence.Stream].Equal(meta.Timestamp) {
		return nil
	}
	l.missing = true
	r := request{key, meta.Sequence.Stream}
	if !meta.Timestamp.Before(l.sweep.sweep.before) {
		return l.resend(ctx, r)
	}
	mayGoOn, err := l.mayHandle(ctx, key, meta.Timestamp)
	if l.stopped = !mayGoOn; mayGoOn {
		l.older = append(l.older, r)
	}
	return err
}

// resend has a request handled again.
func (s *sweep) resend(ctx context.Context, r request) error {
	seq := strconv.FormatUint(r.seq, 10)
	s.found.Resent++
	return s.wake(ctx, r.key, "request-"+seq, nats.Header{headerResend: {seq}})
}

// recorded says that a campaign has a record, or had one that somebody deleted by hand:
// what has a marker is not lost.
func (j *Journal) recorded(ctx context.Context, key campaign.Key) (bool, error) {
	_, rev, err := j.records.Read(ctx, contract.RecordSubject(key))
	return rev.Seq > 0, err
}

// buriedSince are the requests from a moment on that became dead letters, by
// sequence, each with when it was stored: a stream that was deleted and made again
// counts anew. Another letter of the same campaign says nothing of a request.
func (j *Journal) buriedSince(ctx context.Context, stored time.Time) (map[uint64]time.Time, error) {
	from := stored.Add(-streams.LookBack) // the letters' leader may have another clock
	buried, n := map[uint64]time.Time{}, 0
	for l, err := range walkLetters(ctx, j.js, jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &from}) {
		if err != nil {
			return nil, err
		}
		if l.Stream == streams.Requests {
			buried[l.Sequence] = l.Stored
		}
		n++
		if err := pauseNow(ctx, n%streams.WalkBatch == 0); err != nil {
			return nil, err
		}
	}
	return buried, nil
}
