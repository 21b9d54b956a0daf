package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/query"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Lists of people that are published under a name, for campaigns that come again.

func newAudience(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audience",
		Short: "Lists of people under a name, for campaigns that come again",
		Long: `A list of people may be published under a name of its source, and another one
whenever it has changed. A request or a schedule names it, and how old it may be:

  namedAudience: {name: this-week, maxAge: 2d}

Each campaign takes the list that was published last, and keeps to it. Where there is
none that is young enough, a schedule leaves the occurrence out, and a request is
rejected after a while.`,
		Example: `  staffetta audience publish studio-bianchi.this-week week49.csv
  staffetta audience ls`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAudiencePublish(t), newAudienceLs(t), newAudienceShow(t))
	return cmd
}

func newAudiencePublish(t Terminal) *cobra.Command {
	var file, asOf, region string
	var dry bool
	var zone zoneFlag
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "publish SOURCE.NAME FILE.csv",
		Short: "Publish a list under a name",
		Long: `Publish a list of people under a name of a source, in the place of the one before:
CSV with a header, as spreadsheets write it. One column is the number, the others are
fields of a text. Campaigns that have taken an earlier list keep to it.

First it says what is in it: who is given, and who would get nothing, with the line and
why. With -f it says so for the text, the country and the rule of that campaign. With
--dry-run nothing is published. To publish the same list of the same instant twice is
harmless; each time it is published as of another instant it is young again.`,
		Example: `  staffetta audience publish studio-bianchi.this-week week49.csv --default-region IT
  staffetta audience publish studio-bianchi.this-week week49.csv -f reminder.json --dry-run
  staffetta audience publish acqualuce.unpaid unpaid.csv --as-of 2026-11-30T06:00:00Z`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageError{fmt.Errorf("%s wants a name and a file, as studio-bianchi.this-week week49.csv", cmd.CommandPath())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := audienceKey(args[0])
			if err != nil {
				return err
			}
			t, err := zone.of(t)
			if err != nil {
				return err
			}
			instant := time.Now()
			if asOf != "" {
				if instant, err = past(asOf, t.zone, instant); err != nil {
					return usageError{fmt.Errorf("--as-of: %w", err)}
				}
			}
			m := &campaignv1.CampaignRequested{DefaultRegion: region}
			if file != "" {
				if m, err = readRequest(t, file); err != nil {
					return err
				}
				if region != "" {
					m.DefaultRegion = region
				}
			}
			list, err := readRecipients(t, m, args[1])
			if err != nil {
				return err
			}
			if dry {
				_, err := fmt.Fprintln(t.Out, "nothing is published")
				return err
			}
			c, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer c.Close()
			return publishAudience(cmd, t, c, key, list, instant)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&file, "file", "f", "", "a campaign that will take it, in JSON or YAML, to say what it would make of the list")
	f.StringVar(&region, "default-region", "", "the country of national numbers, as IT, to say which are malformed without one")
	f.StringVar(&asOf, "as-of", "", "when the list was true, 2h ago or 2026-11-30T06:00:00Z; its age counts from then (default now)")
	f.BoolVar(&dry, "dry-run", false, "say what is in it, and end")
	zone.add(f)
	addSettings(f, rows)
	return cmd
}

// publishAudience lays the list down, and names it last: a campaign never takes one that is
// not whole.
func publishAudience(cmd *cobra.Command, t Terminal, c *client.Client, key campaign.Key, list *recipients, asOf time.Time) error {
	if err := list.layDown(cmd.Context(), t, c, key.Source); err != nil {
		return err
	}
	placed, err := c.PublishAudience(cmd.Context(), key.Source, key.RequestID, list.audience, asOf)
	if err != nil {
		return err
	}
	what := "published"
	if placed.Sequence == 0 {
		what = "published before:"
	}
	_, err = fmt.Fprintf(t.Out, "%s %s as of %s, sha256 %s\ntake it with: namedAudience: {name: %s, maxAge: 2d}\n",
		what, key, t.instant(asOf), list.audience.Sha256, key.RequestID)
	return err
}

func newAudienceLs(t Terminal) *cobra.Command {
	var asJSON bool
	var zone zoneFlag
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "ls [SOURCE]",
		Short: "List the names, and the newest list under each",
		Long: `List the names under which lists are published, and of the newest list under each how
old it is, how large, and how many lists of that name are kept. Nobody in it is shown.
With --json each is a line.`,
		Example: `  staffetta audience ls
  staffetta audience ls studio-bianchi --json | jq .as_of`,
		Args: atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := zone.of(t)
			if err != nil {
				return err
			}
			source := ""
			if len(args) > 0 {
				if source = args[0]; strings.Contains(source, ".") {
					return usageError{fmt.Errorf("%q: want a source alone, as studio-bianchi; %s audience show %s shows one name", source, t.Name, source)}
				}
			}
			c, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer c.Close()
			reader := c.Reader()
			list := table{columns: []column{keyColumn("AUDIENCE"), {head: "AS OF"}, {head: "AGE", spare: 1}, {head: "SIZE", spare: 3, right: true}, {head: "LISTS", spare: 4, right: true}, textColumn("STATE", 2)}}
			for a, err := range query.Each(func(after string) ([]query.Audience, string, error) {
				all, err := reader.Audiences(cmd.Context(), query.AudiencesAsk{Source: source, Page: query.Page{After: after}})
				return all.Audiences, all.Next, err
			}) {
				if err != nil {
					return err
				}
				if asJSON {
					if err := printLine(t.Out, a); err != nil {
						return err
					}
					continue
				}
				list.add(a.Key, asOfWords(t, a), ageOf(a), sizeOf(a), itoa(a.Kept), stateOf(a))
			}
			if asJSON {
				return nil
			}
			if len(list.rows) == 0 {
				_, err := fmt.Fprintln(t.Out, "no list is published under a name")
				return err
			}
			return list.flush(t)
		},
	}
	zone.add(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "each as it is told, on a line")
	addSettings(cmd.Flags(), rows)
	return cmd
}

func newAudienceShow(t Terminal) *cobra.Command {
	var asJSON bool
	var zone zoneFlag
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:     "show SOURCE.NAME",
		Short:   "Show the newest list under a name: how old it is, and whether it is whole",
		Long:    `Show the newest list under a name: how old it is, and whether all of it is there. Nobody in it is shown.`,
		Example: `  staffetta audience show studio-bianchi.this-week`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("%s wants one name, as studio-bianchi.this-week; %s audience ls lists them", cmd.CommandPath(), cmd.Root().Name())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := audienceKey(args[0])
			if err != nil {
				return err
			}
			t, err := zone.of(t)
			if err != nil {
				return err
			}
			c, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer c.Close()
			all, err := c.Reader().Audiences(cmd.Context(), query.AudiencesAsk{Key: key.String()})
			if err != nil {
				return err
			}
			a := all.Audiences[0]
			if asJSON {
				return printLine(t.Out, a)
			}
			var b strings.Builder
			say := func(name, value string) { fmt.Fprintf(&b, "  %-12s %s\n", name, value) }
			fmt.Fprintf(&b, "%s\n", a.Key)
			if a.Wrong == "" {
				say("as of", fmt.Sprintf("%s, %s old", t.instant(a.AsOf), ageOf(a)))
			}
			say("published", t.instant(a.Published))
			if a.Wrong == "" {
				say("sha256", a.SHA256)
				say("size", fmt.Sprintf("%s, %s, %s", sizeOf(a), plural(int64(a.Chunks), "chunk"), a.Format))
			}
			say("state", stateOf(a))
			say("lists kept", itoa(a.Kept))
			_, err = t.Out.Write([]byte(b.String()))
			return err
		},
	}
	zone.add(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "as it is told, on a line")
	addSettings(cmd.Flags(), rows)
	return cmd
}

// audienceKey is a source and a name.
func audienceKey(text string) (campaign.Key, error) {
	key, err := campaign.ParseKey(text)
	if err != nil {
		return key, usageError{fmt.Errorf("%q: %w", text, errors.New("want <source>.<name>, each 1 to 64 letters, digits, _ or -, for example studio-bianchi.this-week"))}
	}
	return key, nil
}

func asOfWords(t Terminal, a query.Audience) string {
	if a.Wrong != "" {
		return "-"
	}
	return t.instant(a.AsOf)
}

func ageOf(a query.Audience) string {
	if a.Wrong != "" {
		return "-"
	}
	return age(time.Since(a.AsOf))
}

func sizeOf(a query.Audience) string {
	switch {
	case a.Wrong != "":
		return "-"
	case a.Size < 10<<10:
		return fmt.Sprintf("%d B", a.Size)
	case a.Size < 10<<20:
		return fmt.Sprintf("%d KiB", a.Size>>10)
	}
	return fmt.Sprintf("%d MiB", a.Size>>20)
}

// stateOf says whether a campaign could take it.
func stateOf(a query.Audience) string {
	switch {
	case a.Wrong != "":
		return "cannot be read: " + a.Wrong
	case a.Missing > 0:
		return fmt.Sprintf("%d of %d chunks are missing: publish it again", a.Missing, a.Chunks)
	}
	return "whole"
}
