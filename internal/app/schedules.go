package app

import (
	"context"
	"time"

	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/schedule"
	"github.com/staffetta-io/staffetta/internal/scheduler"
)

// recurring is what becomes of schedules: their streams and their loop.
type recurring struct {
	*journal.Schedules
	loop *scheduler.Scheduler
}

// recurringWorkers is how many schedules are looked at at the same time. They
// ask nobody but the streams, so a few keep up with thousands.
const recurringWorkers = 4

// openSchedules makes the loop of recurring campaigns.
func (a *App) openSchedules(ctx context.Context) error {
	s, err := a.journal.Schedules(ctx)
	if err != nil {
		return err
	}
	reasons := make([]string, len(schedule.Reasons))
	for i, r := range schedule.Reasons {
		reasons[i] = string(r)
	}
	count := a.ops.CounterOf("schedule_skipped_total", "Occurrences of schedules that this service left out; what a pause or a change left out is in the schedule's record only.", "reason", reasons)
	a.recurring = recurring{s, scheduler.New(s, a.opts.Log, func(r schedule.Reason) { count(string(r)) })}
	return nil
}

// loop is who handles a wake-up: a campaign's or a schedule's.
func (a *App) loop(w runner.Wakeup) journal.Handler {
	if w.Kind == scheduler.Wake {
		return a.recurring.loop.Handle
	}
	return a.runner.Handle
}

// Schedule is a recurring campaign, as somebody wrote it.
type Schedule = schedule.Schedule

// ScheduleRecord is a schedule and what came of it so far.
type ScheduleRecord = schedule.Record

// CheckSchedule says whether the campaign that a schedule asks for could be
// asked for; an error names the fields at fault.
func CheckSchedule(s Schedule, now time.Time) error { return journal.CheckSchedule(s, now) }

// ErrNoSchedule means that there is no schedule of a key, or no more.
var ErrNoSchedule = journal.ErrNoSchedule

// ErrChanged means that somebody else was quicker: read again, and decide again.
var ErrChanged = runner.ErrConflict
