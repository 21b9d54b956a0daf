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

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// Headers of a record: what the sweep and whoever looks for a campaign need, so
// that they read headers only.
const (
	HeaderState     = "Staffetta-State"
	HeaderSince     = "Staffetta-Since"     // when it entered the state
	HeaderWake      = "Staffetta-Wake"      // absent: it is final, and owes nothing
	HeaderWaiting   = "Staffetta-Waiting"   // why nothing happens now, cut short; absent: it goes on
	HeaderSummary   = "Staffetta-Summary"   // what a list says beside; absent: an earlier version saved it
	headerForgotten = "Staffetta-Forgotten" // when its text was; absent: it was not
	headerHolds     = "Staffetta-Holds"     // it holds its people against others; absent: it does not
	headerShort     = "Staffetta-Short"     // when it was made small; absent: it was not
)

// nameInList is how much of a campaign's name its list has, in characters.
const nameInList = 60

// Load asks the stream's leader for the record. See [runner.Journal].
func (j *Journal) Load(ctx context.Context, key campaign.Key) (campaign.Campaign, loop.Revision, error) {
	kept, rev, err := j.records.Read(ctx, contract.RecordSubject(key))
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return campaign.Campaign{}, rev, fmt.Errorf("load %s: stream %s is gone: %w", key, streams.Records, runner.ErrNoPlace)
	case err != nil:
		return campaign.Campaign{}, rev, fmt.Errorf("load %s: %w", key, err)
	case kept.Absent:
		return campaign.Campaign{}, rev, nil
	}
	c, err := DecodeRecord(key, kept.Data)
	if err != nil {
		j.alarmCorrupt("record of "+key.String(), err)
		return campaign.Campaign{}, loop.Revision{}, fmt.Errorf("load %s: %w", key, err)
	}
	return c, rev, nil
}

// Save stores the record if it still is what rev says. See [runner.Journal].
func (j *Journal) Save(ctx context.Context, c campaign.Campaign, rev loop.Revision) (loop.Revision, error) {
	if err := j.checkEvents(c); err != nil {
		return loop.Revision{}, fmt.Errorf("save %s: %w", c.Key, err)
	}
	buf := records.Get().(*bytes.Buffer)
	defer records.Put(buf)
	buf.Reset()
	if err := json.NewEncoder(buf).Encode(&c); err != nil {
		return loop.Revision{}, fmt.Errorf("save %s: %w", c.Key, err)
	}
	summary := c.Summary()
	summary.Name = contract.Clip(contract.OneLine(summary.Name), nameInList)
	m := streams.NewMsg(contract.RecordSubject(c.Key), contract.Headers(
		HeaderState, string(c.State),
		HeaderSince, instant(c.Since),
		HeaderSummary, summary.Line(),
	), bytes.TrimSuffix(buf.Bytes(), []byte("\n")))
	if c.Waiting != "" {
		m.Header.Set(HeaderWaiting, contract.Clip(contract.OneLine(c.Waiting), 160))
	}
	if !c.Wake.IsZero() {
		m.Header.Set(HeaderWake, instant(c.Wake))
	}
	if c.Request.Personal() && c.Holds(time.Now()) {
		m.Header.Set(headerHolds, "yes")
	}
	if c.Forgotten != nil {
		m.Header.Set(headerForgotten, instant(c.Forgotten.At))
	}
	if !c.Shortened.IsZero() {
		m.Header.Set(headerShort, instant(c.Shortened))
	}
	next, err := j.records.Save(ctx, m, rev)
	if err != nil {
		return loop.Revision{}, fmt.Errorf("save %s: %w", c.Key, err)
	}
	return next, nil
}

// records are buffers for records on their way out. The connection copies what
// it is given, so a buffer is free again once the write has returned.
var records = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// alarmCorrupt raises an alarm: what the record is about does not go on before
// somebody has looked.
func (j *Journal) alarmCorrupt(what string, err error) {
	j.options.Log.Error("a "+what+" cannot be believed; nothing is done about what it is about", "error", err)
	j.options.OnCorrupt(what)
}

// DecodeRecord reads a record. It refuses one that a newer version wrote, whose
// states or promises may be unknown here, and one that no version wrote under this
// key: what it left out would be taken for what has not happened.
func DecodeRecord(key campaign.Key, data []byte) (campaign.Campaign, error) {
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
	sortStatuses(&c)
	return c, nil
}

func newerSchema(have int) error {
	return fmt.Errorf("the record has schema %d, this version knows up to %d: a newer staffetta wrote it, upgrade this one", have, campaign.Schema)
}
