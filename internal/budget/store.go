package budget

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/staffetta-io/staffetta/internal/loop"
)

// Store keeps records by name, in one place that all replicas share. It is
// safe for concurrent use.
type Store interface {
	// Get returns the latest acknowledged version, from the leader, never a
	// stale one. A name without a record gives no data and the revision to
	// create it with.
	Get(ctx context.Context, name string) (data []byte, rev loop.Revision, err error)
	// Put stores the record if it still is what rev says, durably.
	// [loop.ErrConflict]: it is not stored. Any other error: unknown. Busy
	// marks a record in which something is not over; List can choose by it.
	Put(ctx context.Context, name string, data []byte, busy bool, rev loop.Revision) error
	// List returns the names with this prefix in order, each once; with busy only
	// those whose last Put was busy. Names that are made meanwhile may be missing.
	List(ctx context.Context, prefix string, busy bool) ([]string, error)
}

// maxTries bounds the attempts to change one record. Each conflict means that
// another writer has succeeded, so this many in a row mean a mistake.
const maxTries = 200

// update reads a record, lets edit make the next version, and stores that. On a
// conflict it starts again. An edit that returns false leaves the record as it
// is.
func update[R record](ctx context.Context, s Store, name string, edit func(R) (R, bool, error)) error {
	for try := range maxTries {
		r, rev, err := read[R](ctx, s, name)
		if err != nil {
			return err
		}
		if page, ok := any(&r).(*Ledger); ok {
			page.Name = name
		}
		r, changed, err := edit(r)
		if err != nil || !changed {
			return err
		}
		data, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		err = s.Put(ctx, name, data, hasReservations(r), rev)
		if !errors.Is(err, loop.ErrConflict) {
			if err != nil {
				return fmt.Errorf("write %s: %w", name, err)
			}
			return nil
		}
		if err := backOff(ctx, try); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return fmt.Errorf("write %s: others were quicker %d times in a row", name, maxTries)
}

// ErrCorrupt means that no version of the service can have written this
// record.
var ErrCorrupt = errors.New("restore what was there")

// record is what a store keeps.
type record interface {
	// name is the name inside the record; empty: an earlier version wrote none.
	name() string
}

func (d Definition) name() string { return definitionName(d.Scope) }
func (e Earlier) name() string    { return changeName(e.Scope, e.N) }
func (l Ledger) name() string     { return l.Name }

// read reads a record; none is the zero one.
func read[R record](ctx context.Context, s Store, name string) (r R, rev loop.Revision, err error) {
	data, rev, err := s.Get(ctx, name)
	if err != nil || data == nil {
		if err != nil {
			err = fmt.Errorf("read %s: %w", name, err)
		}
		return r, rev, err
	}
	var v struct {
		Schema int `json:"schema"`
	}
	if err := json.Unmarshal(data, &v); err == nil && v.Schema > schema {
		return r, rev, fmt.Errorf("read %s: it has schema %d, this version knows up to %d: a newer staffetta wrote it, upgrade this one", name, v.Schema, schema)
	}
	switch err := json.Unmarshal(data, &r); {
	case err != nil:
		return r, rev, fmt.Errorf("read %s: it is not readable: %w: %w", name, err, ErrCorrupt)
	case v.Schema < 1:
		return r, rev, fmt.Errorf("read %s: it has schema %d, which no version writes: %w", name, v.Schema, ErrCorrupt)
	case r.name() != "" && r.name() != name:
		return r, rev, fmt.Errorf("read %s: it says that it is %s: %w", name, r.name(), ErrCorrupt)
	}
	return r, rev, nil
}

func hasReservations(r any) bool {
	l, ok := r.(Ledger)
	return ok && len(l.Open) > 0
}

// backOff waits, longer with every try, so that replicas which write the same
// record stop colliding.
func backOff(ctx context.Context, try int) error {
	if try == 0 {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(min(time.Millisecond<<min(try, 6), 50*time.Millisecond))):
		return nil
	}
}
