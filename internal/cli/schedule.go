package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/schedule"
)

// Campaigns that come again and again.

func newSchedule(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schedule",
		Short: "Campaigns that come again and again",
		Long: `A schedule asks for a campaign at a local time: every Monday at 09:00 in Rome.
Each occurrence is an ordinary campaign with a request id of its own, made of the
schedule's id and the local date and time, so that it exists once whatever
crashes. How clock changes, outages and campaigns that take too long are dealt
with is said in the schedule.`,
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
		`Ask for nothing until the schedule is resumed. Campaigns that were asked for go on:
staffetta cancel stops one. What falls into the pause is not made up for.`,
		func(r app.ScheduleRecord, by string) (app.ScheduleRecord, string, error) {
			if r.Paused {
				return r, "", fmt.Errorf("%s is paused already, by %s", r.Key, r.ChangedBy)
			}
			return r.Pause(by, moment()), "paused", nil
		})
}

func newScheduleResume(t Terminal) *cobra.Command {
	return newScheduleChange(t, "resume", "Go on after a pause",
		`Go on after a pause, with the first occurrence from now on.`,
		func(r app.ScheduleRecord, by string) (app.ScheduleRecord, string, error) {
			if !r.Paused {
				return r, "", fmt.Errorf("%s is not paused", r.Key)
			}
			r = r.Resume(by, moment())
			return r, "resumed" + comesNext(r.Schedule), nil
		})
}

// newScheduleChange is a command that changes one schedule and says how.
func newScheduleChange(t Terminal, verb, short, long string, change func(r app.ScheduleRecord, by string) (app.ScheduleRecord, string, error)) *cobra.Command {
	var by string
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:     verb + " SOURCE.ID --by NAME",
		Short:   short,
		Long:    long,
		Example: "  staffetta schedule " + verb + " studio-bianchi.monday-reminder --by anna",
		Args:    oneSchedule,
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := signed(args[0], by)
			if err != nil {
				return err
			}
			client, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer client.Close()
			r, rev, err := client.Schedule(cmd.Context(), key)
			if err != nil {
				return noSchedule(t, err)
			}
			r, said, err := change(r, by)
			if err != nil {
				return err
			}
			if err := client.PutSchedule(cmd.Context(), r, rev); err != nil {
				return changedMeanwhile(err)
			}
			_, err = fmt.Fprintf(t.Out, "%s: %s\n", key, said)
			return err
		},
	}
	cmd.Flags().StringVar(&by, "by", "", "who changes it, for the record")
	addSettings(cmd.Flags(), rows)
	return cmd
}

func newScheduleRm(t Terminal) *cobra.Command {
	var by string
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "rm SOURCE.ID --by NAME",
		Short: "Remove a schedule",
		Long: `Remove a schedule and what is known of its past. Campaigns that were asked for go
on: staffetta cancel stops one.`,
		Example: `  staffetta schedule rm studio-bianchi.monday-reminder --by anna`,
		Args:    oneSchedule,
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := signed(args[0], by)
			if err != nil {
				return err
			}
			client, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer client.Close()
			r, rev, err := client.Schedule(cmd.Context(), key)
			if err != nil {
				return noSchedule(t, err)
			}
			if err := client.RemoveSchedule(cmd.Context(), key, rev, by); err != nil {
				return changedMeanwhile(err)
			}
			_, err = fmt.Fprintf(t.Out, "%s: removed, after %s\n", key, plural(int64(r.Fired), "campaign"))
			return err
		},
	}
	cmd.Flags().StringVar(&by, "by", "", "who removes it, for the record")
	addSettings(cmd.Flags(), rows)
	return cmd
}

// signed reads the key of a schedule that somebody changes.
func signed(name, by string) (schedule.Key, error) {
	key, err := schedule.ParseKey(name)
	if err != nil {
		return key, usageError{err}
	}
	if by == "" {
		return key, usageError{errors.New("say who changes it: --by NAME; it goes into the record")}
	}
	return key, nil
}

func oneSchedule(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError{fmt.Errorf("%s wants one schedule, as studio-bianchi.monday-reminder; %s schedule ls lists them", cmd.CommandPath(), cmd.Root().Name())}
	}
	return nil
}

func noSchedule(t Terminal, err error) error {
	if errors.Is(err, app.ErrNoSchedule) || query.Is(err, query.NotFound) {
		return fmt.Errorf("%w: %s schedule ls lists them", err, t.Name)
	}
	return err
}

func changedMeanwhile(err error) error {
	if errors.Is(err, app.ErrChanged) {
		return errors.New("it was changed at the same moment, by the service or by somebody else; nothing was done: try again")
	}
	return err
}

// comesNext says when a schedule comes next.
func comesNext(s app.Schedule) string {
	next := s.Next(moment(), 1)
	if len(next) == 0 {
		return "; it does not come again"
	}
	return fmt.Sprintf("; it comes next at %s", local(next[0].At, s.Zone))
}

// moment is now, as the records have it.
func moment() time.Time { return time.Now().Round(0).UTC() }

// local is an instant as people in a zone say it: "Mon 2026-11-30 09:00 CET".
func local(at time.Time, zone string) string {
	if loc, err := time.LoadLocation(zone); err == nil {
		at = at.In(loc)
	}
	return at.Format("Mon 2006-01-02 15:04 MST")
}
