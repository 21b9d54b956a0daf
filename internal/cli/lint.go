package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/sms"
)

func newLint(t Terminal) *cobra.Command {
	var recipients int64
	var price string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "lint TEXT",
		Short: "Say what a text costs, and which characters make it dearer",
		Long: `Measure a text (- is the standard input) without asking anybody: its encoding, its
characters and its parts. A part has room for 160 characters of GSM-7, or for 70
as soon as one character is not in GSM-7. Every such character is named, with
its position and with what could stand in its place and read the same.

Placeholders count as they are written: what they are filled with is known to
the gateway alone.`,
		Example: `  staffetta lint "L’offerta finisce stasera" --recipients 9831
  staffetta lint - --json < text.txt`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{errors.New("lint wants one text, in quotes; - reads the standard input")}
			}
			text := args[0]
			if text == "-" {
				data, err := io.ReadAll(t.In)
				if err != nil {
					return err
				}
				text = strings.TrimSuffix(string(data), "\n")
			}
			each, err := app.ParseMoney(price)
			if err != nil {
				return usageError{fmt.Errorf("--price: %w", err)}
			}
			if recipients < 0 {
				return usageError{errors.New("--recipients is less than nobody")}
			}
			l := lint(text)
			if recipients > 0 {
				l.Cost = costOf(l, recipients, each)
			}
			if asJSON {
				return printLine(t.Out, l)
			}
			return l.print(t.Out)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.Int64Var(&recipients, "recipients", 0, "how many get it, to say what that costs")
	f.StringVar(&price, "price", "0.035", `price of a part: "0.035" or "0.035 EUR"`)
	f.BoolVar(&asJSON, "json", false, "a JSON object")
	return cmd
}

// linted is what there is to say about a text.
type linted struct {
	measured
	Outside []outside `json:"outside,omitempty"` // the characters that force UCS-2
	Instead *instead  `json:"instead,omitempty"`
	Cost    *textCost `json:"cost,omitempty"`
}

type measured struct {
	Encoding sms.Encoding `json:"encoding"`
	Units    int          `json:"units"` // septets in GSM-7, UTF-16 units in UCS-2
	Parts    int          `json:"parts"`
}

// outside is a character that GSM-7 does not have.
type outside struct {
	Character  string  `json:"character"`
	Position   int     `json:"position"` // in characters, from 1
	CodePoint  string  `json:"code_point"`
	Substitute *string `json:"substitute"` // null: nothing reads the same
}

// instead is the text with its substitutes, and without what has none.
type instead struct {
	Text string `json:"text"`
	measured
}

// textCost is what the text costs for a whole list.
type textCost struct {
	Recipients int64           `json:"recipients"`
	Price      campaign.Money  `json:"price"` // of a part
	Total      campaign.Money  `json:"total"`
	Instead    *campaign.Money `json:"instead,omitempty"`
	Difference *campaign.Money `json:"difference,omitempty"`
}

func lint(text string) linted {
	l := linted{measured: measure(text)}
	var plain strings.Builder
	position := 0
	for _, char := range text {
		position++
		if _, _, odd := sms.Outside(string(char)); !odd {
			plain.WriteRune(char)
			continue
		}
		o := outside{Character: string(char), Position: position, CodePoint: fmt.Sprintf("U+%04X", char)}
		if s, ok := sms.Substitute(char); ok {
			o.Substitute = &s
			plain.WriteString(s)
		}
		l.Outside = append(l.Outside, o)
	}
	if len(l.Outside) > 0 {
		l.Instead = &instead{Text: plain.String(), measured: measure(plain.String())}
	}
	return l
}

func measure(text string) measured {
	s := sms.Measure(text)
	return measured{s.Encoding, s.Units, s.Parts}
}

// costOf rounds to cents, as the gateway does.
func costOf(l linted, recipients int64, price campaign.Money) *textCost {
	total := func(parts int) campaign.Money {
		n := decimal.NewFromInt(recipients).Mul(decimal.NewFromInt(int64(parts)))
		return campaign.Money{Amount: price.Amount.Mul(n).Round(2), Currency: price.Currency}
	}
	c := textCost{Recipients: recipients, Price: price, Total: total(l.Parts)}
	if l.Instead != nil {
		less := total(l.Instead.Parts)
		more := campaign.Money{Amount: c.Total.Amount.Sub(less.Amount), Currency: price.Currency}
		c.Instead, c.Difference = &less, &more
	}
	return &c
}

func (l linted) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s", l.measured, plural(int64(l.Parts), "part"))
	if len(l.Outside) > 0 {
		fmt.Fprintf(&b, ", because of %s outside GSM-7", plural(int64(len(l.Outside)), "character"))
	}
	b.WriteString("\n")
	for _, o := range l.Outside {
		shown := o.Character
		if r := []rune(shown)[0]; !unicode.IsPrint(r) {
			shown = " "
		}
		fmt.Fprintf(&b, "  position %-4d %s  %-7s  %s\n", o.Position, shown, o.CodePoint, o.advice())
	}
	if i := l.Instead; i != nil {
		fmt.Fprintf(&b, "without them: %s, %s\n  %s\n", i.measured, plural(int64(i.Parts), "part"), i.Text)
	}
	if c := l.Cost; c != nil {
		fmt.Fprintf(&b, "%s at %s a part: %s", plural(c.Recipients, "recipient"), c.Price, c.Total)
		if c.Instead != nil {
			fmt.Fprintf(&b, ", without them %s: %s less", *c.Instead, *c.Difference)
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// String is the encoding and how much of its room is taken.
func (m measured) String() string {
	alone, part := 160, 153
	if m.Encoding == sms.UCS2 {
		alone, part = 70, 67
	}
	room := alone
	if m.Parts > 1 {
		room = part * m.Parts
	}
	return fmt.Sprintf("%s, %d of %d characters", m.Encoding, m.Units, room)
}

func (o outside) advice() string {
	switch {
	case o.Substitute == nil:
		return "nothing in GSM-7 reads the same"
	case *o.Substitute == "":
		return "leave it out: nobody sees it"
	case *o.Substitute == " ":
		return "write a plain space"
	}
	return "write " + *o.Substitute
}
