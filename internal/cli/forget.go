package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
)

func newForget(t Terminal) *cobra.Command {
	var by string
	o := commandRun{verb: "forget"}
	cmd := &cobra.Command{
		Use:   "forget SOURCE.REQUEST-ID --by NAME",
		Short: "Forget the text of a campaign that has ended, and keep the proof",
		Long: `Remove name, description and text of a campaign that has ended from its record, and
its requests and dead letters from their streams, for good. Its quote, confirmation,
figures and costs stay, and the names of those who approved and cancelled, and its
events: they are the proof. The same request again is still recognised and changes
nothing. It cannot be undone.

The service changes the record, on a command. The messages are erased by this
program, so its user has to be the operator. The gateway and backups keep what they
have: docs/privacy.md.`,
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
			o.publish = func(ctx context.Context, c *client.Client, key campaign.Key) (client.Placed, error) {
				return c.Forget(ctx, key, by)
			}
			o.before = func(ctx context.Context, c *client.Client, key campaign.Key, rec *campaign.Campaign) error {
				switch {
				case rec == nil:
					return noCampaign(ctx, t, c, key, " lists them")
				case !rec.State.Forgettable():
					return fmt.Errorf("%s is %s: only what has ended for good can be forgotten", key, rec.State)
				}
				return nil
			}
			o.outcome = forgetResult
			if err := o.run(cmd, t, args[0]); err != nil {
				return err
			}
			c, err := connect(cmd, t, o.rows)
			if err != nil {
				return err
			}
			defer c.Close()
			erased, err := c.Erase(cmd.Context(), key)
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

// forgetResult reads from the record whether it is forgotten.
func forgetResult(_, rec campaign.Campaign) result {
	if rec.Forgotten == nil {
		return result{}
	}
	return result{Outcome: "forgotten", Words: "forgotten: its record has no name, description and text any more", done: true, well: true}
}
