package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
)

func newWatch(t Terminal) *cobra.Command {
	var asJSON, past, now bool
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "watch [SOURCE[.REQUEST-ID]]",
		Short: "See what happens to campaigns",
		Long: `Print each event as a line. Of one campaign it prints all events, from the first,
and ends with the last; of all campaigns, or of those of one source, it prints
what happens from now on, until it is interrupted. Who may listen to events and not
read their stream, as a source's own user, sees only what happens from now on.

With --json a line is a CloudEvent in JSON whose data is the message as protobuf
maps it to JSON.`,
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
			o := app.WatchOptions{Follow: !now, New: !past && !now}
			if len(args) > 0 {
				var err error
				if o.Key, err = keyOrSource(args[0]); err != nil {
					return usageError{err}
				}
			}
			one := o.Key.RequestID != ""
			if one {
				o.New = false
			}
			client, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer client.Close()
			if one && !now {
				go sayUnknown(cmd.Context(), t, client, o.Key)
			}
			events := client.Watch(cmd.Context(), o)
			if !now {
				feed, err := client.Follow(cmd.Context(), o)
				if err != nil {
					return err
				}
				sayLive(t, feed)
				events = feed.All(cmd.Context())
			}
			for e, err := range events {
				if err != nil {
					return err
				}
				if asJSON {
					err = printJSON(t, e)
				} else {
					err = printEvent(t, e)
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
	f.BoolVar(&asJSON, "json", false, "a CloudEvent in JSON on each line")
	f.BoolVar(&past, "past", false, "begin with what the stream still holds")
	f.BoolVar(&now, "now", false, "print what the stream holds now, and end")
	addSettings(f, rows)
	return cmd
}

// sayUnknown tells who watches a campaign that nobody has heard of yet why
// nothing happens. What cannot be read is not said.
func sayUnknown(ctx context.Context, t Terminal, c *app.Client, key campaign.Key) {
	if _, err := c.Look(ctx, key); errors.Is(err, app.ErrNoRecord) {
		fmt.Fprintf(t.Err, "staffetta: nothing is known of %s yet; this waits for it (%s ls --source %s lists what there is)\n", key, t.Name, key.Source)
	}
}

// keyOrSource reads the key of a campaign, or a source alone.
func keyOrSource(s string) (campaign.Key, error) {
	if !strings.Contains(s, ".") {
		// Any request id makes a key of it that can be checked.
		k := campaign.Key{Source: s, RequestID: "x"}
		if err := k.Validate(); err != nil {
			return campaign.Key{}, err
		}
		return campaign.Key{Source: s}, nil
	}
	return campaign.ParseKey(s)
}

// printEvent prints an event for people.
func printEvent(t Terminal, e app.Event) error {
	p := paint{t.Colour}
	_, err := fmt.Fprintf(t.Out, "%s  %s  %s  %s\n", p.dim(e.Stored.UTC().Format(time.RFC3339)), p.bold(e.Key.String()), e.Type, figures(e))
	return err
}

// cloudEvent is the JSON form of a CloudEvent.
type cloudEvent struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Subject         string          `json:"subject"`
	Time            string          `json:"time,omitempty"`
	TraceParent     string          `json:"traceparent,omitempty"`
	Gateway         string          `json:"gateway,omitempty"`
	DataContentType string          `json:"datacontenttype,omitempty"`
	Data            json.RawMessage `json:"data,omitempty"`
}

// printJSON prints an event for programs.
func printJSON(t Terminal, e app.Event) error {
	c := cloudEvent{
		SpecVersion: "1.0", ID: e.Header.Get("ce-id"), Source: e.Header.Get("ce-source"), Type: e.Header.Get("ce-type"),
		Subject: e.Key.String(), Time: e.Header.Get("ce-time"), TraceParent: e.Header.Get("traceparent"), Gateway: e.Header.Get("ce-gateway"),
	}
	if e.Message != nil {
		data, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(e.Message)
		if err != nil {
			return fmt.Errorf("event %s: %w", e.Subject, err)
		}
		c.DataContentType, c.Data = "application/json", data
	}
	line, err := json.Marshal(c) // compacts the data: protojson's own spacing varies
	if err != nil {
		return fmt.Errorf("event %s: %w", e.Subject, err)
	}
	_, err = fmt.Fprintf(t.Out, "%s\n", line)
	return err
}
