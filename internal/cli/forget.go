package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/audience"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
)

func newForget(t Terminal) *cobra.Command {
	var by, number, region string
	o := commandRun{verb: "forget"}
	cmd := &cobra.Command{
		Use:   "forget SOURCE.REQUEST-ID --by NAME|--number NUMBER",
		Short: "Forget the text of a campaign that has ended, or a phone number",
		Long: `Remove name, description and text of a campaign that has ended from its record, and
its requests and dead letters from their streams, for good. Its quote, confirmation,
figures and costs stay, and the names of those who approved and cancelled, and its
events: they are the proof. The same request again is still recognised and changes
nothing. It cannot be undone.

The service changes the record, on a command. The messages are erased by this
program, so its user has to be the operator. The gateway and backups keep what they
have: docs/privacy.md.

With --number it reads all requests, lists of recipients and dead letters, and erases
those that hold the number. What a campaign needs that is not over is kept, and named.
It says where the number may still be. Whether the number is suppressed stays as it is:
staffetta suppress has it get nothing any more.`,
		Example: `  staffetta forget shop-italia.black-friday-2026 --by anna --nats-context operator
  staffetta forget --number "+39 333 1234567" --nats-context operator`,
		Args: func(cmd *cobra.Command, args []string) error {
			if number != "" {
				return noArgs(cmd, args)
			}
			return oneKey(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if number != "" {
				return forgetNumber(cmd, t, o.rows, number, region)
			}
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
	f.StringVar(&number, "number", "", "forget this phone number, and no campaign")
	f.StringVar(&region, "region", "", "country of a number in national form, as IT")
	o.flags(cmd)
	return cmd
}

// forgetNumber erases what holds a phone number, and says where it may still be.
func forgetNumber(cmd *cobra.Command, t Terminal, rows []setting, given, region string) error {
	number, err := audience.Number(given, region)
	if err != nil {
		return usageError{fmt.Errorf("--number %q: %w (--region says of which country a national number is)", given, err)}
	}
	c, err := connect(cmd, t, rows)
	if err != nil {
		return err
	}
	defer c.Close()
	f, err := c.ForgetNumber(cmd.Context(), number)
	fmt.Fprintf(t.Out, "erased, because they held the number: %s, %s of recipients, %s\n",
		plural(int64(f.Requests), "request"), plural(int64(f.Lists), "list"), plural(int64(f.Letters), "dead letter"))
	if err != nil {
		return fmt.Errorf("it broke off: do it again as the operator: %w", err)
	}
	fmt.Fprintln(t.Out, stillThere)
	if len(f.Kept) == 0 {
		return nil
	}
	for _, kept := range f.Kept {
		fmt.Fprintf(t.Out, "kept: %s\n", kept)
	}
	return notError{errors.New("the number is still kept: do it again when what holds it is over")}
}

// stillThere is where no command of ours reaches.
const stillThere = `records, events and logs hold no number, and the text of a campaign is not searched.
It may still be:
  among the contacts of the gateway: delete it there
  in backups of the streams, until they end
  among the suppressed numbers, as a hash: staffetta suppress ls --number says whether`

// forgetResult reads from the record whether it is forgotten.
func forgetResult(_, rec campaign.Campaign) result {
	if rec.Forgotten == nil {
		return result{}
	}
	return result{Outcome: "forgotten", Words: "forgotten: its record has no name, description and text any more", done: true, well: true}
}
