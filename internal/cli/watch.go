package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
)

func newWatch(t Terminal) *cobra.Command {
	var asJSON, past, now bool
	var zone zoneFlag
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "watch [SOURCE[.REQUEST-ID]]",
		Short: "See what happens to campaigns",
		Long: `Print each event as a line. On a terminal each campaign that is being sent has a line
below, with how far it is, how fast, how long it still takes and what it costs. For one campaign it prints all events, from the first,
and ends with the last. For all campaigns, or those of one source, it prints what
happens from now on, until it is interrupted. A user that may listen to events but
not read their stream, as a source's own user, gets the earlier events from the
service.

With --json a line is a CloudEvent in JSON whose data is the message as protobuf
maps it to JSON, with the time at which it was stored and its place in the stream.`,
		Example: `  staffetta watch
  staffetta watch shop-italia.black-friday-2026
  staffetta watch shop-italia --past --json | jq .data`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return noArgs(cmd, args[1:])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := zone.of(t)
			if err != nil {
				return err
			}
			o := client.WatchOptions{Follow: !now, New: !past && !now}
			if len(args) > 0 {
				if o.Key, err = keyOrSource(args[0]); err != nil {
					return usageError{err}
				}
			}
			one := o.Key.RequestID != ""
			if one {
				o.New = false
			}
			c, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer c.Close()
			if one && !now {
				go sayUnknown(cmd.Context(), t, c, o.Key)
			}
			shown := live{t: t}
			var events iter.Seq2[contract.StoredEvent, error]
			if now {
				events = c.Past(cmd.Context(), o.Key)
			} else {
				feed, err := c.Follow(cmd.Context(), o)
				if err != nil {
					return err
				}
				explainNoStream(t, feed)
				events = feed.All(cmd.Context())
			}
			for e, err := range events {
				if err != nil {
					return err
				}
				if asJSON {
					err = printJSON(t, e)
				} else {
					err = shown.event(e)
				}
				if err != nil {
					return err
				}
				if ended, _ := outcome(e); one && ended && !now {
					return nil
				}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	zone.add(f)
	f.BoolVar(&asJSON, "json", false, "a CloudEvent in JSON on each line")
	f.BoolVar(&past, "past", false, "begin with the events that the stream still has")
	f.BoolVar(&now, "now", false, "print the events that the stream has now, and end")
	addSettings(f, rows)
	return cmd
}

// sayUnknown says why nothing is printed yet, if a campaign is watched that was not
// requested. If that cannot be read, it says nothing.
func sayUnknown(ctx context.Context, t Terminal, c *client.Client, key campaign.Key) {
	if _, err := c.Look(ctx, key); errors.Is(err, client.ErrNoRecord) {
		fmt.Fprintf(t.Err, "staffetta: nothing is known of %s yet; this waits for it (%s ls --source %s lists what there is)\n", key, t.Name, key.Source)
	}
}

// keyOrSource reads the key of a campaign, or a source alone.
func keyOrSource(s string) (campaign.Key, error) {
	if !strings.Contains(s, ".") {
		// With any request id it is a key, which can be checked.
		k := campaign.Key{Source: s, RequestID: "x"}
		if err := k.Validate(); err != nil {
			return campaign.Key{}, err
		}
		return campaign.Key{Source: s}, nil
	}
	return campaign.ParseKey(s)
}

// printEvent prints an event for people. On a terminal its figures go on in the next
// lines, under the first one.
func printEvent(t Terminal, e contract.StoredEvent) error {
	p := paint{t.Colour}
	kind := e.Type
	switch ended, well := outcome(e); {
	case ended && well:
		kind = p.green(kind)
	case ended:
		kind = p.red(kind)
	}
	said := []string{figures(e, t.in())}
	const margin = 4
	if t.Width > 0 {
		said = append([]string{""}, folded(said[0], t.Width-margin)...)
	}
	_, err := fmt.Fprintf(t.Out, "%s  %s  %s  %s\n", p.dim(t.instant(e.Stored)), p.bold(e.About()), kind, said[0])
	for _, more := range said[1:] {
		if err == nil && more != "" {
			_, err = fmt.Fprintf(t.Out, "%*s%s\n", margin, "", more)
		}
	}
	return err
}

// printJSON prints an event for programs.
func printJSON(t Terminal, e contract.StoredEvent) error {
	c, err := client.CloudEvent(e)
	if err != nil {
		return err
	}
	line, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("event %s: %w", e.Subject, err)
	}
	_, err = fmt.Fprintf(t.Out, "%s\n", line)
	return err
}

// follow passes on a campaign's events, from its first to its last.
func follow(ctx context.Context, feed *client.Feed, key campaign.Key, told func(contract.StoredEvent)) error {
	for e, err := range feed.All(ctx) {
		if err != nil {
			return err
		}
		told(e)
		if ended, _ := outcome(e); ended {
			return nil
		}
	}
	return fmt.Errorf("%s: interrupted before its end; the campaign goes on", key)
}
