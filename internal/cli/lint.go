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
where it stands first, how often, and what could stand in its place and read the
same. An Italian capital with a grave accent is written with an apostrophe, as
Italians do: E' for È; E alone is one character shorter.

The end of the last line of a file, and its byte order mark, are not of the text.

Placeholders count as they are written: which fields there are, and what they are
filled with, is known to the gateway alone. A field that it does not know is
filled with nothing.`,
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
				text = strings.TrimPrefix(string(data), "\ufeff")
				text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
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
	Outside      []outside `json:"outside,omitempty"` // the characters that force UCS-2
	Instead      *instead  `json:"instead,omitempty"`
	Placeholders []string  `json:"placeholders,omitempty"`
	Lookalikes   []string  `json:"lookalikes,omitempty"` // sent as they stand
	Cost         *textCost `json:"cost,omitempty"`
}

type measured struct {
	Encoding sms.Encoding `json:"encoding"`
	Units    int          `json:"units"` // septets in GSM-7, UTF-16 units in UCS-2
	Parts    int          `json:"parts"`
}

// outside is a character that GSM-7 does not have, as a person sees it.
type outside struct {
	Character  string  `json:"character"`
	Position   int     `json:"position"` // where it stands first, in characters from 1
	Times      int     `json:"times"`
	CodePoint  string  `json:"code_point"` // several, if it is made of several
	Substitute *string `json:"substitute"` // null: nothing reads the same
	Advice     string  `json:"advice"`
}

// instead is the text with its substitutes, and without what has none.
type instead struct {
	Text string `json:"text"`
	measured
	left []sms.Odd
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
	l := linted{measured: measure(text), Placeholders: sms.Placeholders(text), Lookalikes: sms.Lookalikes(text)}
	at := map[string]int{} // of an odd character, in the list
	for odd := range sms.Odds(text) {
		// One may be replaced in two ways, as what stands before it asks for.
		id := odd.Text + odd.Advice()
		if i, known := at[id]; known {
			l.Outside[i].Times++
			continue
		}
		at[id] = len(l.Outside)
		o := outside{Character: odd.Text, Position: odd.Position, Times: 1, CodePoint: odd.CodePoints(), Advice: odd.Advice()}
		if odd.Found {
			o.Substitute = &odd.Instead
		}
		l.Outside = append(l.Outside, o)
	}
	if len(l.Outside) > 0 {
		plain, left := sms.Plain(text)
		l.Instead = &instead{Text: plain, measured: measure(plain), left: left}
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
		times := 0
		for _, o := range l.Outside {
			times += o.Times
		}
		fmt.Fprintf(&b, ", because of %s outside GSM-7", plural(int64(times), "character"))
	}
	b.WriteString("\n")
	for _, o := range l.Outside {
		often := ""
		if o.Times > 1 {
			often = fmt.Sprintf(" (%s)", plural(int64(o.Times), "time"))
		}
		fmt.Fprintf(&b, "  position %-4d %s  %-7s  %s%s\n", o.Position, shownChar(o.Character), o.CodePoint, o.Advice, often)
	}
	if i := l.Instead; i != nil {
		how := "with that"
		if len(i.left) > 0 {
			how += fmt.Sprintf(", and without the %s that nothing replaces", plural(int64(len(i.left)), "character"))
		}
		fmt.Fprintf(&b, "%s: %s, %s\n", how, i.measured, plural(int64(i.Parts), "part"))
		for line := range strings.Lines(i.Text) {
			fmt.Fprintf(&b, "  %s\n", strings.TrimRight(line, "\r\n"))
		}
	}
	if len(l.Placeholders) > 0 {
		fmt.Fprintf(&b, "placeholders: %s; a field that the gateway does not have is filled with nothing\n", strings.Join(l.Placeholders, ", "))
	}
	if len(l.Lookalikes) > 0 {
		fmt.Fprintf(&b, "sent as they stand: %s; a placeholder is {{name}}, of letters A to Z, digits, _ - and .\n", strings.Join(l.Lookalikes, ", "))
	}
	if c := l.Cost; c != nil {
		fmt.Fprintf(&b, "%s at %s a part: %s", plural(c.Recipients, "recipient"), c.Price, c.Total)
		if c.Instead != nil {
			fmt.Fprintf(&b, ", with that %s: %s less", *c.Instead, *c.Difference)
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

// shownChar is a character as a terminal may show it.
func shownChar(char string) string {
	for _, r := range char {
		if !unicode.IsPrint(r) && !unicode.In(r, unicode.Mn, unicode.Me) && r != '\u200d' {
			return " "
		}
	}
	return char
}
