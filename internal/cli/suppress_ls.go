package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/query"
)

func newSuppressLs(t Terminal) *cobra.Command {
	var a query.SuppressionsAsk
	var asJSON bool
	var zone zoneFlag
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "Show what was suppressed and allowed, and whether a number is",
		Long: `Show each order about numbers, the latest last: when, for whom, how many, who and why.
The numbers cannot be shown, since only hashes of them are kept. With --number it says
whether that number is suppressed, and which orders named it.`,
		Example: `  staffetta suppress ls --source shop-italia
  staffetta suppress ls --number "333 1234567" --region IT`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := zone.of(t)
			if err == nil {
				err = a.Check()
			}
			if err != nil {
				return usageError{err}
			}
			c, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer c.Close()
			var all []query.Suppression
			var by []string
			for s, err := range query.Each(func(after string) ([]query.Suppression, string, error) {
				a.After = after
				page, err := query.AskSuppressions(cmd.Context(), c, a)
				by = page.SuppressedFor
				return page.Suppressions, page.Next, err
			}) {
				if err != nil {
					return err
				}
				all = append(all, s)
			}
			if asJSON && a.Number != "" {
				return printLine(t.Out, query.Suppressions{Suppressions: all, SuppressedFor: by})
			}
			if asJSON {
				for _, s := range all {
					if err := printLine(t.Out, s); err != nil {
						return err
					}
				}
				return nil
			}
			return printSuppressions(t, a, all, by)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&a.Source, "source", "", "only what binds the campaigns of this source")
	f.StringVar(&a.Number, "number", "", "whether this number is suppressed, and by whom")
	f.StringVar(&a.Region, "region", "", "country of a number in national form, as IT")
	zone.add(f)
	f.BoolVar(&asJSON, "json", false, "a JSON object on each line; with --number one, with for whom it is suppressed")
	addSettings(f, rows)
	return cmd
}

// printSuppressions shows the orders, and of a number what they came to.
func printSuppressions(t Terminal, a query.SuppressionsAsk, all []query.Suppression, by []string) error {
	switch {
	case a.Number != "" && len(by) > 0:
		var names []string
		for _, scope := range by {
			names = append(names, suppressedFor(scope))
		}
		fmt.Fprintf(t.Out, "the number gets nothing from %s\n", strings.Join(names, ", "))
	case a.Number != "":
		fmt.Fprintln(t.Out, "the number is not suppressed")
	case len(all) == 0:
		fmt.Fprintln(t.Out, "nothing was suppressed")
	}
	if len(all) == 0 {
		return nil
	}
	list := table{columns: []column{
		{head: "AT", spare: 2}, {head: "WHAT"}, {head: "OF", least: 10, cut: shortened}, {head: "NUMBERS"}, {head: "BY", spare: 3}, {head: "ORDER", spare: 4}, textColumn("NOTE", 1),
	}}
	for _, s := range all {
		list.add(t.instant(s.At), s.Change, suppressedFor(s.Source), thousands(s.Numbers), s.By, fmt.Sprint(s.Command), s.Note)
	}
	return list.flush(t)
}

// suppressedFor is a source in words.
func suppressedFor(scope string) string {
	if scope == "*" {
		return "all sources"
	}
	return scope
}
