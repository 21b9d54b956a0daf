package journal

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/runner"
)

// headerBusy is on a record in which something is not over.
const headerBusy = "Staffetta-Busy"

// shelf is small records by name in a bucket: [budget.Store], and [button.Store].
type shelf struct {
	nc     *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream
	prefix string
}

// Get asks the stream's leader. See [budget.Store].
func (s *shelf) Get(ctx context.Context, name string) ([]byte, runner.Revision, error) {
	// Taken before the read, as with records.
	rev := runner.Revision{Epoch: s.nc.Stats().Reconnects + 1}
	m, err := s.stream.GetLastMsgForSubject(ctx, s.prefix+name)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, rev, nil
	}
	if err != nil {
		return nil, rev, orDenied(ctx, err)
	}
	rev.Seq, rev.At = m.Sequence, m.Time
	if m.Header.Get(headerKV) != "" {
		return nil, rev, nil // deleted by hand: it may be made in the place of the marker
	}
	if m.Data == nil {
		m.Data = []byte{} // it is there, and says nothing
	}
	return m.Data, rev, nil
}

// Put stores a record if it still is what rev says. See [budget.Store]. A
// revision of an earlier connection counts for nothing: its number may have
// been given again, to something else.
func (s *shelf) Put(ctx context.Context, name string, data []byte, busy bool, rev runner.Revision) error {
	m := nats.NewMsg(s.prefix + name)
	m.Data = data
	m.Header.Set(headerBusy, strconv.FormatBool(busy))
	if rev.Epoch != s.nc.Stats().Reconnects+1 {
		return runner.ErrConflict
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	_, err := s.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(rev.Seq), noRetry)
	switch sortWrite(err) {
	case stored:
		return nil
	case exists, contended:
		return runner.ErrConflict
	}
	return orDenied(ctx, err)
}

// List reads headers only. See [budget.Store].
func (s *shelf) List(ctx context.Context, prefix string, busy bool) ([]string, error) {
	var names []string
	cfg := jetstream.ConsumerConfig{HeadersOnly: true, FilterSubjects: []string{s.prefix + prefix + ">"}}
	for m, err := range walk(ctx, s.js, s.stream.CachedInfo().Config.Name, cfg) {
		if err != nil {
			return nil, err
		}
		h := m.Headers()
		if h.Get(headerKV) == "" && (!busy || h.Get(headerBusy) == "true") {
			names = append(names, strings.TrimPrefix(m.Subject(), s.prefix))
		}
	}
	return names, nil
}
