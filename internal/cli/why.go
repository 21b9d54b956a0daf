package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/query"
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
can do. The service tells it, or the streams where that is down.`,
		Example: `  staffetta why shop-italia.black-friday-2026
  staffetta why shop-italia.black-friday-2026 --zone Europe/Rome
  staffetta why shop-italia.black-friday-2026 --json | jq -r .summary`,
		Args: oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := campaign.ParseKey(args[0]); err != nil {
				return usageError{err}
			}
			at, name, err := location(zone)
			if err != nil {
				return usageError{err}
			}
			client, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer client.Close()
			story, err := client.Reader().Why(cmd.Context(), query.WhyAsk{Key: args[0], Zone: name})
			if err != nil {
				return err
			}
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

// location is the time zone that people name, and its name elsewhere.
func location(name string) (*time.Location, string, error) {
	if name == "local" {
		name = localZone()
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, "", fmt.Errorf("--zone %q is no time zone: want UTC, local, or a name as Europe/Rome", name)
	}
	return zone, name, nil
}

// localZone is the name of this machine's time zone.
func localZone() string {
	if name := time.Local.String(); name != "Local" {
		return name
	}
	if name := strings.TrimPrefix(os.Getenv("TZ"), ":"); name != "" {
		return name
	}
	file, err := filepath.EvalSymlinks("/etc/localtime")
	if _, name, found := strings.Cut(file, "zoneinfo/"); err == nil && found {
		return name
	}
	return "Local"
}

// pageWidth is how wide text is written: as the screen, but not so wide that
// it is hard to read.
func pageWidth(t Terminal) int {
	if t.Width == 0 {
		return 100
	}
	return max(40, min(t.Width, 110))
}
