package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/schedule"
	"github.com/staffetta-io/staffetta/internal/scheduler"
)

// The streams of recurring campaigns: the record of each schedule, and its
// timers. The server's own cron schedules (ADR-51) know zones, but say nothing
// of a time that a day skips or has twice, and nothing of what an outage left
// behind; so each timer is for one instant, and package schedule names it.
const (
	StreamSchedules       = "KV_schedules"
	StreamScheduleWakeups = "SCHEDULE_WAKEUPS"
)

const (
	schedulePrefix       = "$KV.schedules."
	scheduleTimerPrefix  = "campaign.v1.schedule.timer."
	scheduleWakeupPrefix = "campaign.v1.schedule.wakeup."
)

// scheduleConsumer feeds the loop of package scheduler.
var scheduleConsumer = consumer{stream: StreamScheduleWakeups, name: "schedules", filter: scheduleWakeupPrefix + ">"}

func scheduleStreams(replicas int) []jetstream.StreamConfig {
	return []jetstream.StreamConfig{{
		Name:              StreamSchedules,
		Description:       "Staffetta: the record of every recurring campaign",
		Subjects:          []string{schedulePrefix + ">"},
		MaxMsgsPerSubject: 1,
		Discard:           jetstream.DiscardNew,
		AllowRollup:       true,
		DenyDelete:        true,
		Replicas:          replicas,
	}, {
		Name:              StreamScheduleWakeups,
		Description:       "Staffetta: timers of recurring campaigns",
		Subjects:          []string{scheduleTimerPrefix + ">", scheduleWakeupPrefix + ">"},
		AllowMsgSchedules: true,
		AllowMsgTTL:       true,
		AllowRollup:       true, // the server sets it for schedules
		Replicas:          replicas,
		AllowDirect:       true,
	}}
}

// Schedules keeps recurring campaigns in JetStream. It is safe for concurrent
// use.
type Schedules struct {
	j       *Journal
	records jetstream.Stream
}

var _ scheduler.Journal = (*Schedules)(nil)

// Schedules opens the streams of recurring campaigns, and makes those that are
// absent.
func (j *Journal) Schedules(ctx context.Context) (*Schedules, error) {
	s := &Schedules{j: j}
	for _, want := range scheduleStreams(j.Replicas) {
		stream, err := ensureStream(ctx, j.js, want, j.id)
		if err != nil {
			return nil, fmt.Errorf("open schedules: %w", err)
		}
		if err := belongs(stream, j.id); err != nil {
			return nil, fmt.Errorf("open schedules: %w", err)
		}
		if want.Name == StreamSchedules {
			s.records = stream
		}
	}
	return s, nil
}

// Load asks the stream's leader for the record. See [scheduler.Journal].
func (s *Schedules) Load(ctx context.Context, key schedule.Key) (schedule.Record, runner.Revision, error) {
	// Taken before the read, as with campaigns.
	epoch := s.j.connection()
	r, rev, err := loadSchedule(ctx, s.records, key)
	if bad := (*unbelievable)(nil); errors.As(err, &bad) {
		s.j.disbelieved("record of schedule "+key.String(), err)
	}
	rev.Epoch = epoch
	return r, rev, err
}

// unbelievable is a record that was read, and that no version can have written so.
type unbelievable struct{ error }

// loadSchedule reads a record; a removed one is none.
func loadSchedule(ctx context.Context, records jetstream.Stream, key schedule.Key) (schedule.Record, runner.Revision, error) {
	m, err := records.GetLastMsgForSubject(ctx, schedulePrefix+key.String())
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return schedule.Record{}, runner.Revision{}, nil
	case err != nil:
		return schedule.Record{}, runner.Revision{}, fmt.Errorf("load schedule %s: %w", key, err)
	}
	rev := runner.Revision{Seq: m.Sequence, At: m.Time}
	if m.Header.Get(headerKV) != "" {
		return schedule.Record{}, rev, nil
	}
	r, err := decodeSchedule(m.Subject, m.Data)
	if err != nil {
		return schedule.Record{}, rev, fmt.Errorf("load schedule %s: %w", key, &unbelievable{err})
	}
	return r, rev, nil
}

// decodeSchedule reads a record. Permissions are on subjects, and a source may
// write its own schedules: a record that names another must not be believed.
func decodeSchedule(subject string, data []byte) (schedule.Record, error) {
	var r schedule.Record
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("the record is not readable: %w", err)
	}
	if r.Schema < 1 {
		return r, fmt.Errorf("the record has schema %d, which no version writes: write it with staffetta schedule add", r.Schema)
	}
	if r.Schema > schedule.Schema {
		return r, fmt.Errorf("the record has schema %d, this version knows up to %d: a newer staffetta wrote it, upgrade this one", r.Schema, schedule.Schema)
	}
	if subject != schedulePrefix+r.Key.String() {
		return r, fmt.Errorf("the record says that it is schedule %s: whoever wrote it must write it under its own name", r.Key)
	}
	return r, nil
}

// Save stores the record if it still is what rev says. See [scheduler.Journal].
func (s *Schedules) Save(ctx context.Context, r schedule.Record, rev runner.Revision) (runner.Revision, error) {
	m, err := scheduleMessage(r)
	if err != nil {
		return runner.Revision{}, fmt.Errorf("save schedule %s: %w", r.Key, err)
	}
	if !s.j.Valid(rev) {
		return runner.Revision{}, fmt.Errorf("save schedule %s: %w", r.Key, runner.ErrConflict)
	}
	ack, err := s.j.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(rev.Seq), noRetry)
	switch sortWrite(err) {
	case stored:
		return runner.Revision{Seq: ack.Sequence, Epoch: rev.Epoch}, nil
	case exists, contended:
		return runner.Revision{}, fmt.Errorf("save schedule %s: %w", r.Key, runner.ErrConflict)
	}
	return runner.Revision{}, fmt.Errorf("save schedule %s: %w", r.Key, err)
}

// scheduleMessage is a record as it is stored, with its next wake-up where the
// sweep reads it.
func scheduleMessage(r schedule.Record) (*nats.Msg, error) {
	m := nats.NewMsg(schedulePrefix + r.Key.String())
	var err error
	if m.Data, err = json.Marshal(r); err != nil {
		return nil, err
	}
	if !r.Wake.IsZero() {
		m.Header.Set(headerWake, r.Wake.UTC().Format(time.RFC3339Nano))
	}
	return m, nil
}

// Ask puts an occurrence's request into the stream of requests, created only:
// its subject holds the id that the calendar gives it. See [scheduler.Journal].
func (s *Schedules) Ask(ctx context.Context, key schedule.Key, f schedule.Firing) error {
	m, err := occurrenceMessage(s.j.intake.validator, key, f)
	if err != nil {
		return fmt.Errorf("ask for %s.%s: %w: %w", key.Source, f.ID, scheduler.ErrUnaskable, err)
	}
	err = s.j.createOnly(ctx, m)
	if sortWrite(err) == refused {
		return fmt.Errorf("ask for %s.%s: %w: %w", key.Source, f.ID, scheduler.ErrUnaskable, err)
	}
	if err != nil {
		return fmt.Errorf("ask for %s.%s: %w", key.Source, f.ID, err)
	}
	return nil
}

// Ended goes by evidence: the record, else a dead letter, else that even the
// request is gone. See [scheduler.Journal].
func (s *Schedules) Ended(ctx context.Context, key campaign.Key) (bool, error) {
	m, err := s.j.records.GetLastMsgForSubject(ctx, recordSubject(key))
	if err == nil {
		return m.Header.Get(headerKV) != "" || campaign.State(m.Header.Get(headerState)).Final(), nil
	}
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		var letter *jetstream.RawStreamMsg
		letter, err = s.j.letters.GetLastMsgForSubject(ctx, deadPrefix+key.String())
		if err == nil && letter.Header.Get(headerStream) == StreamRequests {
			return true, nil
		}
	}
	if err == nil || errors.Is(err, jetstream.ErrMsgNotFound) {
		_, err = s.j.requests.GetLastMsgForSubject(ctx, requestSubject(key))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return true, nil
		}
	}
	if err != nil {
		return false, fmt.Errorf("has %s ended: %w", key, err)
	}
	return false, nil // it waits for its turn
}

// Arm schedules a wake-up, as [Journal.Arm] does for campaigns.
func (s *Schedules) Arm(ctx context.Context, key schedule.Key, at time.Time) error {
	instant := at.UTC().Format(time.RFC3339Nano)
	if !at.After(time.Now()) {
		return fmt.Errorf("arm schedule %s at %s: the instant is not in the future, it is due and must be handled", key, instant)
	}
	m := nats.NewMsg(scheduleTimerPrefix + key.String() + "." + strconv.FormatInt(at.UnixNano(), 10))
	m.Header.Set("Nats-Schedule", "@at "+instant)
	m.Header.Set("Nats-Schedule-Target", scheduleWakeupPrefix+key.String())
	m.Header.Set("Nats-Schedule-TTL", wakeupLife.String())
	if err := s.j.createOnly(ctx, m); err != nil {
		return fmt.Errorf("arm schedule %s at %s: %w", key, instant, err)
	}
	return nil
}

// readScheduleWakeup reads a fired timer of a schedule, or somebody's wish that
// it be looked at.
func readScheduleWakeup(subject string) (runner.Wakeup, error) {
	source, id, _ := strings.Cut(strings.TrimPrefix(subject, scheduleWakeupPrefix), ".")
	key := campaign.Key{Source: source, RequestID: id}
	if err := key.Validate(); err != nil {
		return runner.Wakeup{}, &unreadable{reason: reasonSubject, note: "want " + scheduleWakeupPrefix + "<source>.<schedule id>"}
	}
	return runner.Wakeup{Key: key, Kind: scheduler.Wake}, nil
}
