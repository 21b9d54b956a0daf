package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/drafts"
)

func newDrafts(t Terminal) *cobra.Command {
	var clean, yes, asJSON bool
	var account *string
	rows := append(settingsOf("nats."), settingsOf("gateway.url", "gateway.key_file", "gateway.variant", "gateway.rate_per_", "gateway.replicas", "gateway.timeout", "gateway.envelope", "accounts", "campaign.lease")...)
	cmd := &cobra.Command{
		Use:   "drafts",
		Short: "Drafts at the gateway that bear our mark: see them, and delete those left over",
		Long: `A create leaves a draft at the gateway if its reply is lost, or if its record could
not be saved. Such a draft is never sent and costs nothing. This searches the
gateway for campaigns that bear our mark, "[staffetta KEY]", and shows each beside
what the record of that key says. It changes nothing.

With --clean it says which drafts it would delete, and with --clean --yes it deletes
them. It deletes only drafts that no record names, of campaigns that were asked for
here. They must have been there at a first look, and campaign.lease later (a service
may have just made one). And a read by id must show them unconfirmed and marked just
before. All others are left, and it says why. The gateway must have a search, which
UC-006 does not show.`,
		Example: `  staffetta drafts --config staffetta.yaml
  staffetta drafts --clean --config staffetta.yaml
  staffetta drafts --clean --yes --config staffetta.yaml
  staffetta drafts --account bianchi --config staffetta.yaml`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if yes && !clean {
				return usageError{errors.New("--yes goes with --clean: nothing is deleted without")}
			}
			r, err := resolve(cmd.Flags(), t.Env, rows)
			if err != nil {
				return err
			}
			if err := r.inAccount(*account); err != nil {
				return err
			}
			if r.Gateway.URL == "" || r.Gateway.KeyFile == "" {
				return usageError{errors.New("--gateway-url and --gateway-key-file say whose drafts: set both, or give the service's --config")}
			}
			c, err := r.NATS.Client()
			if err != nil {
				return err
			}
			defer c.Close()
			ours, err := r.Gateway.Drafts(c, version())
			if err != nil {
				return err
			}
			defer ours.Close()
			found, err := ours.Find(cmd.Context())
			if err != nil {
				return err
			}
			if err := printDrafts(t, found, clean, asJSON); err != nil {
				return err
			}
			leaked := slices.DeleteFunc(found, func(d drafts.Draft) bool { return d.Keep != "" })
			switch {
			case !clean || asJSON && !yes || len(leaked) == 0:
				return nil
			case !yes:
				_, err := fmt.Fprintf(t.Out, "\nnothing was deleted; %s drafts --clean --yes deletes %s\n", t.Name, plural(int64(len(leaked)), "draft"))
				return err
			}
			fmt.Fprintf(t.Err, "looking again in %s, for a service may have just made one of them\n", shortDuration(r.Rules.Lease))
			if leaked, err = ours.Again(cmd.Context(), leaked, r.Rules.Lease); err != nil {
				return err
			}
			for _, d := range leaked {
				kept, err := ours.Delete(cmd.Context(), d)
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
	f.BoolVar(&clean, "clean", false, "say which drafts are not needed any more")
	f.BoolVar(&yes, "yes", false, "and delete them")
	f.BoolVar(&asJSON, "json", false, "a JSON object on each line")
	account = addAccount(f)
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

func printDrafts(t Terminal, all []drafts.Draft, clean, asJSON bool) error {
	if len(all) == 0 && !asJSON {
		_, err := fmt.Fprintln(t.Out, "the gateway shows nothing that bears our mark")
		return err
	}
	list := table{columns: []column{{head: "CAMPAIGN"}, {head: "AT THE GATEWAY", spare: 1}, keyColumn("MARKED"), {head: "RECORD", spare: 2}, textColumn("SO", 0)}}
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
