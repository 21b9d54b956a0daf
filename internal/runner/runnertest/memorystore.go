package runnertest

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/staffetta-io/staffetta/internal/loop"
)

// MemoryStore is the store of the budgets in memory, for one replica: records by name,
// under compare-and-set. [MemoryStore.Peer] gives another replica the same records.
type MemoryStore struct {
	*records
	fault func(op string) (apply bool, err error)
}

type records struct {
	mu     sync.Mutex
	seq    uint64            // guarded by mu
	byName map[string]record // guarded by mu
}

type record struct {
	data []byte
	busy bool
	seq  uint64
}

// NewMemoryStore returns a store without records, with which nothing goes wrong.
func NewMemoryStore() *MemoryStore {
	return &MemoryStore{records: &records{byName: map[string]record{}}}
}

// Peer is another replica's. Fault, unless it is nil, is asked before every call,
// outside of the lock: "get", "put". With an error the caller gets it; with apply
// the put took effect all the same, as when only the reply was lost.
func (s *MemoryStore) Peer(fault func(op string) (apply bool, err error)) *MemoryStore {
	return &MemoryStore{s.records, fault}
}

// Record is what is stored under a name; nil: nothing.
func (s *MemoryStore) Record(name string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.byName[name].data)
}

// Get returns the latest version. A name without a record gives no data.
func (s *MemoryStore) Get(_ context.Context, name string) ([]byte, loop.Revision, error) {
	if s.fault != nil {
		if _, err := s.fault("get"); err != nil {
			return nil, loop.Revision{}, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.byName[name]
	return bytes.Clone(r.data), loop.Revision{Seq: r.seq}, nil
}

// Put stores the record if it still is what rev says.
func (s *MemoryStore) Put(_ context.Context, name string, data []byte, busy bool, rev loop.Revision) error {
	apply, lost := true, error(nil)
	if s.fault != nil {
		apply, lost = s.fault("put")
		apply = apply || lost == nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !apply:
	case s.byName[name].seq != rev.Seq && lost == nil:
		return loop.ErrConflict
	case s.byName[name].seq == rev.Seq:
		s.seq++
		s.byName[name] = record{bytes.Clone(data), busy, s.seq}
	}
	return lost
}

// List names the records that begin so, in order; with busy only those that were
// last put busy.
func (s *MemoryStore) List(_ context.Context, prefix string, busy bool) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name, r := range s.byName {
		if strings.HasPrefix(name, prefix) && (!busy || r.busy) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}
