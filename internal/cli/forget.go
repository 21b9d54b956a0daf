package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
)

func newForget(t Terminal) *cobra.Command {
	var by string
	o := telling{verb: "forget"}
	cmd := &cobra.Command{
		Use:   "forget SOURCE.REQUEST-ID --by NAME",
		Short: "Forget what a campaign that has ended said, and keep the proof",
		Long: `Take name, description and text of a campaign that has ended out of its record, and
its requests and dead letters out of their streams, for good. Its quote,
confirmation, figures and costs, who agreed and who cancelled stay, and so do its
events: they are the proof. The same request again is still recognised and changes
nothing. It cannot be undone.

The record is changed by the service, on a command; messages are erased by whoever
runs this, who has to be the operator. The gateway and backups keep what they have:
docs/privacy.md.`,
		Example: `  staffetta forget shop-italia.black-friday-2026 --by anna --nats-context operator`,
		Args:    oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			if by == "" {
				return usageError{errors.New("say who has it forgotten: --by NAME; it goes into the record")}
			}
			key, err := campaign.ParseKey(args[0])
			if err != nil {
				return usageError{err}
			}
			o.publish = func(ctx context.Context, c *app.Client, key campaign.Key) (app.Placed, error) {
				return c.Forget(ctx, key, by)
			}
			o.before = func(_ context.Context, _ *app.Client, key campaign.Key, rec *campaign.Campaign) error {
				switch {
				case rec == nil:
					return fmt.Errorf("there is no campaign %s: %s ls lists them", key, t.Name)
				case !rec.Forgettable():
					return fmt.Errorf("%s is %s: only what has ended for good can be forgotten", key, rec.State)
				}
				return nil
			}
			o.became = forgetBecame
			if err := o.run(cmd, t, args[0]); err != nil {
				return err
			}
			client, err := connect(cmd, t, o.rows)
			if err != nil {
				return err
			}
			defer client.Close()
			erased, err := client.Erase(cmd.Context(), key)
			if err != nil {
				return fmt.Errorf("its record has forgotten it, and %d of its messages are erased: do it again as the operator: %w", erased, err)
			}
			_, err = fmt.Fprintf(t.Err, "erased of its requests and dead letters: %d\n", erased)
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&by, "by", "", "who has it forgotten, for the record")
	o.flags(cmd)
	return cmd
}

// forgetBecame reads from the record what became of somebody's wish that it be
// forgotten.
func forgetBecame(_, rec campaign.Campaign) result {
	if rec.Forgotten == nil {
		return result{}
	}
	return result{Outcome: "forgotten", Words: "forgotten: its record has no name, description and text any more", done: true, well: true}
}
