package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/schedule"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Schedules: campaigns that come again and again.

func newSchedule(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schedule",
		Short: "Campaigns that come again and again",
		Long: `A schedule asks for a campaign at a local time: every Monday at 09:00 in Rome. Each
occurrence is an ordinary campaign. Its request id is made of the schedule's id and
the local date and time, so that it exists once, whatever crashes. The schedule
itself says what happens at clock changes, after outages, and if a campaign takes
too long.`,
		Example: `  staffetta schedule add studio-bianchi.monday-reminder -f reminder.json \
    --weekdays monday --at 09:00 --zone Europe/Rome --by anna
  staffetta schedule next studio-bianchi.monday-reminder
  staffetta schedule ls`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newScheduleAdd(t), newScheduleLs(t), newScheduleShow(t), newScheduleNext(t),
		newSchedulePause(t), newScheduleResume(t), newScheduleRm(t))
	return cmd
}

func newSchedulePause(t Terminal) *cobra.Command {
	return newScheduleChange(t, "pause", "Ask for nothing until it is resumed",
		`Have the service ask for nothing until the schedule is resumed. Campaigns that were
asked for go on: staffetta cancel stops one. What falls into the pause is not made up
for.`, "pauses",
		func(r schedule.Record, l *laying) (string, proto.Message, error) {
			if r.Paused {
				return "", nil, fmt.Errorf("%s is paused already, by %s", r.Key, r.ChangedBy)
			}
			return contract.VerbPauseSchedule, &campaignv1.PauseSchedule{By: l.by, Id: r.ID, Version: int32(r.Version)}, nil
		})
}

func newScheduleResume(t Terminal) *cobra.Command {
	return newScheduleChange(t, "resume", "Go on after a pause",
		`Go on after a pause, with the first occurrence from now on.`, "resumes",
		func(r schedule.Record, l *laying) (string, proto.Message, error) {
			if !r.Paused {
				return "", nil, fmt.Errorf("%s is not paused", r.Key)
			}
			return contract.VerbResumeSchedule, &campaignv1.ResumeSchedule{By: l.by, Id: r.ID, Version: int32(r.Version)}, nil
		})
}

func newScheduleRm(t Terminal) *cobra.Command {
	return newScheduleChange(t, "rm", "Remove a schedule",
		`Have the service remove a schedule and what is known of its past. Campaigns that were
asked for go on: staffetta cancel stops one.`, "removes",
		func(r schedule.Record, l *laying) (string, proto.Message, error) {
			return contract.VerbRemoveSchedule, &campaignv1.RemoveSchedule{By: l.by, Id: r.ID, Version: int32(r.Version)}, nil
		})
}

// newScheduleChange is a command that has the service change one schedule. It sends the
// revision that it has read: if another change came first, this one is refused.
func newScheduleChange(t Terminal, verb, short, long, does string, order func(schedule.Record, *laying) (string, proto.Message, error)) *cobra.Command {
	var l laying
	cmd := &cobra.Command{
		Use:     verb + " SOURCE.ID --by NAME",
		Short:   short,
		Long:    long,
		Example: "  staffetta schedule " + verb + " studio-bianchi.monday-reminder --by anna",
		Args:    oneSchedule,
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := schedule.ParseKey(args[0])
			if err != nil {
				return usageError{err}
			}
			c, err := connect(cmd, t, l.rows)
			if err != nil {
				return err
			}
			defer c.Close()
			if err := requireName(c, l.by, "say who changes it"); err != nil {
				return err
			}
			r, err := scheduleNamed(cmd.Context(), c, key)
			if err != nil {
				return noSchedule(cmd.Context(), t, c, key, err)
			}
			verb, body, err := order(r, &l)
			if err != nil {
				return err
			}
			done, err := lay[*campaignv1.ScheduleChanged](cmd, c, &l, key.Source, verb, body)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(t.Out, "%s: %s\n", key, saidOf(done, r.Zone))
			return err
		},
	}
	l.flags(cmd.Flags(), "who "+does+" it")
	return cmd
}

// scheduleNamed is a schedule as the service has it.
func scheduleNamed(ctx context.Context, c *client.Client, key schedule.Key) (schedule.Record, error) {
	all, err := c.Reader().Schedules(ctx, query.SchedulesAsk{Key: key.String()})
	if err == nil && len(all.Schedules) != 1 {
		err = fmt.Errorf("schedule %s: %w", key, client.ErrNoSchedule)
	}
	if err != nil {
		return schedule.Record{}, err
	}
	return all.Schedules[0], nil
}

// saidOf says what was done to a schedule.
func saidOf(m *campaignv1.ScheduleChanged, zone string) string {
	next := "; it does not come again"
	if m.GetNext() != nil {
		next = "; it comes next at " + local(m.GetNext().AsTime(), zone)
	}
	switch m.GetChange() {
	case campaignv1.ScheduleChanged_CHANGE_ADDED:
		return "added: " + m.GetRule() + next
	case campaignv1.ScheduleChanged_CHANGE_CHANGED:
		if m.GetPaused() {
			return "changed: " + m.GetRule() + "\nit is still paused"
		}
		return "changed: " + m.GetRule() + next
	case campaignv1.ScheduleChanged_CHANGE_PAUSED:
		return "paused"
	case campaignv1.ScheduleChanged_CHANGE_RESUMED:
		return "resumed" + next
	}
	return fmt.Sprintf("removed, after %s", plural(m.GetFired(), "campaign"))
}

func oneSchedule(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError{fmt.Errorf("%s wants one schedule, as studio-bianchi.monday-reminder; %s schedule ls lists them", cmd.CommandPath(), cmd.Root().Name())}
	}
	return nil
}

// noSchedule says which schedule was probably meant, and where they are listed.
func noSchedule(ctx context.Context, t Terminal, c *client.Client, key schedule.Key, err error) error {
	if !errors.Is(err, client.ErrNoSchedule) && !query.Is(err, query.NotFound) {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, nearWithin)
	defer cancel()
	known, _ := schedules(ctx, c, nil, "")
	return fmt.Errorf("%w%s %s schedule ls lists them", err, cmp.Or(nearest(key.String(), key.ID, known), ":"), t.Name)
}

// recordNow is now, as the records have it.
func recordNow() time.Time { return time.Now().Round(0).UTC() }

// local is an instant as people in a zone say it: "Mon 2026-11-30 09:00 CET".
func local(at time.Time, zone string) string {
	if loc, err := time.LoadLocation(zone); err == nil {
		at = at.In(loc)
	}
	return at.Format("Mon 2006-01-02 15:04 MST")
}
