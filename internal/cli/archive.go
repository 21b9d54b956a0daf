package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func newArchive(t Terminal) *cobra.Command {
	var into string
	var asJSON bool
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "archive --into FOLDER",
		Short: "Write finished campaigns into a file for each month",
		Long: `Write the campaigns that have ended into a folder: a file for each month that is over,
campaigns-2026-08.jsonl, by when they ended. Each line is one campaign in JSON: its
key, when its record was saved, and the record. What it said to people is left out:
name, description and text, and the gateway's words. It changes nothing in the
streams, and a file that is there is only replaced when the new one is whole.

A record keeps its attempts for records.keep_whole (90 days), and its key, outcome,
money and approvals for ever. Run this once a month, before the attempts go: a file
keeps what it knows of a campaign and the record does not any more. Its user reads
all records.`,
		Example: `  staffetta archive --into /archive --nats-context operator
  jq -r 'select(.record.state == "completed") | .key' /archive/campaigns-2026-08.jsonl`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if into == "" {
				return usageError{errors.New("say where to: --into FOLDER")}
			}
			c, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer c.Close()
			months, err := c.Archive(cmd.Context(), into, time.Now())
			if err != nil {
				return err
			}
			if len(months) == 0 && !asJSON {
				_, err := fmt.Fprintln(t.Out, "no campaign ended before this month")
				return err
			}
			for _, m := range months {
				if asJSON {
					err = printLine(t.Out, map[string]any{"month": m.Month, "file": m.File, "campaigns": m.Campaigns, "kept": m.Kept})
				} else {
					_, err = fmt.Fprintf(t.Out, "%s: %s, of %s the archive knows more than the record\n", m.File, plural(int64(m.Campaigns), "campaign"), thousands(int64(m.Kept)))
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringVar(&into, "into", "", "folder of the files; it has to be there")
	fl.BoolVar(&asJSON, "json", false, "a JSON object on each line")
	addSettings(fl, rows)
	return cmd
}
