package journal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// StreamBudgets holds the budgets and their ledgers. It is there once somebody
// has set a budget, or a service was told to heed them.
const StreamBudgets = "KV_budgets"

const (
	budgetPrefix = "$KV.budgets."
	headerBusy   = "Staffetta-Busy" // on a record in which something is not over
)

// budgetStream is a bucket like that of the records, and for the same reason
// made as a stream: a direct read may be stale.
func budgetStream(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              StreamBudgets,
		Description:       "Staffetta: what may be spent, and what is",
		Subjects:          []string{budgetPrefix + ">"},
		MaxMsgsPerSubject: 1,
		Discard:           jetstream.DiscardNew,
		AllowRollup:       true,
		DenyDelete:        true,
		Replicas:          replicas,
	}
}

// OpenBudgets opens the budgets on a connection made with [Connect], and makes
// their stream if it is absent. Replicas zero: as many as the records have.
func OpenBudgets(ctx context.Context, nc *nats.Conn, replicas int) (*budget.Book, error) {
	return openBudgets(ctx, nc, func(js jetstream.JetStream) (jetstream.Stream, error) {
		if replicas == 0 {
			replicas = 1
			if records, err := js.Stream(ctx, StreamRecords); err == nil {
				replicas = records.CachedInfo().Config.Replicas
			}
		}
		return ensureStream(ctx, js, budgetStream(replicas))
	})
}

// FindBudgets opens the budgets if there are any, else it says
// [budget.ErrNone].
func FindBudgets(ctx context.Context, nc *nats.Conn) (*budget.Book, error) {
	return openBudgets(ctx, nc, func(js jetstream.JetStream) (jetstream.Stream, error) {
		s, err := js.Stream(ctx, StreamBudgets)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil, budget.ErrNone
		}
		if err == nil {
			err = verifyStream(s.CachedInfo().Config, budgetStream(0))
		}
		return s, err
	})
}

func openBudgets(ctx context.Context, nc *nats.Conn, open func(jetstream.JetStream) (jetstream.Stream, error)) (*budget.Book, error) {
	js, err := newJetStream(nc)
	if err != nil {
		return nil, fmt.Errorf("open budgets: %w", err)
	}
	s, err := open(js)
	if err != nil {
		return nil, fmt.Errorf("open budgets: %w", orDenied(ctx, err))
	}
	return budget.NewBook(&budgetStore{nc: nc, js: js, stream: s}), nil
}

// budgetStore is [budget.Store] on a bucket.
type budgetStore struct {
	nc     *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream
}

// Get asks the stream's leader. See [budget.Store].
func (s *budgetStore) Get(ctx context.Context, name string) ([]byte, runner.Revision, error) {
	// Taken before the read, as with records.
	rev := runner.Revision{Epoch: s.nc.Stats().Reconnects + 1}
	m, err := s.stream.GetLastMsgForSubject(ctx, budgetPrefix+name)
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
	return m.Data, rev, nil
}

// Put stores a record if it still is what rev says. See [budget.Store]. A
// revision of an earlier connection counts for nothing: its number may have
// been given again, to something else.
func (s *budgetStore) Put(ctx context.Context, name string, data []byte, busy bool, rev runner.Revision) error {
	m := nats.NewMsg(budgetPrefix + name)
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
func (s *budgetStore) List(ctx context.Context, prefix string, busy bool) ([]string, error) {
	var names []string
	cfg := jetstream.ConsumerConfig{HeadersOnly: true, FilterSubjects: []string{budgetPrefix + prefix + ">"}}
	for m, err := range walk(ctx, s.js, StreamBudgets, cfg) {
		if err != nil {
			return nil, err
		}
		h := m.Headers()
		if h.Get(headerKV) == "" && (!busy || h.Get(headerBusy) == "true") {
			names = append(names, strings.TrimPrefix(m.Subject(), budgetPrefix))
		}
	}
	return names, nil
}

// SweepBudgets is the second net under the ledgers: until ctx ends it looks,
// every ten minutes or so, for reservations of campaigns that have ended, and
// settles them with what the record says. It tells after each sweep what that
// found.
func (j *Journal) SweepBudgets(ctx context.Context, b *budget.Book, tell func(context.Context, budget.Swept, *budget.Book) error) {
	pause := time.Minute + rand.N(time.Minute)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		found, err := j.SweepBudgetsOnce(ctx, b)
		if err == nil {
			err = tell(ctx, found, b)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			j.Log.Warn("sweep of the budgets", "error", err)
		case found.Settled+found.Orphaned > 0:
			j.Log.Warn("sweep found reservations that were left behind", "settled", found.Settled, "without_record", found.Orphaned)
		}
		pause = sweepEvery*3/4 + rand.N(sweepEvery/2)
	}
}

// SweepBudgetsOnce is one such sweep.
func (j *Journal) SweepBudgetsOnce(ctx context.Context, b *budget.Book) (budget.Swept, error) {
	return b.Sweep(ctx, func(ctx context.Context, key campaign.Key) (campaign.Campaign, error) {
		c, _, err := j.Load(ctx, key)
		return c, err
	})
}
