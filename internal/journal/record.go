package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// Headers of a record: what the sweep and whoever looks for a campaign need, so
// that they read headers only.
const (
	headerState   = "Staffetta-State"
	headerSince   = "Staffetta-Since"   // when it entered the state
	headerWake    = "Staffetta-Wake"    // absent: it is final, and owes nothing
	headerWaiting = "Staffetta-Waiting" // why nothing happens now, cut short; absent: it goes on
	headerKV      = "KV-Operation"      // on the marker of a record that was deleted by hand
)

// noRetry keeps the client from repeating a save by itself: after "no
// responders" the first one may still have been stored, and the second would
// then come back as a conflict, which says "not stored".
var noRetry = jetstream.WithRetryAttempts(0)

// Load asks the stream's leader for the record. See [runner.Journal].
func (j *Journal) Load(ctx context.Context, key campaign.Key) (campaign.Campaign, runner.Revision, error) {
	// Taken before the read: if the connection breaks on the way, the revision
	// is void, not falsely fresh.
	epoch := j.connection()
	m, err := j.records.GetLastMsgForSubject(ctx, recordSubject(key))
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return campaign.Campaign{}, runner.Revision{Epoch: epoch}, nil
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return campaign.Campaign{}, runner.Revision{}, fmt.Errorf("load %s: stream %s is gone: %w", key, StreamRecords, runner.ErrNoPlace)
	case err != nil:
		return campaign.Campaign{}, runner.Revision{}, fmt.Errorf("load %s: %w", key, err)
	}
	rev := runner.Revision{Seq: m.Sequence, Epoch: epoch, At: m.Time}
	if m.Header.Get(headerKV) != "" {
		// Somebody deleted the record by hand: there is none, and it may be
		// created in the place of the marker.
		return campaign.Campaign{}, rev, nil
	}
	c, err := decodeRecord(key, m.Data)
	if err != nil {
		j.disbelieved("record of "+key.String(), err)
		return campaign.Campaign{}, runner.Revision{}, fmt.Errorf("load %s: %w", key, err)
	}
	return c, rev, nil
}

// Save stores the record if it still is what rev says. See [runner.Journal].
func (j *Journal) Save(ctx context.Context, c campaign.Campaign, rev runner.Revision) (runner.Revision, error) {
	if err := j.keeps(c); err != nil {
		return runner.Revision{}, fmt.Errorf("save %s: %w", c.Key, err)
	}
	buf := records.Get().(*bytes.Buffer)
	defer records.Put(buf)
	buf.Reset()
	if err := json.NewEncoder(buf).Encode(&c); err != nil {
		return runner.Revision{}, fmt.Errorf("save %s: %w", c.Key, err)
	}
	m := nats.NewMsg(recordSubject(c.Key))
	m.Data = bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	m.Header.Set(headerState, string(c.State))
	m.Header.Set(headerSince, c.Since.UTC().Format(time.RFC3339Nano))
	if c.Waiting != "" {
		m.Header.Set(headerWaiting, clip(oneLine(c.Waiting), 160))
	}
	if !c.Wake.IsZero() {
		m.Header.Set(headerWake, c.Wake.UTC().Format(time.RFC3339Nano))
	}
	if !j.Valid(rev) {
		return runner.Revision{}, fmt.Errorf("save %s: %w", c.Key, runner.ErrConflict)
	}
	seq, err := j.write(ctx, m, rev.Seq, answerWithin)
	switch sortWrite(err) {
	case stored:
		return runner.Revision{Seq: seq, Epoch: rev.Epoch}, nil
	case exists, contended:
		return runner.Revision{}, fmt.Errorf("save %s: %w", c.Key, runner.ErrConflict)
	default:
		return runner.Revision{}, fmt.Errorf("save %s: %w", c.Key, err)
	}
}

// records are buffers for records on their way out. The connection copies what
// it is given, so a buffer is free again once the write has returned.
var records = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// disbelieved raises an alarm: what the record is about does not go on before
// somebody has looked.
func (j *Journal) disbelieved(what string, err error) {
	j.Log.Error("a "+what+" cannot be believed; nothing is done about what it is about", "error", err)
	j.OnDisbelieved(what)
}

// ReadRecord reads a record that was handed on as it is stored.
func ReadRecord(key campaign.Key, data []byte) (campaign.Campaign, error) {
	c, err := decodeRecord(key, data)
	if err != nil {
		err = fmt.Errorf("read %s: %w", key, err)
	}
	return c, err
}

// decodeRecord reads a record. It refuses one that a newer version wrote, whose
// states or promises may be unknown here, and one that no version wrote under this
// key: what it left out would be taken for what has not happened.
func decodeRecord(key campaign.Key, data []byte) (campaign.Campaign, error) {
	var c campaign.Campaign
	if err := json.Unmarshal(data, &c); err != nil {
		var v struct {
			Schema int `json:"schema"`
		}
		if json.Unmarshal(data, &v) == nil && v.Schema > campaign.Schema {
			return c, newerSchema(v.Schema)
		}
		return c, fmt.Errorf("the record is not readable: %w", err)
	}
	switch {
	case c.Schema > campaign.Schema:
		return c, newerSchema(c.Schema)
	case c.Schema < 1:
		return c, fmt.Errorf("the record has schema %d, which no version writes: restore what was there", c.Schema)
	case c.Key != key:
		return c, fmt.Errorf("the record says that it is campaign %s: restore what was there", c.Key)
	case !slices.Contains(campaign.States, c.State):
		return c, fmt.Errorf("the record has the state %q, which this version does not know: restore what was there", c.State)
	}
	return c, nil
}

func newerSchema(have int) error {
	return fmt.Errorf("the record has schema %d, this version knows up to %d: a newer staffetta wrote it, upgrade this one", have, campaign.Schema)
}
