package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

func newPromote(t Terminal) *cobra.Command {
	var id string
	var immediately, dry, wait bool
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "promote SOURCE.REQUEST-ID",
		Short: "Send for real what was simulated",
		Long: `Ask for the campaign of a simulation that has gone its whole way, for real: the
same text, sender, list and limits, under a request id of its own, and bound to the
quote of the simulation: if it costs more by then, it is rejected (max_total); if
recipients, parts or price are others, or if somebody had to approve the
simulation, it asks for an approval. It prints what it publishes.`,
		Example: `  staffetta promote shop-italia.dry-run --id black-friday-2026 --wait`,
		Args:    oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := campaign.ParseKey(args[0])
			if err != nil {
				return usageError{err}
			}
			client, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer client.Close()
			rec, err := client.Look(cmd.Context(), key)
			if errors.Is(err, app.ErrNoRecord) {
				return fmt.Errorf("there is no campaign %s: %s ls --state completed lists those that have gone their whole way", key, t.Name)
			}
			if err != nil {
				return err
			}
			r, err := promoted(rec, immediately, time.Now())
			if err != nil {
				return err
			}
			if id == "" {
				id = key.RequestID + "-live"
			}
			live := campaign.Key{Source: key.Source, RequestID: id}
			m := app.Requested(live, r)
			if err := valid(m); err != nil {
				return err
			}
			if err := printRequest(t.Out, m); err != nil {
				return err
			}
			if dry {
				return nil
			}
			return ask(cmd.Context(), t, client, m, app.Traceparent(lookup(t.Env, "TRACEPARENT")), "already promoted", wait)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&id, "id", "", "request id of the real one; default: the simulation's with -live behind it")
	f.BoolVar(&immediately, "immediately", false, "send it now, although the simulation was for an instant")
	f.BoolVar(&dry, "dry-run", false, "print what would be published, and end")
	f.BoolVar(&wait, "wait", false, "follow the campaign to its end; the exit code says how it ended")
	addSettings(f, rows)
	return cmd
}

// printRequest prints a request as a file for -f would have it.
func printRequest(w io.Writer, m *campaignv1.CampaignRequested) error {
	data, err := protojson.Marshal(m)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := json.Indent(&text, data, "", "  "); err != nil { // protojson's own spacing varies
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", &text)
	return err
}

// promoted is the live request of a simulation, bound to what it would have
// cost.
func promoted(rec campaign.Campaign, immediately bool, now time.Time) (campaign.Request, error) {
	r := rec.Request
	switch {
	case !r.Simulation:
		return r, fmt.Errorf("%s was no simulation: it is %s", rec.Key, rec.State)
	case rec.State != campaign.Completed || rec.Quote == nil:
		return r, fmt.Errorf("the simulation %s has not gone its whole way, it is %s", rec.Key, rec.State)
	case !r.ExpiresAt.IsZero() && !now.Before(r.ExpiresAt):
		return r, fmt.Errorf("%s expired at %s: ask for it anew", rec.Key, r.ExpiresAt.Format(time.RFC3339))
	case r.Scheduled() && !immediately && !now.Before(r.At):
		return r, fmt.Errorf("%s was for %s, which has passed: add --immediately, or ask for it anew", rec.Key, r.At.Format(time.RFC3339))
	}
	r.Simulation = false
	if immediately {
		r.At = time.Time{}
	}
	r.Limits.MaxTotal, r.Limits.OnOverMax = rec.Quote.Price.Total, campaign.Reject
	r.Limits.Agreed = campaign.QuoteID(rec.Request, *rec.Quote)
	return r, nil
}
