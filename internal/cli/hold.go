package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/button"
)

func newHold(t Terminal) *cobra.Command {
	var source, by, because string
	var all, asJSON bool
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "hold --source SOURCE|--all --why REASON --by NAME",
		Short: "The red button: confirm nothing until it is released",
		Long: `Hold what is not yet confirmed, of one source or of all. When the command returns,
a second later, every service heeds it: it begins nothing and confirms nothing, also
what is just about to be confirmed. What is held waits, says so, and goes on
within about a minute after staffetta release; what expires or becomes too late
meanwhile is rejected, and a cancel is obeyed at once.

It does not take back what is confirmed already, also for a later instant: cancel
does that, before the instant. Without --source and --all it shows what is held,
and who held and released what.`,
		Example: `  staffetta hold --all --why "prices are wrong" --by anna
  staffetta hold --source shop-italia --why "wrong list" --by anna
  staffetta hold`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if source == "" && !all {
				if because != "" || by != "" {
					return usageError{errors.New("say what to hold: --source SOURCE, or --all")}
				}
				return withButton(cmd, t, rows, func(ctx context.Context, b *app.Button) error {
					s, err := b.State(ctx)
					if err != nil {
						return err
					}
					if asJSON {
						return printLine(t.Out, s)
					}
					return printHeld(t.Out, s, t.Name)
				})
			}
			what, err := heldBy(source, all, by)
			if err == nil && because == "" {
				err = errors.New("say why: --why REASON; whoever waits for it reads that")
			}
			if err != nil {
				return usageError{err}
			}
			return withButton(cmd, t, rows, func(ctx context.Context, b *app.Button) error {
				s, err := b.Press(ctx, what, by, because)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(t.Out, "%s\nevery service heeds it from now on; one that cannot know confirms nothing\n", s.Words(what))
				return err
			})
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&source, "source", "", "hold the campaigns of this source")
	f.BoolVar(&all, "all", false, "hold everything")
	f.StringVar(&because, "why", "", "why, for those who wait and those who release it")
	f.StringVar(&by, "by", "", "who holds it")
	f.BoolVar(&asJSON, "json", false, "what is held as a JSON object")
	addSettings(f, rows)
	return cmd
}

func newRelease(t Terminal) *cobra.Command {
	var source, by, because string
	var all bool
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "release --source SOURCE|--all --by NAME",
		Short: "Let go of what was held",
		Long: `Let go of what was held with staffetta hold. What waits goes on within about a
minute. --all lets go of what was held with --all; a source that is held by itself
stays so.`,
		Example: `  staffetta release --all --by anna --why "prices are right again"`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			what, err := heldBy(source, all, by)
			if err != nil {
				return usageError{err}
			}
			return withButton(cmd, t, rows, func(ctx context.Context, b *app.Button) error {
				s, err := b.Release(ctx, what, by, because)
				if err != nil {
					return err
				}
				if _, err := fmt.Fprintf(t.Out, "%s is not held any more; what waited goes on within about a minute\n", button.Name(what)); err != nil {
					return err
				}
				for _, other := range s.Sources() {
					if _, err := fmt.Fprintf(t.Out, "but %s\n", s.Words(other)); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&source, "source", "", "let go of this source")
	f.BoolVar(&all, "all", false, "let go of what was held with --all")
	f.StringVar(&because, "why", "", "why, for the history")
	f.StringVar(&by, "by", "", "who releases it")
	addSettings(f, rows)
	return cmd
}

// heldBy is what the flags name.
func heldBy(source string, all bool, by string) (string, error) {
	switch {
	case all == (source != ""):
		return "", errors.New("say what: --source SOURCE, or --all")
	case by == "":
		return "", errors.New("say who does it: --by NAME; it is kept")
	case all:
		return button.All, nil
	}
	return source, nil
}

// withButton does something with the red button.
func withButton(cmd *cobra.Command, t Terminal, rows []setting, do func(context.Context, *app.Button) error) error {
	client, err := connect(cmd, t, rows)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, done := client.HeedButton(cmd.Context())
	defer done()
	b, err := client.OpenButton(ctx)
	if err != nil {
		return err
	}
	return do(ctx, b)
}

// printHeld shows what is held, and who did what.
func printHeld(w io.Writer, s button.State, program string) error {
	if len(s.Held) == 0 {
		fmt.Fprintf(w, "nothing is held; %s hold --all --why REASON --by NAME holds everything\n", program)
	}
	for _, source := range s.Sources() {
		fmt.Fprintln(w, s.Words(source))
	}
	if len(s.Changes) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nAT\tWHAT\tOF\tBY\tWHY")
	for _, c := range s.Changes {
		what := "held"
		if c.Released {
			what = "released"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", c.At.Format(time.RFC3339), what, c.Source, c.By, c.Why)
	}
	return table.Flush()
}
