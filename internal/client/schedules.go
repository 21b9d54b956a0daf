package client

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/schedule"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// ErrNoSchedule means that there is no schedule of this key, or no more.
var ErrNoSchedule = errors.New("there is no such schedule")

// Schedule returns the record of one schedule, and its revision.
func (c *Client) Schedule(ctx context.Context, key schedule.Key) (schedule.Record, loop.Revision, error) {
	var rev loop.Revision
	// A consumer with a filter can be allowed to a source for its own schedules; a
	// get of one message only for those of everybody.
	for m, err := range c.walk(ctx, streams.Schedules, jetstream.ConsumerConfig{FilterSubject: streams.SchedulePrefix + key.String()}) {
		if err != nil {
			return schedule.Record{}, rev, fmt.Errorf("schedule %s: %w", key, err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return schedule.Record{}, rev, fmt.Errorf("schedule %s: %w", key, err)
		}
		rev = loop.Revision{Seq: meta.Sequence.Stream, At: meta.Timestamp}
		if m.Headers().Get(streams.HeaderKV) != "" {
			continue
		}
		r, err := journal.DecodeSchedule(m.Subject(), m.Data())
		if err != nil {
			err = fmt.Errorf("schedule %s: %w", key, err)
		}
		return r, rev, err
	}
	return schedule.Record{}, rev, fmt.Errorf("schedule %s: %w", key, ErrNoSchedule)
}

// FiledSchedule is a schedule and the sequence of its record, in the order of
// Schedules.
type FiledSchedule struct {
	schedule.Record
	Sequence uint64
}

// Schedules yields every schedule, of one source if it is not empty, in the
// order in which they were last saved, behind a sequence if it is not zero. It ends at
// the first error.
func (c *Client) Schedules(ctx context.Context, source string, after uint64) iter.Seq2[FiledSchedule, error] {
	return func(yield func(FiledSchedule, error) bool) {
		cfg := streams.Behind(after)
		cfg.FilterSubject = streams.SchedulePrefix + ">"
		if source != "" {
			cfg.FilterSubject = streams.SchedulePrefix + source + ".*"
		}
		for m, err := range c.walk(ctx, streams.Schedules, cfg) {
			if err != nil {
				yield(FiledSchedule{}, fmt.Errorf("list schedules: %w", err))
				return
			}
			if m.Headers().Get(streams.HeaderKV) != "" {
				continue
			}
			var filed FiledSchedule
			meta, err := m.Metadata()
			if err == nil {
				filed.Sequence = meta.Sequence.Stream
				filed.Record, err = journal.DecodeSchedule(m.Subject(), m.Data())
			}
			if err != nil {
				err = fmt.Errorf("list schedules: %s: %w", m.Subject(), err)
			}
			if !yield(filed, err) || err != nil {
				return
			}
		}
	}
}
