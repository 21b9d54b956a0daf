package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/audience"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/sms"
	"github.com/staffetta-io/staffetta/internal/words"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

func newProof(t Terminal) *cobra.Command {
	var by string
	var another bool
	var p proof
	o := commandRun{verb: "proof"}
	cmd := &cobra.Command{
		Use:   "proof SOURCE.REQUEST-ID --to NUMBERS --by NAME",
		Short: "See a campaign on your own phone before you approve it",
		Long: `Have the text of a campaign that waits for an approval sent to a few phones, at most
five, before anybody approves it: with its sender, and filled in by the gateway as it
will be. What stands in its placeholders is what you give with --field, and nothing of a
recipient's.

The proof is a campaign of its own, of the same source. Its key follows from the quote,
so a command that is repeated sends nothing again; --another sends one more. It costs
what its messages cost, counts in the budgets, and has a limit of its own: the price of
your numbers. If it had reached a phone when you approve, the record of the campaign and
CampaignApproved say so.

The numbers are laid down as the recipients of a campaign are, and are removed as theirs
are: they are in no command and in no record.`,
		Example: `  staffetta proof shop-italia.black-friday-2026 --to "+39 333 1234567" --by anna
  staffetta proof studio-bianchi.monday --to 3331234567,3337654321 --field firstName=Anna --field hour=9:00 --by anna`,
		Args: oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.by, o.ask = by, "say who asks for it"
			o.before = func(_ context.Context, c *client.Client, key campaign.Key, rec *campaign.Campaign) error {
				if err := p.prepare(key, rec, another); err != nil {
					return err
				}
				if !o.asJSON {
					fmt.Fprintf(t.Out, "%s\n  to      %s\n  text    “%s”\n  sender  %s\n", p.key, words.Plural(int64(p.phones), "phone", "phones"), p.text, rec.Request.Sender)
				}
				return nil
			}
			o.publish = func(ctx context.Context, c *client.Client, key campaign.Key) (client.Placed, error) {
				if p.key == (campaign.Key{}) {
					return client.Placed{}, usageError{errors.New("a proof is of the quote that the campaign waits with, so its record is read: leave --wait as it is")}
				}
				if err := c.LayDown(ctx, key.Source, p.people, bytes.NewReader(p.file), nil); err != nil {
					return client.Placed{}, err
				}
				return c.Prove(ctx, key, contract.ProofBody{QuoteID: p.quote, N: p.n, By: by, People: p.people.Sha256, Size: p.people.Size, Phones: p.phones})
			}
			o.outcome = func(_, rec campaign.Campaign) result {
				for _, known := range rec.Proofs {
					if known.People.Digest == p.people.Sha256 {
						return result{Outcome: "asked", Words: fmt.Sprintf("proof %d is on its way, for %s at most; follow it with: %s watch %s", known.N, words.Money(known.Cap), t.Name, p.key), done: true, well: true}
					}
				}
				return result{}
			}
			return o.run(cmd, t, args[0])
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringSliceVar(&p.to, "to", nil, "the phone numbers, at most five: in international form, or as the request's default_region has them")
	f.StringArrayVar(&p.fields, "field", nil, "what stands in a placeholder, as name=value; may be repeated")
	f.BoolVar(&another, "another", false, "one more proof of a quote that has had one")
	f.StringVar(&by, "by", "", "who asks for it, for people; needed where NATS knows no name")
	o.flags(cmd)
	return cmd
}

// proof is what a person wants to have sent.
type proof struct {
	to, fields []string

	quote  string
	n      int
	key    campaign.Key // of its own campaign
	text   string       // filled in
	file   []byte       // who gets it
	people *campaignv1.Audience
	phones int
}

// prepare writes who gets the proof, and says why there can be none. Its errors are for the
// person who gave the numbers, and may show them.
func (p *proof) prepare(key campaign.Key, rec *campaign.Campaign, another bool) error {
	switch {
	case rec == nil:
		return fmt.Errorf("there is no campaign %s", key)
	case rec.State != campaign.Quoted || rec.Need == nil || rec.Need.For != campaign.NeedApproval:
		return fmt.Errorf("%s does not wait for an approval, it is %s: a proof is of the quote that somebody is asked to approve", key, rec.State)
	}
	p.quote, p.n = campaign.QuoteID(rec.Request, *rec.Quote), 1
	for _, before := range rec.Proofs {
		if before.QuoteID == p.quote {
			p.n = before.N + 1
		}
	}
	if p.n > 1 && !another {
		last := rec.Proofs[len(rec.Proofs)-1]
		return fmt.Errorf("%s has had a proof of quote %s, asked for by %s: it is campaign %s; --another sends one more", key, p.quote, last.By, last.Key(key))
	}
	p.key = campaign.Proof{QuoteID: p.quote, N: p.n}.Key(key)
	if err := p.fill(rec.Request); err != nil {
		return usageError{err}
	}
	return nil
}

// fill writes the numbers and what stands in the placeholders into a file, and the text as
// it will read.
func (p *proof) fill(r campaign.Request) error {
	names := audience.Fields(sms.Placeholders(r.Text))
	values := make([]string, len(names))
	for _, given := range p.fields {
		name, value, is := strings.Cut(given, "=")
		at := slices.Index(names, name)
		switch {
		case !is:
			return fmt.Errorf("--field %q: want name=value", given)
		case at < 0 && len(names) == 0:
			return fmt.Errorf("--field %s: the text has no placeholder", name)
		case at < 0:
			return fmt.Errorf("--field %s: the text has no such placeholder, but {{%s}}", name, strings.Join(names, "}}, {{"))
		}
		values[at] = strings.TrimSpace(value)
	}
	for i, value := range values {
		if value == "" {
			return fmt.Errorf("the text has {{%s}}: say what stands there, --field %[1]s=…", names[i])
		}
	}
	if len(p.to) == 0 || len(p.to) > campaign.PhonesOfAProof {
		return fmt.Errorf("--to: want 1 to %d phone numbers, separated by commas", campaign.PhonesOfAProof)
	}
	var file bytes.Buffer
	w := csv.NewWriter(&file)
	// A digest of five numbers could be guessed, so a column that nobody reads has a name
	// that nobody guesses.
	rows := [][]string{append(append([]string{audience.NumberField}, names...), "proof-"+rand.Text())}
	var seen []string
	for _, to := range p.to {
		number, err := audience.Number(to, r.Region)
		switch {
		case err != nil:
			return fmt.Errorf("--to %s: %w", to, err)
		case slices.Contains(seen, number):
			return fmt.Errorf("--to %s: it is given twice", to)
		}
		seen = append(seen, number)
		rows = append(rows, append(append([]string{number}, values...), ""))
	}
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	p.file = file.Bytes()
	p.phones = len(seen)
	p.text = sms.ParseTemplate(r.Text).Fill(func(name string) string {
		if at := slices.Index(names, name); at >= 0 {
			return values[at]
		}
		return seen[0] // the number itself
	})
	var err error
	p.people, err = client.Audience(bytes.NewReader(p.file), campaignv1.Audience_FORMAT_CSV)
	return err
}
