package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/app"
)

func newDrafts(t Terminal) *cobra.Command {
	var clean, yes, asJSON bool
	rows := append(settingsOf("nats."), settingsOf("gateway.url", "gateway.key_file", "gateway.variant", "gateway.rate_per_", "gateway.replicas", "gateway.timeout", "gateway.envelope", "campaign.lease")...)
	cmd := &cobra.Command{
		Use:   "drafts",
		Short: "Drafts at the gateway that bear our mark: see them, and delete what leaked",
		Long: `A create whose reply is lost, or whose record could not be saved, leaves a draft at
the gateway. It is never sent and costs nothing. This searches the gateway for what
bears our mark, "[staffetta KEY]", and shows it beside what the record of that key
says. It changes nothing.

With --clean it says which it would delete, and with --clean --yes it deletes them:
drafts that no record names, of campaigns that were asked for here, which were there
at a first look and campaign.lease later (a service may have just made one), and
which a read by id shows unconfirmed and marked just before. All others are left, and
it says why. The gateway must have a search, which UC-006 does not show.`,
		Example: `  staffetta drafts --config staffetta.yaml
  staffetta drafts --clean --config staffetta.yaml
  staffetta drafts --clean --yes --config staffetta.yaml`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if yes && !clean {
				return usageError{errors.New("--yes goes with --clean: nothing is deleted without")}
			}
			r, err := resolve(cmd.Flags(), t.Env, rows)
			if err != nil {
				return err
			}
			if r.Gateway.URL == "" || r.Gateway.KeyFile == "" {
				return usageError{errors.New("--gateway-url and --gateway-key-file say whose drafts: set both, or give the service's --config")}
			}
			client, err := app.NewClient(r.NATS)
			if err != nil {
				return err
			}
			defer client.Close()
			drafts, err := client.OpenDrafts(r.Gateway, version())
			if err != nil {
				return err
			}
			defer drafts.Close()
			found, err := drafts.Find(cmd.Context())
			if err != nil {
				return err
			}
			if err := printDrafts(t, found, clean, asJSON); err != nil {
				return err
			}
			leaked := slices.DeleteFunc(found, func(d app.Draft) bool { return d.Keep != "" })
			switch {
			case !clean || asJSON && !yes || len(leaked) == 0:
				return nil
			case !yes:
				_, err := fmt.Fprintf(t.Out, "\nnothing was deleted; %s drafts --clean --yes deletes %s\n", t.Name, plural(int64(len(leaked)), "draft"))
				return err
			}
			fmt.Fprintf(t.Err, "looking again in %s, for a service may have just made one of them\n", shortDuration(r.Rules.Lease))
			if leaked, err = drafts.Again(cmd.Context(), leaked, r.Rules.Lease); err != nil {
				return err
			}
			for _, d := range leaked {
				kept, err := drafts.Delete(cmd.Context(), d)
				if err != nil {
					return err
				}
				if kept != "" {
					fmt.Fprintf(t.Out, "campaign %d of %s is left: %s\n", d.ID, d.Key, kept)
					continue
				}
				fmt.Fprintf(t.Out, "campaign %d of %s is deleted\n", d.ID, d.Key)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&clean, "clean", false, "say which are needed by nobody")
	f.BoolVar(&yes, "yes", false, "and delete them")
	f.BoolVar(&asJSON, "json", false, "a JSON object on each line")
	addSettings(f, rows)
	return cmd
}

// draftLine is a draft for programs.
type draftLine struct {
	CampaignID int64  `json:"campaignId"`
	Key        string `json:"key"`
	Status     string `json:"status"`
	Record     string `json:"record,omitempty"`
	Keep       string `json:"keep,omitempty"`
}

func printDrafts(t Terminal, all []app.Draft, clean, asJSON bool) error {
	if len(all) == 0 && !asJSON {
		_, err := fmt.Fprintln(t.Out, "the gateway shows nothing that bears our mark")
		return err
	}
	list := table{head: []string{"CAMPAIGN", "AT THE GATEWAY", "MARKED", "RECORD", "SO"}}
	for _, d := range all {
		status := strings.ToLower(string(d.Status))
		if asJSON {
			if err := printLine(t.Out, draftLine{d.ID, d.Key.String(), status, string(d.Record), d.Keep}); err != nil {
				return err
			}
			continue
		}
		so := d.Keep
		if so == "" {
			so = "nobody needs it"
			if clean {
				so = "to be deleted"
			}
		}
		list.add(fmt.Sprint(d.ID), orDash(status), d.Key.String(), orDash(string(d.Record)), so)
	}
	return list.flush(t)
}
