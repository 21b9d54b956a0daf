package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/sms"
	"github.com/staffetta-io/staffetta/internal/why"
	"github.com/staffetta-io/staffetta/internal/words"
)

// The answers of people to a quote.

func newApprove(t Terminal) *cobra.Command {
	var by, quote string
	var zone zoneFlag
	o := commandRun{verb: "approve"}
	cmd := &cobra.Command{
		Use:   "approve SOURCE.REQUEST-ID --quote ID --by NAME",
		Short: "Agree to what a campaign costs",
		Long: `A campaign that needs an approval waits with its quote. To approve is to say yes to
exactly that quote: text, sender, list, recipients, parts, price and currency. The
quote's id stands for all of them. Before the campaign is sent, it is quoted again.
If anything has changed, the approval is void, and the campaign asks for another
one.

Without --quote it prints what there is to approve, and on a terminal asks whether it
is; what was agreed to is repeated. It ends with exit code 0 once
the campaign is confirmed or waits for something else, with 3 if it is not sent or
asks for another approval, with 5 if it is not known whether it was sent, and with 1
if it has not come that far yet.`,
		Example: `  staffetta approve shop-italia.black-friday-2026 --by anna
  staffetta approve shop-italia.black-friday-2026 --quote 3f2a9c0d1b4e5f67 --by anna`,
		Args: oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := zone.of(t)
			if err != nil {
				return err
			}
			o.publish = func(ctx context.Context, c *client.Client, key campaign.Key) (client.Placed, error) {
				return c.Approve(ctx, key, quote, by)
			}
			o.before = func(ctx context.Context, c *client.Client, key campaign.Key, rec *campaign.Campaign) error {
				return showWaitingQuote(ctx, t, o, c, key, rec, &quote, by)
			}
			o.outcome = func(old, rec campaign.Campaign) result { return resultOf(why.Approved(quote, rec, t.instant)) }
			return o.run(cmd, t, args[0])
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&quote, "quote", "", "id of the quote that is approved")
	f.StringVar(&by, "by", "", "who approves it, for people; needed where NATS knows no name")
	zone.add(f)
	o.flags(cmd)
	return cmd
}

func newDecline(t Terminal) *cobra.Command {
	var by, quote, reason string
	var zone zoneFlag
	o := commandRun{verb: "decline"}
	cmd := &cobra.Command{
		Use:   "decline SOURCE.REQUEST-ID --quote ID --by NAME",
		Short: "Do not agree to what a campaign costs",
		Long: `Say no to the quote that a campaign waits with: it is rejected, and nothing is
sent. Without --quote it prints what there is to decline, and on a terminal asks
whether it is.`,
		Example: `  staffetta decline shop-italia.black-friday-2026 --quote 3f2a9c0d1b4e5f67 --by anna --why "wrong list"`,
		Args:    oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := zone.of(t)
			if err != nil {
				return err
			}
			o.publish = func(ctx context.Context, c *client.Client, key campaign.Key) (client.Placed, error) {
				return c.Decline(ctx, key, quote, by, reason)
			}
			o.before = func(ctx context.Context, c *client.Client, key campaign.Key, rec *campaign.Campaign) error {
				return showWaitingQuote(ctx, t, o, c, key, rec, &quote, by)
			}
			o.outcome = func(_, rec campaign.Campaign) result { return resultOf(why.Declined(rec)) }
			return o.run(cmd, t, args[0])
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&quote, "quote", "", "id of the quote that is declined")
	f.StringVar(&by, "by", "", "who declines it, for people; needed where NATS knows no name")
	f.StringVar(&reason, "why", "", "the reason, for the record")
	zone.add(f)
	o.flags(cmd)
	return cmd
}

// showWaitingQuote shows the quote that a campaign waits with, and says why an answer
// would have no effect.
func showWaitingQuote(ctx context.Context, t Terminal, o commandRun, c *client.Client, key campaign.Key, rec *campaign.Campaign, quote *string, by string) error {
	switch {
	case rec == nil:
		return noCampaign(ctx, t, c, key, " --state quoted lists those that wait")
	case rec.State != campaign.Quoted || rec.Need == nil || rec.Need.For != campaign.NeedApproval:
		return fmt.Errorf("%s does not wait for an approval, it is %s", key, rec.State)
	}
	id := campaign.QuoteID(rec.Request, *rec.Quote)
	if !o.asJSON {
		if err := printQuote(t, *rec, id); err != nil {
			return err
		}
	}
	switch {
	case *quote == "" && (!t.Asked || o.asJSON):
		return usageError{fmt.Errorf("say which quote: --quote %s, if it is the one above", id)}
	case *quote != "" && *quote != id:
		return fmt.Errorf("quote %s is not the one that %s waits with, which is %s: look at it again", *quote, key, id)
	}
	if err := requireName(c, by, "say who answers"); err != nil || *quote != "" {
		return err
	}
	// What is agreed to is repeated: the id alone says nothing to a person.
	what := fmt.Sprintf("%s to %s%s, quote %s of %s", words.Money(rec.Quote.Price.Total), plural(rec.Quote.Goal.Valid, "recipient"), pretended(*rec), id, key)
	if !t.agrees(strings.ToUpper(o.verb[:1]) + o.verb[1:] + " " + what + "?") {
		return fmt.Errorf("not %sd: it still waits until %s", o.verb, t.instant(rec.Need.Until))
	}
	*quote = id
	_, err := fmt.Fprintf(t.Out, "%sd: %s\n", o.verb, what)
	return err
}

// pretended marks a simulation.
func pretended(rec campaign.Campaign) string {
	if rec.Request.Simulation {
		return " (a simulation: nothing is sent or spent)"
	}
	return ""
}

// printQuote shows what an approval is about.
func printQuote(t Terminal, rec campaign.Campaign, id string) error {
	r, q := rec.Request, rec.Quote
	size := sms.Measure(r.Text)
	credit := ""
	if q.Price.Available.Currency != "" { // otherwise the gateway did not say
		credit = fmt.Sprintf(", of %s available", words.Money(q.Price.Available))
	}
	_, err := fmt.Fprintf(t.Out, `%s%s waits until %s: %s
  text    “%s”, %s, %s each
  sender  %s
  to      %s: %s, %s
  total   %s at %s each%s
  quote   %s
`, rec.Key, pretended(rec), t.instant(rec.Need.Until), rec.Need.Why,
		r.Text, size.Encoding, plural(int64(size.Parts), "part"), r.Sender,
		r.Whom(), plural(q.Goal.Valid, "recipient"), plural(q.Goal.Parts, "part"),
		words.Money(q.Price.Total), words.Money(q.Price.PerMessage), credit, id)
	return err
}
