//go:build !production

package cli

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/sandbox"
)

func newSandbox(t Terminal) *cobra.Command {
	var listen, rate string
	var fill bool
	var strangers int
	var variants string
	o := sandbox.Options{Speed: 1}
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Run the gateway, locally",
		Long: `Run the partner's gateway as UC-006 describes it: it enforces the key, the order of
steps, credit and rate. It really validates recipients and counts parts, and sends
nothing. Under /sandbox/ it can be told to misbehave, and asked what it saw.`,
		Example: `  staffetta sandbox --demo-list
  staffetta sandbox --listen 127.0.0.1:8090 --key test-1 --rate trial --speed 60
  staffetta sandbox --variants '{"uc006":true,"confirmNoBody":true}'
  staffetta sandbox --listen 127.0.0.1:8091 --strangers 50   # another gateway, with the same numbers`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			var known bool
			if o.Rate, known = sandbox.RatePlan(rate); !known {
				return usageError{fmt.Errorf("--rate %s: want none, trial or production", rate)}
			}
			if variants != "" {
				if err := json.Unmarshal([]byte(variants), &o.Variants); err != nil {
					return usageError{fmt.Errorf(`--variants: %w; want JSON, as in '{"uc006":true}'`, err)}
				}
			}
			box, err := app.StartSandbox(listen, o)
			if err != nil {
				return elsewhere(err, "--listen")
			}
			defer func() { err = errors.Join(err, box.Stop()) }()
			fmt.Fprintf(t.Out, "gateway   %s\nkey       %s\ncontrol   %s/sandbox/seen\n", box.GatewayURL, box.Key, box.URL)
			if fill {
				list := sandbox.ShopItalia()
				id, err := box.FillDemo(list)
				if err != nil {
					return err
				}
				fmt.Fprintf(t.Out, "list %-4d %s, %s contacts\n", id, list.Name, thousands(int64(list.Contacts)))
			}
			if strangers > 0 {
				ids, err := box.FillStrangers(strangers)
				if err != nil {
					return err
				}
				fmt.Fprintf(t.Out, "strangers campaigns %d to %d are other customers'\n", ids[0], ids[len(ids)-1])
			}
			fmt.Fprintf(t.Out, "\ntry it:   curl -H 'X-Api-Key: %s' %s/campaigns\n", box.Key, box.GatewayURL)
			<-cmd.Context().Done()
			return nil
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&listen, "listen", "127.0.0.1:8090", "address to listen on; port 0 is any free one")
	f.StringSliceVar(&o.Keys, "key", nil, "API key that is let in; may be repeated (default sandbox)")
	f.Float64Var(&o.Speed, "speed", o.Speed, "how many simulated seconds of sending pass in one second")
	f.StringVar(&rate, "rate", "none", "rate limit of each key: none, trial or production")
	f.StringVar(&variants, "variants", "", "ways in which it behaves differently, as JSON: docs/sandbox.md has the table")
	f.IntVar(&o.FirstCampaign, "first-campaign", 0, "id of the first campaign (default 1542)")
	f.IntVar(&strangers, "strangers", 0, "how many campaigns of other customers there are")
	f.BoolVar(&fill, "demo-list", false, "fill the contact list of UC-006")
	return cmd
}
