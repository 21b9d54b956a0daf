package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newStreams(t Terminal) *cobra.Command {
	var asJSON bool
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "streams",
		Short: "The streams: do they belong together, and what is in them",
		Long: `All that Staffetta knows is in its streams, and they belong together: records of
one backup beside events of another would let campaigns be sent twice. So each
stream bears the id of its installation and the version of its layout. This lists
them, and says what is wrong with them together; exit code 1: no service would
start on them.`,
		Example: `  staffetta streams
  staffetta streams --json
  staffetta streams upgrade          what streams of an earlier version would get
  staffetta streams upgrade --yes    give it to them`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && args[0] != "ls" {
				return usageError{fmt.Errorf("unknown command %q: %s has ls and upgrade", args[0], cmd.CommandPath())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer client.Close()
			found, err := client.Streams(cmd.Context())
			if err != nil {
				return err
			}
			list := table{head: []string{"STREAM", "INSTALLATION", "LAYOUT", "MADE", "MESSAGES", "BYTES", "OLDEST", "NEWEST"}}
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
					marked = marked && s.Installation != ""
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
				_, err = fmt.Fprintf(t.Out, "\nstreams without an id are not told from those of another backup: %s streams upgrade gives them one\n", t.Name)
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
		Short: "Give streams of an earlier version their id",
		Long: `Give the id of their installation to streams that bear none, because an earlier
version made them: that of the others, or a new one. It says what it would do, and
does it with --yes. Nothing else of a stream is changed, and services may run
meanwhile; one of an earlier version works on. It needs the right to change
streams, which the service has not: be the operator.`,
		Example: `  staffetta streams upgrade
  staffetta streams upgrade --yes --nats-context operator`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer client.Close()
			plan, err := client.PlanUpgrade(cmd.Context())
			if err != nil {
				return err
			}
			if len(plan.Streams) == 0 {
				_, err := fmt.Fprintf(t.Out, "nothing to do: every stream bears installation %s\n", plan.Installation)
				return err
			}
			if !yes {
				_, err := fmt.Fprintf(t.Out, "would give an id to %s\nnothing was changed; with --yes it is done\n", strings.Join(plan.Streams, ", "))
				return err
			}
			if err := client.Upgrade(cmd.Context(), plan); err != nil {
				return err
			}
			_, err = fmt.Fprintf(t.Out, "%s bear installation %s now\n", strings.Join(plan.Streams, ", "), plan.Installation)
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&yes, "yes", false, "do it")
	addSettings(f, rows)
	return cmd
}
