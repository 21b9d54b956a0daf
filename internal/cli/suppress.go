package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/audience"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

func newSuppress(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "suppress",
		Short: "Numbers that get nothing, whoever's audience they are in",
		Long: `A number that is suppressed, for a source or for all, is left out of every audience
that comes with a request, and counted. What is kept of it is a hash under a secret
that only the service has, so a list of the numbers cannot be printed.

A campaign that names a contactListId is sent to whom the gateway has in that list:
nothing here applies to it. How it is kept is in docs/recipients.md.`,
		Example: `  staffetta suppress add "+39 333 1234567" --all --note "asked by phone" --by anna
  staffetta suppress import complaints.csv --source shop-italia --region IT --by anna
  staffetta suppress ls --number "+39 333 1234567"`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSuppressAdd(t), newSuppressRm(t), newSuppressImport(t), newSuppressLs(t))
	return cmd
}

// naming is an order about numbers: whose campaigns, which numbers, and why.
type naming struct {
	laying
	source, region, note string
	all                  bool
}

func (n *naming) flags(f *pflag.FlagSet, by string) {
	f.SortFlags = false
	f.StringVar(&n.source, "source", "", "for the campaigns of this source")
	f.BoolVar(&n.all, "all", false, "for the campaigns of all sources")
	f.StringVar(&n.region, "region", "", "country of numbers in national form, as IT")
	f.StringVar(&n.note, "note", "", "why, for those who look later; write no number and no name")
	n.laying.flags(f, by)
}

func (n *naming) check() error {
	if n.all == (n.source != "") {
		return usageError{errors.New("say whose campaigns: --source SOURCE, or --all")}
	}
	return nil
}

func newSuppressAdd(t Terminal) *cobra.Command {
	var n naming
	cmd := &cobra.Command{
		Use:   "add NUMBER... --source SOURCE|--all --by NAME",
		Short: "Suppress numbers: they get nothing any more",
		Long: `Have the service suppress numbers. When the command returns with exit code 0, no
campaign with recipients of its own is prepared with them any more, and one that is
prepared already is prepared anew before it is confirmed. What is confirmed is not
taken back.

Numbers on a command line are in the history of the shell: import reads them from a
file, or from standard input.`,
		Example: `  staffetta suppress add "+39 333 1234567" --all --note "asked by phone" --by anna`,
		Args:    someNumbers,
		RunE: func(cmd *cobra.Command, args []string) error {
			return n.typed(cmd, t, contract.VerbSuppress, args)
		},
	}
	n.flags(cmd.Flags(), "who suppresses them")
	return cmd
}

func newSuppressRm(t Terminal) *cobra.Command {
	var n naming
	cmd := &cobra.Command{
		Use:   "rm NUMBER... --source SOURCE|--all --by NAME",
		Short: "Allow numbers again that were suppressed",
		Long: `Have the service take numbers out of what is suppressed for the source, or for all.
What is suppressed for all stays so for each source. Who did which is kept.`,
		Example: `  staffetta suppress rm "+39 333 1234567" --all --note "a typing error" --by anna`,
		Args:    someNumbers,
		RunE: func(cmd *cobra.Command, args []string) error {
			return n.typed(cmd, t, contract.VerbAllow, args)
		},
	}
	n.flags(cmd.Flags(), "who allows them")
	return cmd
}

func someNumbers(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError{errors.New(`say which numbers, as "+39 333 1234567"`)}
	}
	return nil
}

// typed has the service do something to numbers that somebody typed. One that is none is
// an error, and nothing is done.
func (n *naming) typed(cmd *cobra.Command, t Terminal, verb string, given []string) error {
	if err := n.check(); err != nil {
		return err
	}
	var numbers []string
	for _, g := range given {
		number, err := audience.Number(g, n.region)
		if err != nil {
			return usageError{fmt.Errorf("%q: %w (--region says of which country national numbers are)", g, err)}
		}
		numbers = append(numbers, number)
	}
	return n.lay(cmd, t, verb, numbers, 0)
}

func newSuppressImport(t Terminal) *cobra.Command {
	var n naming
	cmd := &cobra.Command{
		Use:   "import FILE --source SOURCE|--all --by NAME",
		Short: "Suppress the numbers of a file",
		Long: `Have the service suppress the numbers of a file: one on each line, or CSV with a header
and a column for the number, as spreadsheets write it (docs/recipients.md). "-" is
standard input. Nothing but the numbers leaves this machine. Lines that are no phone
number are named, and left out. One file may have a million numbers.`,
		Example: `  staffetta suppress import complaints.csv --source shop-italia --region IT --note "list of 30 November" --by anna`,
		Args:    oneNumberFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := n.check(); err != nil {
				return err
			}
			in := t.In
			if args[0] != "-" {
				file, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer file.Close()
				in = file
			}
			numbers, malformed, err := readNumbers(t, in, n.region)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			return n.lay(cmd, t, contract.VerbSuppress, numbers, malformed)
		},
	}
	n.flags(cmd.Flags(), "who suppresses them")
	return cmd
}

func oneNumberFile(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError{errors.New("say which file has the numbers, or - for standard input")}
	}
	return nil
}

// readNumbers reads the numbers of a file, and says which lines have none.
func readNumbers(t Terminal, in io.Reader, region string) (numbers []string, malformed int64, err error) {
	for c, err := range audience.FromList(in) {
		if err != nil {
			if wrong := (*audience.Fault)(nil); errors.As(err, &wrong) && wrong.Found != "" {
				err = fmt.Errorf("%w; %s", err, wrong.Found)
			}
			return nil, 0, err
		}
		number, err := audience.Number(c.Number, region)
		switch {
		case audience.Rounded(err):
			return nil, 0, &audience.Fault{Place: c.Place, What: err.Error()}
		case err != nil:
			if malformed++; malformed <= mostShown {
				fmt.Fprintf(t.Err, "  %s: %v\n", c.Place, err)
			}
			continue
		}
		numbers = append(numbers, number)
	}
	if more := malformed - mostShown; more > 0 {
		fmt.Fprintf(t.Err, "  and %s more\n", thousands(more))
	}
	if len(numbers) == 0 {
		return nil, 0, errors.New("there is no phone number in it (--region says of which country national numbers are)")
	}
	return numbers, malformed, nil
}

// lay has the service do something to numbers. The order holds none: they are laid down
// beside it, where only the service reads, and erased when they are taken.
func (n *naming) lay(cmd *cobra.Command, t Terminal, verb string, numbers []string, malformed int64) error {
	c, err := connect(cmd, t, n.rows)
	if err != nil {
		return err
	}
	defer c.Close()
	list := numberList(numbers)
	a, err := client.Audience(bytes.NewReader(list), campaignv1.Audience_FORMAT_CSV)
	if err != nil {
		return err
	}
	n.first = func(ctx context.Context) error {
		b := newBar(t, paint{t.Colour})
		defer b.clear()
		return c.LayDown(ctx, contract.Scope(n.source), a, bytes.NewReader(list), func(done, whole int64) { b.draw(done, whole, "of the numbers are laid down") })
	}
	var body proto.Message = &campaignv1.SuppressNumbers{By: n.by, Numbers: a, Note: n.note}
	if verb == contract.VerbAllow {
		body = &campaignv1.AllowNumbers{By: n.by, Numbers: a, Note: n.note}
	}
	done, err := lay[*campaignv1.SuppressionChanged](cmd, c, &n.laying, n.source, verb, body)
	if err != nil {
		return err
	}
	out := ""
	if malformed += done.GetMalformed(); malformed > 0 {
		out = fmt.Sprintf("; %s of the lines have no phone number, and are left out", thousands(malformed))
	}
	_, err = fmt.Fprintf(t.Out, "%s %s for %s%s\n", plural(done.GetNumbers(), "number"), changedNumbers[done.GetChange()], or(n.source, "all sources"), out)
	return err
}

// numberList is a list of numbers in a file of its own. The name of its second column is
// random: so no digest of it can be guessed from a number, and it is the digest of no
// audience, which would be erased with it.
func numberList(numbers []string) []byte {
	var list bytes.Buffer
	fmt.Fprintf(&list, "%s;%s\n", audience.NumberField, rand.Text())
	for _, number := range numbers {
		list.WriteString(number + ";\n")
	}
	return list.Bytes()
}
