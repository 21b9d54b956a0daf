package journal

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/schedule"
	"github.com/staffetta-io/staffetta/internal/streams"
	"github.com/staffetta-io/staffetta/internal/suppression"
)

// Every is how all sweeps look again and again.
var Every = every

// WriteSchedule writes a record as a command line of an earlier version did, and wakes
// the service.
func WriteSchedule(ctx context.Context, js jetstream.JetStream, r schedule.Record) error {
	m, err := scheduleMessage(r)
	if err == nil {
		_, err = js.PublishMsg(ctx, m)
	}
	if err == nil {
		_, err = js.Publish(ctx, streams.ScheduleWakeupPrefix+r.Key.String(), nil, jetstream.WithMsgTTL(wakeupLife))
	}
	return err
}

// EditCheckpoint changes how far the records were looked at, as a sweep would not.
func EditCheckpoint(ctx context.Context, j *Journal, edit func(until *uint64, turn *time.Time)) error {
	c, rev, err := loadCheckpoint(ctx, j.records)
	if err != nil {
		return err
	}
	edit(&c.Until, &c.Turn.Until)
	if !c.Turn.Until.IsZero() {
		c.Turn.By = "somebody else"
	}
	_, err = storeCheckpoint(ctx, j.records, c, rev)
	return err
}

// ErrNoTurn is [errNoTurn].
var ErrNoTurn = errNoTurn

// TakeTurn sweeps if it is time to.
func (j *Journal) TakeTurn(ctx context.Context) (Swept, error) { return j.takeTurn(ctx) }

// SweepOnce sweeps the schedules alone, and returns how many were woken.
func (s *Schedules) SweepOnce(ctx context.Context) (int, error) {
	return s.wakeOverdue(ctx, func() error { return nil })
}

// SuppressionStore is where what is suppressed is kept.
func (j *Journal) SuppressionStore() suppression.Store { return segments{j} }

// SweepSuppressionsOnce looks after the numbers that were laid down.
func (j *Journal) SweepSuppressionsOnce(ctx context.Context) error {
	return j.sweepSuppressions(ctx, map[string]bool{}, func() error { return nil })
}

// SweepBudgetsOnce sweeps the budgets alone.
func (j *Journal) SweepBudgetsOnce(ctx context.Context, b *budget.Ledgers) (budget.Swept, error) {
	return j.sweepBudgets(ctx, b, func() error { return nil })
}

// AddDuty adds what a replica does in its turn.
func (j *Journal) AddDuty(do func(context.Context) error) {
	j.duties.add(duty{
		name:  "test",
		do:    func(ctx context.Context, _ func() error) (done, error) { return done{}, do(ctx) },
		learn: func(context.Context, done) error { return nil },
	})
}
