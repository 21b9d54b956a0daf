package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/staffetta-io/staffetta/internal/calendar"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/schedule"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// On the marker of a removed schedule: the order that removed it, and how it was then.
const (
	headerCommand = "Staffetta-Command"
	headerWas     = "Staffetta-Was"
)

// removed is how a schedule was when it was removed: what is told of that, should the order
// come again.
type removed struct {
	Version int  `json:"version"`
	Fired   int  `json:"fired,omitempty"`
	Paused  bool `json:"paused,omitempty"`
}

// scheduleTries bounds the attempts to change one schedule: the service itself saves it
// whenever it comes.
const scheduleTries = 20

// scheduleOrder is what every order about a schedule says.
type scheduleOrder interface {
	GetId() string
	GetVersion() int32
}

// Obey carries out an order about a schedule, once, however often it comes. What cannot
// be is a [*loop.Refusal].
func (s *Schedules) Obey(ctx context.Context, o contract.Order) (*campaignv1.ScheduleChanged, error) {
	asks, ok := o.Body.(scheduleOrder)
	if !ok {
		return nil, fmt.Errorf("%s is no order about a schedule", o.Verb)
	}
	key := schedule.Key{Source: o.Source, ID: asks.GetId()}
	for range scheduleTries {
		told, err := s.obey(ctx, o, asks, key)
		if !errors.Is(err, loop.ErrConflict) {
			return told, err
		}
	}
	return nil, fmt.Errorf("schedule %s: others were quicker %d times in a row", key, scheduleTries)
}

func (s *Schedules) obey(ctx context.Context, o contract.Order, asks scheduleOrder, key schedule.Key) (*campaignv1.ScheduleChanged, error) {
	old, rev, err := s.Load(ctx, key)
	if err != nil {
		return nil, err
	}
	now := time.Now().Round(0).UTC()
	told := func(r schedule.Record, change campaignv1.ScheduleChanged_Change) *campaignv1.ScheduleChanged {
		m := &campaignv1.ScheduleChanged{
			Source: key.Source, Command: o.Sequence, At: contract.Stamp(now), By: o.By, Actor: o.Actor, Id: key.ID, Change: change,
			Version: int32(r.Version), Fired: int64(r.Fired), Paused: r.Paused,
		}
		if change == campaignv1.ScheduleChanged_CHANGE_REMOVED {
			return m
		}
		m.Rule = r.Rule()
		if next := r.Next(now, 1); len(next) > 0 && !r.Paused {
			m.Next = contract.Stamp(next[0].At)
		}
		return m
	}
	there := old.Version > 0
	if !there {
		// What removed it is in its place.
		by, was, err := s.removedBy(ctx, key)
		if err != nil {
			return nil, err
		}
		if by == o.ID() {
			old.Version, old.Fired, old.Paused = was.Version, was.Fired, was.Paused
			return told(old, campaignv1.ScheduleChanged_CHANGE_REMOVED), nil
		}
		if by != "" {
			old.Orders = []string{by}
		}
	}
	change := map[string]campaignv1.ScheduleChanged_Change{
		contract.VerbAddSchedule: campaignv1.ScheduleChanged_CHANGE_ADDED, contract.VerbPauseSchedule: campaignv1.ScheduleChanged_CHANGE_PAUSED,
		contract.VerbResumeSchedule: campaignv1.ScheduleChanged_CHANGE_RESUMED, contract.VerbRemoveSchedule: campaignv1.ScheduleChanged_CHANGE_REMOVED,
	}[o.Verb]
	if add, ok := asks.(*campaignv1.AddSchedule); ok && add.GetReplace() && there {
		change = campaignv1.ScheduleChanged_CHANGE_CHANGED
	}
	if slices.Contains(old.Orders, o.ID()) {
		if old.Version == 1 && o.Verb == contract.VerbAddSchedule {
			change = campaignv1.ScheduleChanged_CHANGE_ADDED
		}
		return told(old, change), nil // it has come again
	}
	refuse := func(field, format string, args ...any) error {
		return &loop.Refusal{Field: field, Note: fmt.Sprintf("schedule %s: ", key) + fmt.Sprintf(format, args...)}
	}
	if v := int(asks.GetVersion()); there && v != 0 && v != old.Version {
		return nil, refuse("version", "it was changed meanwhile, by %s at %s; look at it, and say again what you want", old.ChangedBy, old.ChangedAt.Format(time.RFC3339))
	}
	var next schedule.Record
	switch body := o.Body.(type) {
	case *campaignv1.AddSchedule:
		if there && !body.GetReplace() {
			return nil, refuse("id", "there is one already: %s, by %s; set replace to change it", old.Rule(), old.ChangedBy)
		}
		written, err := scheduleOf(key, body)
		if err == nil {
			if !there {
				next, err = schedule.New(written, o.By, now)
			} else {
				next, err = old.Change(written, o.By, now)
			}
		}
		if err == nil {
			err = contract.CheckTemplate(s.j.intake.Rules, next.Schedule, now)
		}
		if err != nil {
			if u, ok := errors.AsType[*contract.Unreadable](err); ok {
				return nil, &loop.Refusal{Field: "request", Note: fmt.Sprintf("schedule %s: %s", key, u.Note)}
			}
			return nil, refuse("", "%s", err)
		}
		next.Orders = old.Orders
	default:
		switch {
		case !there:
			return nil, refuse("id", "there is no such schedule")
		case o.Verb == contract.VerbPauseSchedule && old.Paused:
			return nil, refuse("", "it is paused already, by %s", old.ChangedBy)
		case o.Verb == contract.VerbPauseSchedule:
			next = old.Pause(o.By, now)
		case o.Verb == contract.VerbResumeSchedule && !old.Paused:
			return nil, refuse("", "it is not paused")
		case o.Verb == contract.VerbResumeSchedule:
			next = old.Resume(o.By, now)
		case o.Verb == contract.VerbRemoveSchedule:
			return told(old, change), s.remove(ctx, old, rev, o)
		}
	}
	next, _ = next.Obeyed(o.ID())
	if _, err := s.Save(ctx, next, rev); err != nil {
		return nil, err // perhaps it is stored: the order comes again, and is found in it
	}
	// A crash here leaves it to the sweep, which finds it within ten minutes or so.
	if err := s.waker.wake(ctx, key.String(), "", nil); err != nil {
		s.j.options.Log.Warn("a schedule was changed and is looked at later", "schedule", key.String(), "error", err)
	}
	return told(next, change), nil
}

// remove leaves a marker that says who removed it.
func (s *Schedules) remove(ctx context.Context, old schedule.Record, rev loop.Revision, o contract.Order) error {
	was, err := json.Marshal(removed{old.Version, old.Fired, old.Paused})
	if err != nil {
		return err
	}
	m := nats.NewMsg(streams.SchedulePrefix + old.Key.String())
	m.Header.Set(headerBy, contract.OneLine(o.By))
	m.Header.Set(headerCommand, o.ID())
	m.Header.Set(headerWas, string(was))
	return s.records.Remove(ctx, m, rev)
}

// removedBy is the order that has removed a schedule, and how that was; empty: none has, or
// one without a name.
func (s *Schedules) removedBy(ctx context.Context, key schedule.Key) (by string, was removed, err error) {
	marker, _, err := s.records.Read(ctx, streams.SchedulePrefix+key.String())
	if err != nil {
		return "", was, err
	}
	if text := marker.Header.Get(headerWas); text != "" { // an earlier version does not say
		if err := json.Unmarshal([]byte(text), &was); err != nil {
			return "", was, fmt.Errorf("schedule %s: header %s: %w", key, headerWas, err)
		}
	}
	return marker.Header.Get(headerCommand), was, nil
}

// scheduleOf is a schedule as an order writes it. An error names the field.
func scheduleOf(key schedule.Key, m *campaignv1.AddSchedule) (schedule.Schedule, error) {
	s := schedule.Schedule{
		Key: key, Zone: m.GetZone(),
		MissingTime: schedule.MissingTime(m.GetMissingLocalTime()), RepeatedTime: schedule.RepeatedTime(m.GetRepeatedLocalTime()),
		Overlap: schedule.Overlap(m.GetOverlap()), CatchUp: schedule.CatchUp(m.GetCatchUp()),
		CatchUpWithin: calendar.Duration(m.GetCatchUpWithin().AsDuration()), ExpiresAfter: calendar.Duration(m.GetExpiresAfter().AsDuration()),
	}
	var wrong []error
	say := func(field string, err error) {
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", field, err))
		}
	}
	var err error
	if m.GetRequest() == nil {
		say("request", errors.New("there is none: give the campaign to ask for"))
	} else {
		s.Request, err = protojson.Marshal(m.GetRequest())
		say("request", err)
	}
	s.At, err = calendar.ParseClock(m.GetAt())
	say("at", err)
	for _, name := range m.GetWeekdays() {
		day, err := calendar.ParseWeekday(name)
		say("weekdays", err)
		s.Weekdays = append(s.Weekdays, day)
	}
	for _, name := range m.GetDays() {
		day, err := calendar.ParseDay(name)
		say("days", err)
		s.Days = append(s.Days, day)
	}
	if m.GetStart() != "" {
		s.Start, err = calendar.ParseDate(m.GetStart())
		say("start", err)
	}
	if m.GetEnd() != "" {
		s.End, err = calendar.ParseDate(m.GetEnd())
		say("end", err)
	}
	return s, errors.Join(wrong...)
}
