package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

func newPromote(t Terminal) *cobra.Command {
	var id string
	var immediately, dry, wait bool
	var zone zoneFlag
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "promote SOURCE.REQUEST-ID",
		Short: "Send a simulated campaign for real",
		Long: `Ask for the campaign of a completed simulation, for real: the same text, sender,
list and limits, under a request id of its own, and bound to the quote of the
simulation. If it costs more by then, it is rejected (max_total). If recipients,
parts or price have changed, or if the simulation needed an approval, it asks for an
approval. It prints what it publishes.`,
		Example: `  staffetta promote shop-italia.dry-run --id black-friday-2026 --wait`,
		Args:    oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := zone.of(t)
			if err != nil {
				return err
			}
			key, err := campaign.ParseKey(args[0])
			if err != nil {
				return usageError{err}
			}
			c, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer c.Close()
			rec, err := c.Look(cmd.Context(), key)
			if errors.Is(err, client.ErrNoRecord) {
				return noCampaign(cmd.Context(), t, c, key, " --state completed lists those that have gone their whole way")
			}
			if err != nil {
				return err
			}
			r, err := rec.Promoted(immediately, time.Now(), t.instant)
			if err != nil {
				return err
			}
			if id == "" {
				id = key.RequestID + "-live"
			}
			live := campaign.Key{Source: key.Source, RequestID: id}
			m := contract.Requested(live, r)
			if err := valid(m); err != nil {
				return err
			}
			if err := printRequest(t.Out, m); err != nil {
				return err
			}
			if dry {
				return nil
			}
			return ask(cmd.Context(), t, c, m, contract.Traceparent(lookup(t.Env, "TRACEPARENT")), "already promoted", wait, true, nil)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&id, "id", "", "request id of the real one; default: the simulation's, followed by -live")
	f.BoolVar(&immediately, "immediately", false, "send it now, although the simulation was for an instant")
	f.BoolVar(&dry, "dry-run", false, "print what would be published, and end")
	zone.add(f)
	f.BoolVar(&wait, "wait", false, "follow the campaign to its end; the exit code says how it ended")
	addSettings(f, rows)
	return cmd
}

// printRequest prints a request as the file for -f.
func printRequest(w io.Writer, m *campaignv1.CampaignRequested) error {
	data, err := protojson.Marshal(m)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := json.Indent(&text, data, "", "  "); err != nil { // protojson's own spacing varies
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", numbered(text.Bytes()))
	return err
}

// wholes are the members of a request that are whole numbers, which protobuf's JSON
// writes as texts. Within a text no member begins a line. Fifteen digits are exact for
// every reader of JSON.
var wholes = regexp.MustCompile(`(?m)^(  "contactListId": )"(\d{1,15})"`)

// numbered writes whole numbers as numbers, as people and the example do.
func numbered(request []byte) []byte { return wholes.ReplaceAll(request, []byte("$1$2")) }
