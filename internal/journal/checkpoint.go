package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/streams"
)

const checkpointSchema = 1

// checkpoint is how far the fleet has looked, and who looks now. It is a mark among the
// records, under compare-and-set. It lies in their stream, behind the records that it
// speaks of, and that is the reason why it may be believed: what takes the tail of the
// stream, as a power cut or a backup does, takes the checkpoint before any record that
// it was made from. What is found then is the one before, or none, and then all is
// looked at.
type checkpoint struct {
	Schema int       `json:"schema"`
	Made   time.Time `json:"made"`  // when the stream was: another one has another date
	Until  uint64    `json:"until"` // the records were looked at up to this sequence; zero: never

	// The open campaigns, as they were then: which set of parts, and the sequence of
	// each part of both.
	Set   int         `json:"set"`
	Parts [2][]uint64 `json:"parts"`

	// Requests that were stored before it have a record, or had one.
	Requests time.Time `json:"requests,omitzero"`
	// Before: what was stored before it, no power cut can have taken with it, for the
	// cut came after this checkpoint.
	Before time.Time `json:"before,omitzero"`

	// Round is the look at what lies still, a part of it with each sweep.
	Round round `json:"round"`

	Aged aged `json:"aged"`

	// Found is what the last sweep found, for the replicas that did not sweep. Duties is
	// what was found beside the records, by the name of the duty.
	Found  found           `json:"found"`
	Duties map[string]done `json:"duties,omitempty"`

	Turn turn `json:"turn"`
}

// round is how far the look at all records and all requests has come that goes on a
// little with each sweep, and begins again when it has come to the end.
type round struct {
	Records  uint64                 `json:"records,omitempty"`  // sequence
	Requests uint64                 `json:"requests,omitempty"` // sequence
	Ended    map[campaign.State]int `json:"ended,omitempty"`    // met so far
}

// aged are the sequences up to which nothing is left of what is too old: of texts, and
// of what nobody needs of a record any more.
type aged struct {
	Text  uint64 `json:"text,omitempty"`
	Whole uint64 `json:"whole,omitempty"`
}

// found is what a sweep found, as far as others need it.
type found struct {
	At       time.Time              `json:"at,omitzero"`
	States   map[campaign.State]int `json:"states,omitempty"` // of the open ones
	Ended    map[campaign.State]int `json:"ended,omitempty"`
	Oldest   time.Duration          `json:"oldest,omitempty"`
	Letters  uint64                 `json:"letters,omitempty"`
	Outlived int                    `json:"outlived,omitempty"`
	// Lost are some of the campaigns that were spoken of and have no record, with when
	// they were. Each replica counts them: too many stop all of them.
	Lost []lostRecord `json:"lost,omitempty"`
}

type lostRecord struct {
	Key    string    `json:"key"`
	Spoken time.Time `json:"spoken"`
}

// turn says which replica does the fleet's work, and until when if it says no more.
type turn struct {
	By    string    `json:"by,omitempty"` // empty: nobody
	Until time.Time `json:"until,omitzero"`
}

// turnLife is how long a replica has the turn without another word. After a crash
// another one goes on then. Two that sweep together, as after one stood still for longer
// or with clocks that differ, do no harm: a wake-up says nothing but "look", and of
// their two checkpoints one is not stored.
const turnLife = 2 * time.Minute

// storedWithin is how long a service that stops waits for its last word on a turn.
const storedWithin = 5 * time.Second

// errNoTurn means that another replica is doing the fleet's work, or has taken it over.
var errNoTurn = errors.New("another replica is sweeping")

// loadCheckpoint reads it; one that cannot be understood, as one of a newer version, is
// none.
func loadCheckpoint(ctx context.Context, records *streams.Keeper) (checkpoint, loop.Revision, error) {
	k, rev, err := records.Read(ctx, streams.SweepMark)
	if err != nil {
		return checkpoint{}, rev, fmt.Errorf("read how far the records were looked at: %w", err)
	}
	var c checkpoint
	if k.Absent || json.Unmarshal(k.Data, &c) != nil || c.Schema != checkpointSchema {
		return checkpoint{Schema: checkpointSchema}, rev, nil
	}
	return c, rev, nil
}

// storeCheckpoint stores it in the place of the revision rev. An error other than
// [loop.ErrConflict] says nothing: it may be stored or not, and either is right, for
// the parts of both sets are there.
func storeCheckpoint(ctx context.Context, records *streams.Keeper, c checkpoint, rev loop.Revision) (loop.Revision, error) {
	data, err := json.Marshal(c)
	if err != nil {
		return rev, err
	}
	m := nats.NewMsg(streams.SweepMark)
	m.Data = data
	next, err := records.Save(ctx, m, rev)
	if err != nil {
		return rev, fmt.Errorf("store how far the records were looked at: %w", err)
	}
	return next, nil
}
