package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func newStreams(t Terminal) *cobra.Command {
	var asJSON bool
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "streams",
		Short: "The streams: do they belong together, and what is in them",
		Long: `All that Staffetta knows is in its streams, and they belong together: with records
of one backup and events of another, campaigns could be sent twice. So each stream
bears the id of its installation and the version of its layout. This lists them, and
says what is wrong with them together. Exit code 1: no service would start on them.`,
		Example: `  staffetta streams
  staffetta streams --json
  staffetta streams upgrade          what would be done to streams of an earlier version
  staffetta streams upgrade --yes    do it`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && args[0] != "ls" {
				return usageError{fmt.Errorf("unknown command %q: %s has ls and upgrade", args[0], cmd.CommandPath())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer c.Close()
			found, err := c.Streams(cmd.Context())
			if err != nil {
				return err
			}
			list := table{columns: plainColumns("STREAM", "INSTALLATION", "LAYOUT", "MADE", "MESSAGES", "BYTES", "OLDEST", "NEWEST")}
			marked := true
			ago := func(at time.Time) string {
				if at.IsZero() || at.Unix() <= 0 {
					return "-"
				}
				return age(time.Since(at))
			}
			for _, s := range found.All {
				switch {
				case asJSON:
					if err := printLine(t.Out, s); err != nil {
						return err
					}
				case s.Missing:
					list.add(s.Name, "missing", "", "", "", "", "", "")
				default:
					marked = marked && s.Current()
					first, last := s.First, s.Last
					if s.Messages == 0 {
						first, last = time.Time{}, time.Time{}
					}
					list.add(s.Name, orDash(s.Installation), orDash(s.Layout), ago(s.Made), thousands(int64(s.Messages)), thousands(int64(s.Bytes)), ago(first), ago(last))
				}
			}
			if err := list.flush(t); err != nil {
				return err
			}
			if found.Wrong != nil {
				return found.Wrong
			}
			if !marked && !asJSON {
				_, err = fmt.Fprintf(t.Out, "\nthese are streams of an earlier version: %s streams upgrade says what is done about it\n", t.Name)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&asJSON, "json", false, "a JSON object on each line")
	addSettings(f, rows)
	cmd.AddCommand(newStreamsUpgrade(t))
	return cmd
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func newStreamsUpgrade(t Terminal) *cobra.Command {
	var yes bool
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "upgrade",
		Short: "Upgrade the streams of an earlier version",
		Long: `Upgrade the streams of an earlier version to this one. Each gets the id of the
installation, and commands get a stream of their own, in which no message can affect
another one. It says what it would do, and does it with --yes.

First replace every service: the new ones work with both layouts. They may run
during the upgrade: what was published before is read to its end. Afterwards a
service of an earlier version does not start any more, and a command line of an
earlier version can send no commands: the server answers "per-message TTL is
disabled". Upgrade it too. The upgrade needs the right to change streams, which the
service does not have: be the operator.`,
		Example: `  staffetta streams upgrade
  staffetta streams upgrade --yes --nats-context operator`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer c.Close()
			plan, err := c.PlanUpgrade(cmd.Context())
			if err != nil {
				return err
			}
			if len(plan.Steps) == 0 {
				_, err := fmt.Fprintf(t.Out, "nothing to do: every stream is of this version, and of installation %s\n", plan.Installation)
				return err
			}
			for _, step := range plan.Steps {
				if _, err := fmt.Fprintf(t.Out, "%s %s\n", step.Stream, step.Does); err != nil {
					return err
				}
			}
			if !yes {
				_, err := fmt.Fprintln(t.Out, "nothing was changed; with --yes it is done")
				return err
			}
			if err := c.Upgrade(cmd.Context(), plan); err != nil {
				return err
			}
			_, err = fmt.Fprintf(t.Out, "done: every stream is of this version, and of installation %s\n", plan.Installation)
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&yes, "yes", false, "do it")
	addSettings(f, rows)
	return cmd
}
