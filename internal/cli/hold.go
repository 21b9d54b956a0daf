package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/button"
	"github.com/staffetta-io/staffetta/internal/contract"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

func newHold(t Terminal) *cobra.Command {
	var source, because string
	var all, direct, asJSON bool
	var zone zoneFlag
	l := laying{alone: "press it yourself with --direct, if you may write the bucket: a service enforces it as soon as it runs"}
	cmd := &cobra.Command{
		Use:   "hold --source SOURCE|--all --why REASON --by NAME",
		Short: "The red button: confirm nothing until it is released",
		Long: `Have the service hold the campaigns that are not yet confirmed, of one source or of
all. When the command returns with exit code 0, the hold is in effect in every
service: it begins nothing and confirms nothing, not even a campaign that is just
about to be confirmed. A campaign that is held waits, says so, and goes on within
about a minute after staffetta release. If it expires or becomes too late meanwhile,
it is rejected. A cancel takes effect at once.

A campaign that is confirmed already is not stopped, not even if it is for a later
instant: cancel does that, before the instant. Without --source and --all it shows
what is held, and who held and released what.

While no service answers, nothing is confirmed either. With --direct the button is
pressed without a service, by a user with the right to write the bucket: then the
hold is in effect when a service starts.`,
		Example: `  staffetta hold --all --why "prices are wrong" --by anna
  staffetta hold --source shop-italia --why "wrong list" --by anna
  staffetta hold`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := zone.of(t)
			if err != nil {
				return err
			}
			if source == "" && !all {
				if because != "" || l.by != "" {
					return usageError{errors.New("say what to hold: --source SOURCE, or --all")}
				}
				return withButton(cmd, t, l.rows, func(ctx context.Context, b *button.Button) error {
					s, err := b.State(ctx)
					if err != nil {
						return err
					}
					if asJSON {
						return printLine(t.Out, s)
					}
					return printHeld(t, s)
				})
			}
			what, err := heldBy(source, all)
			if err == nil && because == "" {
				err = errors.New("say why: --why REASON; the people that wait read it")
			}
			if err != nil {
				return usageError{err}
			}
			if direct {
				return withButton(cmd, t, l.rows, func(ctx context.Context, b *button.Button) error {
					if l.by == "" {
						return usageError{errors.New("say who does it: --by NAME; it is kept")}
					}
					s, err := b.Press(ctx, what, l.by, because)
					if err != nil {
						return err
					}
					_, err = fmt.Fprintf(t.Out, "%s\npressed without a service: it is in effect in every service, also in one that starts later; no event reports it\n", t.zoned(s.Words(what)))
					return err
				})
			}
			c, err := connect(cmd, t, l.rows)
			if err != nil {
				return err
			}
			defer c.Close()
			held, err := lay[*campaignv1.CampaignsHeld](cmd, c, &l, source, contract.VerbHold, &campaignv1.HoldCampaigns{By: l.by, Why: because})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(t.Out, "%s is held by %s since %s: %s\nit is in effect in every service from now on; one that cannot know confirms nothing\n",
				button.Name(what), held.GetBy(), t.instant(held.GetAt().AsTime()), held.GetWhy())
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&source, "source", "", "hold the campaigns of this source")
	f.BoolVar(&all, "all", false, "hold everything")
	f.StringVar(&because, "why", "", "why, for the people that wait and those that release it")
	f.BoolVar(&direct, "direct", false, "without a service: write the bucket yourself")
	zone.add(f)
	f.BoolVar(&asJSON, "json", false, "what is held as a JSON object")
	l.flags(f, "who holds it")
	return cmd
}

func newRelease(t Terminal) *cobra.Command {
	var source, because string
	var all, direct bool
	var zone zoneFlag
	l := laying{alone: "release it yourself with --direct, if you may write the bucket"}
	cmd := &cobra.Command{
		Use:   "release --source SOURCE|--all --by NAME",
		Short: "Release what was held",
		Long: `Have the service release what was held with staffetta hold. The campaigns that wait
go on within about a minute. --all releases what was held with --all; a source that
is held by itself stays held. With --direct it is released without a service, by a
user with the right to write the bucket.`,
		Example: `  staffetta release --all --by anna --why "prices are right again"`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := zone.of(t)
			if err != nil {
				return err
			}
			what, err := heldBy(source, all)
			if err != nil {
				return usageError{err}
			}
			if direct {
				return withButton(cmd, t, l.rows, func(ctx context.Context, b *button.Button) error {
					if l.by == "" {
						return usageError{errors.New("say who does it: --by NAME; it is kept")}
					}
					s, err := b.Release(ctx, what, l.by, because)
					if err != nil {
						return err
					}
					return printReleased(t, what, s.All())
				})
			}
			c, err := connect(cmd, t, l.rows)
			if err != nil {
				return err
			}
			defer c.Close()
			released, err := lay[*campaignv1.CampaignsReleased](cmd, c, &l, source, contract.VerbRelease, &campaignv1.ReleaseCampaigns{By: l.by, Why: because})
			if err != nil {
				return err
			}
			return printReleased(t, what, released.GetStillHeld())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&source, "source", "", "release this source")
	f.BoolVar(&all, "all", false, "release what was held with --all")
	f.StringVar(&because, "why", "", "why, for the history")
	f.BoolVar(&direct, "direct", false, "without a service: write the bucket yourself")
	zone.add(f)
	l.flags(f, "who releases it")
	return cmd
}

// printReleased says what is still held.
func printReleased(t Terminal, what string, still []string) error {
	_, err := fmt.Fprintf(t.Out, "%s is not held any more; what waited goes on within about a minute\n", button.Name(what))
	for _, words := range still {
		if err == nil {
			_, err = fmt.Fprintf(t.Out, "but %s\n", t.zoned(words))
		}
	}
	return err
}

// heldBy is the source that the flags name, or all.
func heldBy(source string, all bool) (string, error) {
	switch {
	case all == (source != ""):
		return "", errors.New("say what: --source SOURCE, or --all")
	case all:
		return button.All, nil
	}
	return source, nil
}

// withButton does something with the red button.
func withButton(cmd *cobra.Command, t Terminal, rows []setting, do func(context.Context, *button.Button) error) error {
	c, err := connect(cmd, t, rows)
	if err != nil {
		return err
	}
	defer c.Close()
	b, err := c.OpenButton(cmd.Context())
	if err != nil {
		return err
	}
	return do(cmd.Context(), b)
}

// printHeld shows what is held, and the history of holds.
func printHeld(t Terminal, s button.State) error {
	if len(s.Held) == 0 {
		fmt.Fprintf(t.Out, "nothing is held; %s hold --all --why REASON --by NAME holds everything\n", t.Name)
	}
	for _, words := range s.All() {
		fmt.Fprintln(t.Out, t.zoned(words))
	}
	if len(s.Changes) == 0 {
		return nil
	}
	fmt.Fprintln(t.Out)
	list := table{columns: []column{{head: "AT", spare: 1}, {head: "WHAT"}, {head: "OF", least: 10, cut: shortened}, {head: "BY", spare: 2}, textColumn("WHY", 3)}}
	for _, c := range s.Changes {
		what := "held"
		if c.Released {
			what = "released"
		}
		list.add(t.instant(c.At), what, c.Source, c.By, c.Why)
	}
	return list.flush(t)
}
