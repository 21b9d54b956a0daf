package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/why"
)

func newWhy(t Terminal) *cobra.Command {
	var asJSON bool
	var zone string
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "why SOURCE.REQUEST-ID",
		Short: "Tell what happened to a campaign, what it waits for, and what you can do",
		Long: `Tell the story of one campaign in sentences: when it was asked for, each call to
the gateway and what came of it, the offer, who approved or cancelled, how it is
known that it was confirmed, what it waits for now and until when, and what you
can do. All of it is read from the streams; the service need not be running.`,
		Example: `  staffetta why shop-italia.black-friday-2026
  staffetta why shop-italia.black-friday-2026 --zone Europe/Rome
  staffetta why shop-italia.black-friday-2026 --json | jq -r .summary`,
		Args: oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := campaign.ParseKey(args[0])
			if err != nil {
				return usageError{err}
			}
			at, err := location(zone)
			if err != nil {
				return usageError{err}
			}
			client, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer client.Close()
			e, err := client.Evidence(cmd.Context(), key)
			if err != nil {
				return err
			}
			story := why.Tell(e, at)
			for i := range story.Advice {
				if rest, ok := strings.CutPrefix(story.Advice[i].Command, "staffetta "); ok {
					story.Advice[i].Command = t.Name + " " + rest
				}
			}
			if asJSON {
				return printLine(t.Out, story)
			}
			p := paint{t.Colour}
			return story.Write(t.Out, why.Page{Zone: at, Width: pageWidth(t), Bold: p.bold, Dim: p.dim})
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&zone, "zone", "UTC", "time zone of the instants: UTC, local, or a name as Europe/Rome")
	f.BoolVar(&asJSON, "json", false, "the story as a JSON object")
	addSettings(f, rows)
	return cmd
}

// location is the time zone that people name.
func location(name string) (*time.Location, error) {
	if name == "local" {
		return time.Local, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("--zone %q is no time zone: want UTC, local, or a name as Europe/Rome", name)
	}
	return zone, nil
}

// pageWidth is how wide text is written: as the screen, but not so wide that
// it is hard to read.
func pageWidth(t Terminal) int {
	if t.Width == 0 {
		return 100
	}
	return max(40, min(t.Width, 110))
}
