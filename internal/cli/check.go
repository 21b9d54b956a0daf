package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/staffetta-io/staffetta/internal/check"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/words"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

func newCheck(t Terminal) *cobra.Command {
	var file, source, id string
	var price, asJSON bool
	var zone zoneFlag
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "check -f FILE",
		Short: "Say what would become of a request, without asking for it",
		Long: `Ask the service what would become of a CampaignRequested, read from a file in JSON or
YAML (- is the standard input). It runs its own rules, and uses no request id up: the file
needs none. A no is true as long as nothing changes. A yes says nothing about the
contact list and the money.

With --price the gateway is asked too: the service makes a draft, has it quoted, and
deletes it. That costs five calls of the account, after the calls of all campaigns.

Without a service only the contract, the text and the instants are checked.

It ends with 0 if the request would be accepted, 3 if it would not be sent, and 1 if
there was no answer.`,
		Example: `  staffetta check -f campaign.json
  staffetta check -f campaign.json --price`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := zone.of(t)
			if err != nil {
				return err
			}
			m, err := readRequestAs(t, file, source, id)
			if err != nil {
				return err
			}
			checked, err := query.Checked{}, error(nil)
			if c, no := connect(cmd, t, rows); no == nil {
				defer c.Close()
				checked, err = checkRequest(cmd.Context(), t, c, m, price)
			} else if price || errors.As(no, new(usageError)) {
				err = no
			} else {
				checked, err = checkOffline(cmd.Context(), t, m, no)
			}
			if err != nil {
				return err
			}
			if asJSON {
				err = printLine(t.Out, checked)
			} else {
				err = printChecked(t, checked)
			}
			if err == nil && !checked.Accepted {
				err = exitError(exitNot)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&file, "file", "f", "", "the request in JSON or YAML; - reads the standard input")
	f.StringVar(&source, "source", "", "the source that would ask, instead of the one in the file")
	f.StringVar(&id, "id", "", "request id, instead of the file's requestId")
	f.BoolVar(&price, "price", false, "ask the gateway for a quote too")
	zone.add(f)
	f.BoolVar(&asJSON, "json", false, "the answer as a JSON object")
	addSettings(f, rows)
	return cmd
}

// answersWithin is how long a check without price waits for the service: it answers from
// memory, and whoever asks for a campaign waits for it.
const answersWithin = 5 * time.Second

// checkRequest asks the service what would become of a request. Where none answers it
// checks what can be known without one, and says that the rest was not checked. A price
// cannot be had without a service.
func checkRequest(ctx context.Context, t Terminal, c *client.Client, m *campaignv1.CampaignRequested, price bool) (query.Checked, error) {
	data, err := protojson.Marshal(m)
	if err != nil {
		return query.Checked{}, err
	}
	if price {
		return query.AskCheck(ctx, c, query.CheckAsk{Request: data, Price: true})
	}
	within, cancel := context.WithTimeout(ctx, answersWithin)
	defer cancel()
	checked, err := query.AskCheck(within, c, query.CheckAsk{Request: data})
	if err == nil || ctx.Err() != nil || query.Is(err, query.NotYours) {
		return checked, err
	}
	return checkOffline(ctx, t, m, err)
}

// checkOffline checks what can be known without a service, and says why no more.
func checkOffline(ctx context.Context, t Terminal, m *campaignv1.CampaignRequested, why error) (query.Checked, error) {
	data, err := protojson.Marshal(m)
	if err != nil {
		return query.Checked{}, err
	}
	fmt.Fprintf(t.Err, "staffetta: only the contract, the text and the instants are checked, the rest is not: %v\n", why)
	return check.Offline(ctx, data, time.Now())
}

// refusal is why a request is not published; nil: nothing speaks against it. What is
// good to know is printed.
func refusal(t Terminal, checked query.Checked) error {
	for _, n := range checked.Notes {
		fmt.Fprintf(t.Err, "staffetta: %s: %s\n", n.Kind, t.zoned(n.Text))
	}
	var wrong []error
	for _, p := range checked.Problems {
		wrong = append(wrong, errors.New(t.zoned(problemLine(p))))
	}
	return errors.Join(wrong...)
}

// problemLine is a problem in one line: the field, what is wrong, what to do.
func problemLine(p query.Problem) string {
	line := p.Text + "; " + p.Remedy
	if p.Field != "" {
		line = p.Field + ": " + line
	}
	return line
}

// printChecked prints an answer for people.
func printChecked(t Terminal, c query.Checked) error {
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if c.Accepted {
		say("accepted: nothing that is known speaks against it")
	} else {
		say("not accepted: it would not be sent")
	}
	for _, p := range c.Problems {
		say("  %s", t.zoned(problemLine(p)))
	}
	if q := c.Quote; q != nil {
		say("  quote %s: %s contacts, %s valid, %s invalid; %s at %s each: %s of %s available", c.QuoteID,
			words.Count(q.Goal.Total), words.Count(q.Goal.Valid), words.Count(q.Goal.Invalid),
			words.Plural(q.Goal.Parts, "part", "parts"), words.Money(q.Price.PerMessage), words.Money(q.Price.Total), words.Money(q.Price.Available))
	}
	for _, n := range c.Notes {
		until := ""
		if !n.Until.IsZero() {
			until = ", until " + t.instant(n.Until)
		}
		say("  %s: %s%s", n.Kind, t.zoned(n.Text), until)
	}
	if c.Left != nil {
		say("  left at the gateway: %s", c.Left.Text)
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(t.Out, line); err != nil {
			return err
		}
	}
	return nil
}
