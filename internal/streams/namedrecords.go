package streams

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/loop"
)

// headerBusy is on a record in which something is not over.
const headerBusy = "Staffetta-Busy"

// NamedRecords is small records by name in a bucket: [budget.Store], and [button.Store].
type NamedRecords struct {
	records *Keeper
	prefix  string
}

// NewNamedRecords are those of a stream under a prefix of their subjects.
func NewNamedRecords(a Access, s jetstream.Stream, prefix string) *NamedRecords {
	return &NamedRecords{NewKeeper(a, NewEpochs(a.JS.Conn()), s), prefix}
}

// Get asks the stream's leader. See [budget.Store].
func (s *NamedRecords) Get(ctx context.Context, name string) ([]byte, loop.Revision, error) {
	r, rev, err := s.records.Read(ctx, s.prefix+name)
	switch {
	case err != nil || r.Absent:
		return nil, rev, err
	case r.Data == nil:
		return []byte{}, rev, nil // it is there, and says nothing
	}
	return r.Data, rev, nil
}

// Put stores a record if it still is what rev says. See [budget.Store].
func (s *NamedRecords) Put(ctx context.Context, name string, data []byte, busy bool, rev loop.Revision) error {
	m := nats.NewMsg(s.prefix + name)
	m.Data = data
	m.Header.Set(headerBusy, strconv.FormatBool(busy))
	_, err := s.records.Save(ctx, m, rev)
	return err
}

// List reads headers only. See [budget.Store].
func (s *NamedRecords) List(ctx context.Context, prefix string, busy bool) ([]string, error) {
	var names []string
	cfg := jetstream.ConsumerConfig{HeadersOnly: true, FilterSubject: s.prefix + prefix + ">"}
	for r, err := range s.records.Walk(ctx, cfg) {
		if err != nil {
			return nil, err
		}
		if !r.Absent && (!busy || r.Header.Get(headerBusy) == "true") {
			names = append(names, strings.TrimPrefix(r.Subject, s.prefix))
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil // one that was put meanwhile was there twice
}
