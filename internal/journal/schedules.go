package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/schedule"
	"github.com/staffetta-io/staffetta/internal/scheduler"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// Schedules keeps recurring campaigns in JetStream. It is safe for concurrent
// use.
type Schedules struct {
	j       *Journal
	records *streams.Keeper
	waker   waker
}

var _ scheduler.Journal = (*Schedules)(nil)

// Schedules opens the streams of recurring campaigns, and makes those that are
// absent.
func (j *Journal) Schedules(ctx context.Context) (*Schedules, error) {
	s := &Schedules{j: j, waker: waker{j, streams.ScheduleTimerPrefix, streams.ScheduleWakeupPrefix}}
	for _, want := range streams.OfSchedules(j.options.Replicas) {
		stream, err := streams.Ensure(ctx, j.js, want, j.id)
		if err != nil {
			return nil, fmt.Errorf("open schedules: %w", err)
		}
		if err := streams.Belongs(stream, j.id); err != nil {
			return nil, fmt.Errorf("open schedules: %w", err)
		}
		if want.Name == streams.Schedules {
			s.records = streams.NewKeeper(streams.Access{JS: j.js}, j.epochs, stream)
		}
	}
	j.duties.add(duty{"schedules", s.sweep, func(context.Context, done) error { return nil }})
	return s, nil
}

// Load asks the stream's leader for the record. See [scheduler.Journal].
func (s *Schedules) Load(ctx context.Context, key schedule.Key) (schedule.Record, loop.Revision, error) {
	kept, rev, err := s.records.Read(ctx, streams.SchedulePrefix+key.String())
	if err != nil {
		return schedule.Record{}, rev, fmt.Errorf("load schedule %s: %w", key, err)
	}
	if kept.Absent {
		return schedule.Record{}, rev, nil
	}
	r, err := DecodeSchedule(kept.Subject, kept.Data)
	if err != nil {
		err = fmt.Errorf("load schedule %s: %w", key, err)
		s.j.alarmCorrupt("record of schedule "+key.String(), err)
		return schedule.Record{}, rev, err
	}
	return r, rev, nil
}

// DecodeSchedule reads a record. Permissions are on subjects, and a source may
// write its own schedules: a record that names another must not be believed.
func DecodeSchedule(subject string, data []byte) (schedule.Record, error) {
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
	if subject != streams.SchedulePrefix+r.Key.String() {
		return r, fmt.Errorf("the record says that it is schedule %s: whoever wrote it must write it under its own name", r.Key)
	}
	return r, nil
}

// Save stores the record if it still is what rev says. See [scheduler.Journal].
func (s *Schedules) Save(ctx context.Context, r schedule.Record, rev loop.Revision) (loop.Revision, error) {
	m, err := scheduleMessage(r)
	if err == nil {
		rev, err = s.records.Save(ctx, m, rev)
	}
	if err != nil {
		return loop.Revision{}, fmt.Errorf("save schedule %s: %w", r.Key, err)
	}
	return rev, nil
}

// scheduleMessage is a record as it is stored, with its next wake-up where the
// sweep reads it.
func scheduleMessage(r schedule.Record) (*nats.Msg, error) {
	m := nats.NewMsg(streams.SchedulePrefix + r.Key.String())
	var err error
	if m.Data, err = json.Marshal(r); err != nil {
		return nil, err
	}
	if !r.Wake.IsZero() {
		m.Header.Set(HeaderWake, instant(r.Wake))
	}
	return m, nil
}

// Ask puts an occurrence's request into the stream of requests, created only:
// its subject holds the id that the calendar gives it. See [scheduler.Journal].
func (s *Schedules) Ask(ctx context.Context, key schedule.Key, f schedule.Firing) error {
	m, err := contract.OccurrenceEnvelope(s.j.intake.Rules, key, f)
	if err != nil {
		return fmt.Errorf("ask for %s.%s: %w: %w", key.Source, f.ID, scheduler.ErrUnaskable, err)
	}
	err = s.j.createOnly(ctx, streams.NewMsg(m.Subject, m.Header, m.Data))
	if streams.SortWrite(err) == streams.Refused {
		return fmt.Errorf("ask for %s.%s: %w: %w", key.Source, f.ID, scheduler.ErrUnaskable, err)
	}
	if err != nil {
		return fmt.Errorf("ask for %s.%s: %w", key.Source, f.ID, err)
	}
	return nil
}

// Lacks looks at the newest list under the name. See [scheduler.Journal].
func (s *Schedules) Lacks(ctx context.Context, of schedule.Schedule, now time.Time) (string, error) {
	a, err := contract.NamedBy(of)
	if err != nil || a == nil {
		return "", nil // a campaign that cannot be read is refused when it is asked for
	}
	v, err := s.j.NewestVersion(ctx, of.Source, a.Name)
	if no, is := errors.AsType[*contract.Unreadable](err); is {
		return fmt.Sprintf("the newest list under the name %s cannot be read: %s", a.Name, no), nil
	}
	if err != nil {
		return "", err
	}
	return a.TooOld(v, now), nil
}

// Tell tells that an occurrence was left out, created only. See [scheduler.Journal].
func (s *Schedules) Tell(ctx context.Context, key schedule.Key, left schedule.Skipped) error {
	m, err := contract.LeftOut(key, left)
	if err == nil {
		err = s.j.tell(ctx, contract.LeftOutSubject(key, left.Occurrence), key.Source, left.Decided, m)
	}
	if err != nil {
		return fmt.Errorf("tell that %s.%s was left out: %w", key.Source, left.ID, err)
	}
	return nil
}

// Ended goes by evidence: the record, else a dead letter, else that even the
// request is gone. All of it is asked of the leaders: what a replica has not heard of yet
// would be a campaign that is over, and the next one would be asked for beside it. See
// [scheduler.Journal].
func (s *Schedules) Ended(ctx context.Context, key campaign.Key) (bool, error) {
	record, rev, err := s.j.records.Read(ctx, contract.RecordSubject(key))
	if rev.Seq > 0 {
		return record.Absent || campaign.State(record.Header.Get(HeaderState)).Final(), nil
	}
	if err == nil {
		var letter *jetstream.RawStreamMsg
		letter, err = streams.AskLeader(ctx, s.j.nc, streams.DeadLetters, streams.DeadPrefix+key.String())
		if err == nil && letter.Header.Get(contract.HeaderStream) == streams.Requests {
			return true, nil
		}
	}
	if err == nil || errors.Is(err, jetstream.ErrMsgNotFound) {
		_, err = streams.AskLeader(ctx, s.j.nc, streams.Requests, contract.RequestSubject(key))
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
	if err := s.waker.arm(ctx, key.String(), at); err != nil {
		return fmt.Errorf("arm schedule %s at %s: %w", key, instant(at), err)
	}
	return nil
}

// headerBy on the marker of a removed schedule says who removed it.
const headerBy = "Staffetta-By"
