package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/why"
)

func newWhy(t Terminal) *cobra.Command {
	var asJSON bool
	var page string
	var zone zoneFlag
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "why SOURCE.REQUEST-ID",
		Short: "Tell what happened to a campaign, what it waits for, and what you can do",
		Long: `Tell the story of one campaign in sentences: when it was asked for, each call to the
gateway and its outcome, the quote, who approved or cancelled, how it is known that
it was confirmed, what it waits for now and until when, and what you can do. The
service tells it, or the streams if the service is down. It ends with exit code 1 if
nobody has asked for the campaign.`,
		Example: `  staffetta why shop-italia.black-friday-2026
  staffetta why shop-italia.black-friday-2026 --zone Europe/Rome
  staffetta why shop-italia.black-friday-2026 --web=https://staffetta.example.it
  staffetta why shop-italia.black-friday-2026 --json | jq -r .summary`,
		Args: oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := campaign.ParseKey(args[0])
			if err != nil {
				return usageError{err}
			}
			if err := zone.load(); err != nil {
				return usageError{err}
			}
			if page != "" {
				_, err := fmt.Fprintf(t.Out, "%s/campaigns/%s\n", strings.TrimSuffix(page, "/"), key)
				return err
			}
			c, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer c.Close()
			story, err := c.Reader().Why(cmd.Context(), query.WhyAsk{Key: args[0], Zone: zone.name})
			if err != nil {
				return err
			}
			for i := range story.Advice {
				if rest, ok := strings.CutPrefix(story.Advice[i].Command, "staffetta "); ok {
					story.Advice[i].Command = t.Name + " " + rest
				}
			}
			if asJSON {
				err = printLine(t.Out, story)
			} else {
				p := paint{t.Colour}
				err = story.Write(t.Out, why.Page{Zone: zone.Location, Width: pageWidth(t), Bold: p.bold, Dim: p.dim})
			}
			if err == nil && !story.Asked && len(story.Missing) == 0 {
				err = fmt.Errorf("nobody has asked for %s%s", key, meantKey(cmd.Context(), c, key))
			}
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	zone.add(f)
	f.BoolVar(&asJSON, "json", false, "the story as a JSON object")
	f.StringVar(&page, "web", "", "print the address of the campaign on the page for people, which is here, and end")
	f.Lookup("web").NoOptDefVal = "http://" + webDefaults.Listen
	addSettings(f, rows)
	return cmd
}

// pageWidth is how wide text is written: as wide as the screen, but not so wide that it
// is hard to read.
func pageWidth(t Terminal) int {
	if t.Width == 0 {
		return 100
	}
	return max(40, min(t.Width, 110))
}
