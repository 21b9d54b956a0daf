package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/sms"
)

// What people answer to a quote.

func newApprove(t Terminal) *cobra.Command {
	var by, quote string
	o := telling{verb: "approve"}
	cmd := &cobra.Command{
		Use:   "approve SOURCE.REQUEST-ID --quote ID --by NAME",
		Short: "Agree to what a campaign costs",
		Long: `A campaign that needs an approval waits with its quote. Approving says yes to
exactly that quote: text, sender, list, recipients, parts, price and currency.
Its id stands for all of them. Before it is sent the campaign is quoted again; if
anything has moved, the approval is void and it asks again.

Without --quote it prints what there is to approve. It ends with exit code 0 once
the campaign is confirmed or waits for something else, with 3 if it is not sent or
asks again, with 5 if nobody can say whether it was sent, and with 1 if it has not
come that far yet.`,
		Example: `  staffetta approve shop-italia.black-friday-2026
  staffetta approve shop-italia.black-friday-2026 --quote 3f2a9c0d1b4e5f67 --by anna`,
		Args: oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.publish = func(ctx context.Context, c *app.Client, key campaign.Key) (app.Placed, error) {
				return c.Approve(ctx, key, quote, by)
			}
			o.before = func(ctx context.Context, c *app.Client, key campaign.Key, rec *campaign.Campaign) error {
				return asked(ctx, t, o, c, key, rec, quote, by)
			}
			o.became = func(old, rec campaign.Campaign) result { return approveBecame(quote, rec) }
			return o.run(cmd, t, args[0])
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&quote, "quote", "", "id of the quote that is approved")
	f.StringVar(&by, "by", "", "who approves it, for people; needed where NATS knows no name")
	o.flags(cmd)
	return cmd
}

func newDecline(t Terminal) *cobra.Command {
	var by, quote, reason string
	o := telling{verb: "decline"}
	cmd := &cobra.Command{
		Use:   "decline SOURCE.REQUEST-ID --quote ID --by NAME",
		Short: "Do not agree to what a campaign costs",
		Long: `Say no to the quote that a campaign waits with: it is rejected, and nothing is
sent. Without --quote it prints what there is to decline.`,
		Example: `  staffetta decline shop-italia.black-friday-2026 --quote 3f2a9c0d1b4e5f67 --by anna --why "wrong list"`,
		Args:    oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.publish = func(ctx context.Context, c *app.Client, key campaign.Key) (app.Placed, error) {
				return c.Decline(ctx, key, quote, by, reason)
			}
			o.before = func(ctx context.Context, c *app.Client, key campaign.Key, rec *campaign.Campaign) error {
				return asked(ctx, t, o, c, key, rec, quote, by)
			}
			o.became = func(_, rec campaign.Campaign) result {
				if rec.State == campaign.Rejected && rec.Reason.Code == campaign.ReasonDeclined {
					return result{Outcome: "declined", Words: "declined: it is rejected, and nothing was sent", done: true, well: true}
				}
				if rec.State.Final() {
					return result{Outcome: "ended", Words: fmt.Sprintf("not declined: it has ended, it is %s", rec.State), done: true}
				}
				return result{}
			}
			return o.run(cmd, t, args[0])
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&quote, "quote", "", "id of the quote that is declined")
	f.StringVar(&by, "by", "", "who declines it, for people; needed where NATS knows no name")
	f.StringVar(&reason, "why", "", "the reason, for the record")
	o.flags(cmd)
	return cmd
}

// asked shows the quote that a campaign waits with, and says why an answer
// would be in vain.
func asked(ctx context.Context, t Terminal, o telling, client *app.Client, key campaign.Key, rec *campaign.Campaign, quote, by string) error {
	switch {
	case rec == nil:
		return fmt.Errorf("there is no campaign %s: %s ls --state quoted lists those that wait", key, t.Name)
	case rec.State != campaign.Quoted || rec.Hold == nil || rec.Hold.For != campaign.HoldApproval:
		return fmt.Errorf("%s does not wait for an approval, it is %s", key, rec.State)
	}
	id := campaign.QuoteID(rec.Request, *rec.Quote)
	if !o.asJSON {
		if err := printQuote(t.Out, *rec, id); err != nil {
			return err
		}
	}
	switch {
	case quote == "":
		return usageError{fmt.Errorf("say which quote: --quote %s, if it is the one above", id)}
	case quote != id:
		return fmt.Errorf("quote %s is not the one that %s waits with, which is %s: look at it again", quote, key, id)
	}
	return named(client, by, "say who answers")
}

// printQuote shows what an approval is about.
func printQuote(w io.Writer, rec campaign.Campaign, id string) error {
	r, q := rec.Request, rec.Quote
	size := sms.Measure(r.Text)
	credit := ""
	if q.Price.Available.Currency != "" { // else the gateway did not say
		credit = fmt.Sprintf(", of %s available", q.Price.Available)
	}
	_, err := fmt.Fprintf(w, `%s waits until %s: %s
  text    “%s”, %s, %s each
  sender  %s
  list    %d: %s, %s
  total   %s at %s each%s
  quote   %s
`, rec.Key, rec.Hold.Until.Format(time.RFC3339), rec.Hold.Why,
		r.Text, size.Encoding, plural(int64(size.Parts), "part"), r.Sender,
		r.ListID, plural(q.Goal.Valid, "recipient"), plural(q.Goal.Parts, "part"),
		q.Price.Total, q.Price.PerMessage, credit, id)
	return err
}

// approveBecame reads from the record what became of an approval.
func approveBecame(quote string, rec campaign.Campaign) result {
	switch {
	case rec.Confirmed != nil:
		words := "approved and confirmed: it is being sent"
		if at := rec.Confirmed.For; !at.IsZero() {
			words = "approved and confirmed: it is sent at " + at.Format(time.RFC3339)
		}
		return result{Outcome: "confirmed", Words: words, done: true, well: true}
	case rec.State == campaign.Unresolved:
		return result{Outcome: "unresolved", Words: "nobody can say whether it was sent: " + rec.Reason.Message, done: true}
	case rec.State.Final():
		return result{Outcome: "ended", Words: fmt.Sprintf("not sent: it is %s, %s", rec.State, rec.Reason.Message), done: true}
	case rec.Hold != nil && rec.Hold.For == campaign.HoldApproval:
		if id := campaign.QuoteID(rec.Request, *rec.Quote); id != quote {
			return result{Outcome: "void", Words: fmt.Sprintf("void: it was quoted again and something had moved; it asks for an approval of quote %s, %s", id, rec.Quote.Price.Total), done: true}
		}
		return result{}
	case rec.Hold != nil && rec.State == campaign.Quoted:
		return result{Outcome: "waiting", Words: fmt.Sprintf("approved; now it waits until %s: %s", rec.Hold.Until.Format(time.RFC3339), rec.Hold.Why), done: true, well: true}
	case rec.Approval != nil && rec.Approval.QuoteID == quote:
		return result{Outcome: "under way", Words: "approved; it is being quoted again before it is sent"}
	}
	return result{}
}
