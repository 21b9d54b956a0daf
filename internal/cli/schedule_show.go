package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/schedule"
)

func newScheduleLs(t Terminal) *cobra.Command {
	var asJSON bool
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "ls [SOURCE]",
		Short: "List schedules",
		Long: `List the schedules: when they come, when they come next, how many campaigns each has
asked for, and how many occurrences were left out, with the reason and the local
time of the last. staffetta schedule show says more. With --json each is printed as
it is stored, on a line.`,
		Example: `  staffetta schedule ls
  staffetta schedule ls studio-bianchi --json | jq .skipped`,
		Args: atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			source := ""
			if len(args) > 0 {
				if source = args[0]; strings.Contains(source, ".") {
					return usageError{fmt.Errorf("%q: want a source alone, as studio-bianchi; %s schedule show %s shows one schedule", source, t.Name, source)}
				}
			}
			c, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer c.Close()
			list := table{columns: []column{keyColumn("SCHEDULE"), textColumn("COMES", 2), {head: "NEXT"}, {head: "ASKED", spare: 1}, textColumn("LEFT OUT", 3), {head: "LAST", spare: 4, least: 12, cut: shortened}}}
			reader := c.Reader()
			for r, err := range query.Each(func(after string) ([]schedule.Record, string, error) {
				all, err := reader.Schedules(cmd.Context(), query.SchedulesAsk{Source: source, Page: query.Page{After: after}})
				return all.Schedules, all.Next, err
			}) {
				if err != nil {
					return err
				}
				if asJSON {
					if err := printLine(t.Out, r); err != nil {
						return err
					}
					continue
				}
				last := "-"
				if r.Last != nil {
					last = r.Last.ID
				}
				list.add(r.Key.String(), r.Rule(), nextWords(r), itoa(r.Fired), leftOutWords(r), last)
			}
			if asJSON {
				return nil
			}
			if len(list.rows) == 0 {
				_, err := fmt.Fprintln(t.Out, "no schedules")
				return err
			}
			return list.flush(t)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "each schedule as it is stored, on a line")
	addSettings(cmd.Flags(), rows)
	return cmd
}

// nextWords is when a schedule comes next, or why it does not.
func nextWords(r schedule.Record) string {
	if r.Paused {
		return "paused by " + r.ChangedBy
	}
	next := r.Next(recordNow(), 1)
	if len(next) == 0 {
		return "ended"
	}
	return local(next[0].At, r.Zone)
}

// leftOutWords is how many occurrences were left out, and why the last one was.
func leftOutWords(r schedule.Record) string {
	if len(r.Skipped) == 0 {
		return itoa(r.LeftOut)
	}
	last := r.Skipped[len(r.Skipped)-1]
	return fmt.Sprintf("%d, %s %s", r.LeftOut, last.Reason, last.Local)
}

func newScheduleShow(t Terminal) *cobra.Command {
	var asJSON bool
	var zone zoneFlag
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "show SOURCE.ID",
		Short: "Show one schedule: what it says, and which campaigns it has asked for",
		Long: `Show one schedule: what it says, who changed it last, what it asked for last, and
the last twenty occurrences that were left out, each with its reason. When it comes
is said in its own zone; --zone is for when it was changed.`,
		Example: `  staffetta schedule show studio-bianchi.monday-reminder`,
		Args:    oneSchedule,
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := zone.of(t)
			if err != nil {
				return err
			}
			return withSchedule(cmd, t, rows, args[0], func(r schedule.Record) error {
				if asJSON {
					return printLine(t.Out, r)
				}
				return printSchedule(t, r)
			})
		},
	}
	zone.add(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "as it is stored, on a line")
	addSettings(cmd.Flags(), rows)
	return cmd
}

func printSchedule(t Terminal, r schedule.Record) error {
	var b strings.Builder
	say := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-20s %s\n", name, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(&b, "%s  version %d, by %s at %s\n", r.Key, r.Version, r.ChangedBy, t.instant(r.ChangedAt))
	say("comes", "%s", r.Rule())
	if !r.Start.IsZero() || !r.End.IsZero() {
		say("from, until", "%s, %s", dateOr(r.Start.String(), r.Start.IsZero()), dateOr(r.End.String(), r.End.IsZero()))
	}
	say("next", "%s", nextWords(r))
	say("missing local time", "%s", r.MissingTime)
	say("repeated local time", "%s", r.RepeatedTime)
	say("overlap", "%s", r.Overlap)
	if r.CatchUp == schedule.CatchUpNone {
		say("catch up", "none")
	} else {
		say("catch up", "%s within %s", r.CatchUp, r.CatchUpWithin)
	}
	say("expires after", "%s", r.ExpiresAfter)
	say("asked for", "%s", plural(int64(r.Fired), "campaign"))
	if r.Last != nil {
		say("the last one", "%s.%s", r.Source, r.Last.ID)
	}
	for _, o := range r.Waiting {
		say("waiting", "%s.%s, until the previous one has ended", r.Source, o.ID)
	}
	say("left out", "%d", r.LeftOut)
	for _, o := range r.Skipped {
		fmt.Fprintf(&b, "    %s  %s: %s\n", o.Local, o.Reason, o.Why)
	}
	fmt.Fprintf(&b, "  request              %s\n", r.Request)
	_, err := fmt.Fprint(t.Out, b.String())
	return err
}

func dateOr(date string, none bool) string {
	if none {
		return "-"
	}
	return date
}

func newScheduleNext(t Terminal) *cobra.Command {
	var asJSON bool
	var n int
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "next SOURCE.ID",
		Short: "Show when a schedule comes, in local time and UTC",
		Long: `Show the next instants of a schedule, in its zone's local time and in UTC, with the
request id of each campaign, and how clock changes move them.`,
		Example: `  staffetta schedule next studio-bianchi.monday-reminder
  staffetta schedule next studio-bianchi.monday-reminder -n 52 --json | jq -r .at`,
		Args: oneSchedule,
		RunE: func(cmd *cobra.Command, args []string) error {
			if n < 1 || n > 10_000 {
				return usageError{fmt.Errorf("-n %d: want 1 to 10000", n)}
			}
			return withSchedule(cmd, t, rows, args[0], func(r schedule.Record) error {
				if r.Paused && !asJSON {
					fmt.Fprintf(t.Out, "%s is paused by %s: none of these is asked for until it is resumed\n", r.Key, r.ChangedBy)
				}
				return printNext(t, r.Schedule, n, asJSON)
			})
		},
	}
	cmd.Flags().IntVarP(&n, "number", "n", 10, "how many")
	cmd.Flags().BoolVar(&asJSON, "json", false, "a JSON object on each line")
	addSettings(cmd.Flags(), rows)
	return cmd
}

// printNext prints the coming occurrences.
func printNext(t Terminal, s schedule.Schedule, n int, asJSON bool) error {
	next := s.Next(recordNow(), n)
	list := table{columns: []column{{head: "LOCAL TIME"}, {head: "UTC", spare: 2}, keyColumn("REQUEST ID"), textColumn("", 1)}}
	for _, o := range next {
		if asJSON {
			if err := printLine(t.Out, o); err != nil {
				return err
			}
			continue
		}
		list.add(local(o.At, s.Zone), o.At.Format("2006-01-02 15:04"), o.ID, o.Note)
	}
	if err := list.flush(t); err != nil || asJSON || len(next) == n {
		return err
	}
	_, err := fmt.Fprintln(t.Out, "then it has ended")
	return err
}

// withSchedule reads one schedule.
func withSchedule(cmd *cobra.Command, t Terminal, rows []setting, name string, do func(schedule.Record) error) error {
	key, err := schedule.ParseKey(name)
	if err != nil {
		return usageError{err}
	}
	c, err := connect(cmd, t, rows)
	if err != nil {
		return err
	}
	defer c.Close()
	found, err := c.Reader().Schedules(cmd.Context(), query.SchedulesAsk{Key: name})
	if err != nil {
		return noSchedule(cmd.Context(), t, c, key, err)
	}
	return do(found.Schedules[0])
}
