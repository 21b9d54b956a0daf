package journal

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/schedule"
)

// headerBy on the marker of a removed schedule says who removed it.
const headerBy = "Staffetta-By"

// ErrNoSchedule means that there is no schedule of this key, or no more.
var ErrNoSchedule = errors.New("there is no such schedule")

// Schedule returns the record of one schedule, and the revision to change it
// with. [ErrNoSchedule] comes with a revision to create it with.
func (c *Client) Schedule(ctx context.Context, key schedule.Key) (schedule.Record, runner.Revision, error) {
	var rev runner.Revision
	// A consumer with a filter can be allowed to a source for its own schedules; a
	// get of one message only for those of everybody.
	for m, err := range c.walk(ctx, StreamSchedules, jetstream.ConsumerConfig{FilterSubject: schedulePrefix + key.String()}) {
		if err != nil {
			return schedule.Record{}, rev, fmt.Errorf("schedule %s: %w", key, err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return schedule.Record{}, rev, fmt.Errorf("schedule %s: %w", key, err)
		}
		rev = runner.Revision{Seq: meta.Sequence.Stream, At: meta.Timestamp}
		if m.Headers().Get(headerKV) != "" {
			continue
		}
		r, err := decodeSchedule(m.Subject(), m.Data())
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
		cfg := behind(after)
		cfg.FilterSubject = schedulePrefix + ">"
		if source != "" {
			cfg.FilterSubject = schedulePrefix + source + ".*"
		}
		for m, err := range c.walk(ctx, StreamSchedules, cfg) {
			if err != nil {
				yield(FiledSchedule{}, fmt.Errorf("list schedules: %w", err))
				return
			}
			if m.Headers().Get(headerKV) != "" {
				continue
			}
			var filed FiledSchedule
			meta, err := m.Metadata()
			if err == nil {
				filed.Sequence = meta.Sequence.Stream
				filed.Record, err = decodeSchedule(m.Subject(), m.Data())
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

// PutSchedule stores what somebody has written, if the record still is what
// rev says, and wakes the service; [runner.ErrConflict] if it is not. The
// request is read as the service will read it when it is due: an error names
// the fields at fault. An error after it was stored says so; the service then
// finds it by itself, a little later.
func (c *Client) PutSchedule(ctx context.Context, r schedule.Record, rev runner.Revision) error {
	what := "schedule " + r.Key.String()
	if err := checkTemplate(c.validator, r.Schedule, r.ChangedAt); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	m, err := scheduleMessage(r)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if err := c.replaceSchedule(ctx, m, rev, what); err != nil {
		return err
	}
	if err := c.wakeSchedule(ctx, r.Key); err != nil {
		return fmt.Errorf("%s: it is stored, but the service was not woken and will see it within ten minutes or so: %w", what, err)
	}
	return nil
}

// RemoveSchedule removes a schedule, if its record still is what rev says. What
// it has asked for goes on. What is left is a marker, as the key-value client
// writes it, that says who removed it.
func (c *Client) RemoveSchedule(ctx context.Context, key schedule.Key, rev runner.Revision, by string) error {
	m := nats.NewMsg(schedulePrefix + key.String())
	m.Header.Set(headerKV, "DEL")
	m.Header.Set(headerBy, by)
	return c.replaceSchedule(ctx, m, rev, "remove schedule "+key.String())
}

func (c *Client) replaceSchedule(ctx context.Context, m *nats.Msg, rev runner.Revision, what string) error {
	ctx, done := c.rights.heed(ctx, m.Subject)
	defer done()
	_, err := c.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(rev.Seq), noRetry)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jetstream.ErrNoStreamResponse):
		return fmt.Errorf("%s: no stream takes %s: has the service ever run here?", what, m.Subject)
	}
	switch sortWrite(err) {
	case exists, contended:
		return fmt.Errorf("%s: %w", what, runner.ErrConflict)
	}
	if missing := denied(ctx, c.js.Conn(), err); missing != "" {
		return fmt.Errorf("%s: %s", what, missing)
	}
	return fmt.Errorf("%s: %w", what, err)
}

func (c *Client) wakeSchedule(ctx context.Context, key schedule.Key) error {
	m := nats.NewMsg(scheduleWakeupPrefix + key.String())
	ctx, done := c.rights.heed(ctx, m.Subject)
	defer done()
	_, err := c.js.PublishMsg(ctx, m, jetstream.WithMsgTTL(wakeupLife))
	return orDenied(ctx, err)
}
