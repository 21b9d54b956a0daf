package app

import (
	"context"

	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/schedule"
	"github.com/staffetta-io/staffetta/internal/scheduler"
)

// recurring is what becomes of schedules: their streams and their loop.
type recurring struct {
	*journal.Schedules
	loop *scheduler.Scheduler
}

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
