package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/rate"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// Rate is the record of one gateway account's rate. It is [rate.Store].
type Rate struct {
	nc       *nats.Conn
	js       jetstream.JetStream
	subject  string
	replicas int
	// read is the connection on which the record was read last, as its number.
	read atomic.Uint64
}

// OpenRate opens the record of an account, makes its stream if it is absent, and makes
// the first record of all. The connection is made with [streams.Connect], and the streams
// of the campaigns are open. An error that is a [*streams.Right] says what this user may
// not do, as where its permissions were printed by an earlier version.
func OpenRate(ctx context.Context, nc *nats.Conn, account string, replicas int) (*Rate, error) {
	js, err := streams.JetStream(nc)
	if err != nil {
		return nil, fmt.Errorf("open the shared rate: %w", err)
	}
	r := &Rate{nc: nc, js: js, subject: streams.RatePrefix + account, replicas: replicas}
	ctx, done := streams.WatchRights(nc).Watch(ctx, r.subject, streams.Rate, streams.RateMark)
	defer done()
	if err := r.open(ctx, account); err != nil {
		return nil, fmt.Errorf("open the shared rate: %w", streams.OrDenied(ctx, err))
	}
	return r, nil
}

func (r *Rate) open(ctx context.Context, account string) error {
	if err := r.ensure(ctx); err != nil {
		return err
	}
	// Nobody's record has this number: it is refused by whoever it is allowed to reach.
	_, err := r.js.Publish(ctx, r.subject, rate.First(), jetstream.WithExpectLastSequencePerSubject(1<<60), streams.NoRetry())
	for try := 0; errors.Is(err, jetstream.ErrNoStreamResponse) && try < leaderTries; try++ {
		// The three servers that another service has just told to keep it have no leader yet.
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(leaderPause):
		}
		_, err = r.js.Publish(ctx, r.subject, rate.First(), jetstream.WithExpectLastSequencePerSubject(1<<60), streams.NoRetry())
	}
	if answer := streams.SortWrite(err); answer != streams.Exists && answer != streams.Contended {
		return err
	}
	first, err := r.mark(ctx, account)
	if err != nil || !first {
		return err // a record that is missing was lost
	}
	// A crash on this line looks like a loss: nobody calls for a minute and a half.
	if _, err := r.Write(ctx, rate.First(), 0); err != nil && !errors.Is(err, rate.ErrConflict) {
		return err
	}
	return nil
}

// A stream that was just made has its leader within a second; so often it is asked again.
const leaderTries, leaderPause = 50, 200 * time.Millisecond

// mark notes that the rate of an account is shared, where it outlives the record. It says
// whether that was not noted before.
func (r *Rate) mark(ctx context.Context, account string) (first bool, err error) {
	for {
		var noted struct {
			Schema   int      `json:"schema"`
			Accounts []string `json:"accounts"`
		}
		last := uint64(0)
		m, err := streams.AskLeader(ctx, r.nc, streams.Records, streams.RateMark)
		if err == nil && m.Header.Get(streams.HeaderKV) == "" {
			err = json.Unmarshal(m.Data, &noted)
		}
		if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
			return false, fmt.Errorf("read %s: %w", streams.RateMark, err)
		}
		if m != nil {
			last = m.Sequence
		}
		if slices.Contains(noted.Accounts, account) {
			return false, nil
		}
		noted.Schema, noted.Accounts = 1, append(noted.Accounts, account)
		data, err := json.Marshal(noted)
		if err != nil {
			return false, err
		}
		_, err = r.js.Publish(ctx, streams.RateMark, data, jetstream.WithExpectLastSequencePerSubject(last), streams.NoRetry())
		switch streams.SortWrite(err) {
		case streams.Exists, streams.Contended: // somebody else does the same
			if ctx.Err() != nil {
				return false, ctx.Err()
			}
			continue
		}
		return err == nil, err
	}
}

func (r *Rate) ensure(ctx context.Context) error {
	id, err := streams.InstallationOf(ctx, r.js)
	if err == nil {
		_, err = streams.Ensure(ctx, r.js, streams.OfRate(r.replicas, time.Now()), id)
	}
	return err
}

// Read asks the stream's leader. A stream that is gone is made anew, empty.
func (r *Rate) Read(ctx context.Context) (rate.Stored, error) {
	got := rate.Stored{Connection: r.connection()} // taken before the read
	m, err := streams.AskLeader(ctx, r.nc, streams.Rate, r.subject)
	var api *jetstream.APIError
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
	case errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamNotFound:
		if err := r.ensure(ctx); err != nil {
			return rate.Stored{}, err
		}
	case err != nil:
		return rate.Stored{}, err
	default:
		got.Revision, got.At = m.Sequence, m.Time
		if m.Header.Get(streams.HeaderKV) == "" { // else it was deleted by hand
			got.Data = append([]byte{}, m.Data...) // one that says nothing is there, too
		}
	}
	r.read.Store(got.Connection)
	return got, nil
}

func (r *Rate) connection() uint64 { return r.nc.Stats().Reconnects + 1 }

// Write stores the record if it still has this revision.
func (r *Rate) Write(ctx context.Context, data []byte, revision uint64) (uint64, error) {
	if r.read.Load() != r.connection() && revision != 0 {
		return 0, rate.ErrConflict
	}
	within := streams.AnswerWithin
	if until, bounded := ctx.Deadline(); bounded {
		within = min(within, time.Until(until))
	}
	written, err := streams.Write(ctx, r.nc, streams.NewMsg(r.subject, nats.Header{}, data), revision, within)
	switch streams.SortWrite(err) {
	case streams.Exists, streams.Contended:
		return 0, rate.ErrConflict
	}
	return written, err
}
