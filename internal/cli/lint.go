package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/sms"
)

func newLint(t Terminal) *cobra.Command {
	var recipients int64
	var price, file string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "lint TEXT | -f FILE",
		Short: "Say how many parts a text has, and which characters make it dearer",
		Long: `Measure a text (- is the standard input), or that of a request in a file, without a
connection to anything: its encoding, its characters and its parts. A part has room for 160 characters of GSM-7,
or for 70 as soon as one character is not in GSM-7. Every such character is named
once, with its first position, how often it occurs, and what could be written instead
and read the same; then what all of that would save. What a part costs only the
gateway knows, so --price says it. An Italian capital with a grave accent is written with an apostrophe,
as Italians do: E' for È; E alone is one character shorter.

The end of the last line of a file, and its byte order mark, do not belong to the
text.

Placeholders count as they are written. Only the gateway knows which fields there
are, and what they are filled with. A field that it does not know is filled with
nothing.`,
		Example: `  staffetta lint "L’offerta finisce stasera: tutto a metà prezzo nei negozi e su shop.example.it fino alle 24" --recipients 9831
  staffetta lint -f campaign.json
  staffetta lint - --json < text.txt`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			text, refused, err := textToLint(t, args, file)
			if err != nil {
				return err
			}
			each, err := campaign.ParseMoney(price)
			if err != nil {
				return usageError{fmt.Errorf("--price: %w", err)}
			}
			if recipients < 0 {
				return usageError{errors.New("--recipients is less than 0")}
			}
			l := lint(text)
			l.Refused = refused && len(l.Outside) > 0
			l.assumed = !cmd.Flags().Changed("price")
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
	f.StringVarP(&file, "file", "f", "", "a request, in JSON or YAML, whose text is measured; - reads the standard input")
	f.BoolVar(&asJSON, "json", false, "a JSON object")
	return cmd
}

// textToLint is the text that was given, in one of three ways. A request that does not
// allow Unicode is refused for a text with a character outside GSM-7.
func textToLint(t Terminal, args []string, file string) (text string, refused bool, err error) {
	switch {
	case file != "" && len(args) == 0:
		m, err := readRequest(t, file)
		if err != nil {
			return "", false, err
		}
		return m.Text, !m.Unicode, nil
	case file != "" || len(args) != 1:
		return "", false, usageError{errors.New("lint wants one text, in quotes; - reads the standard input, -f FILE the text of a request")}
	case args[0] != "-":
		return args[0], false, nil
	}
	data, err := io.ReadAll(t.In)
	text = strings.TrimPrefix(string(data), "\ufeff")
	return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"), false, err
}

// linted is all that lint says about a text.
type linted struct {
	measured
	Outside      []outside `json:"outside,omitempty"` // the characters that force UCS-2
	Instead      *instead  `json:"instead,omitempty"`
	Placeholders []string  `json:"placeholders,omitempty"`
	Lookalikes   []string  `json:"lookalikes,omitempty"` // sent as they stand
	Cost         *textCost `json:"cost,omitempty"`
	Refused      bool      `json:"refused,omitempty"` // the request is, for its text

	assumed bool // nobody said the price
}

type measured struct {
	Encoding sms.Encoding `json:"encoding"`
	Units    int          `json:"units"` // septets in GSM-7, UTF-16 units in UCS-2
	Parts    int          `json:"parts"`
}

// outside is a character that GSM-7 does not have, as a person sees it.
type outside struct {
	Character  string  `json:"character"`
	Position   int     `json:"position"` // its first position, in characters from 1
	Times      int     `json:"times"`
	CodePoint  string  `json:"code_point"` // several, if it is made of several
	Substitute *string `json:"substitute"` // null: nothing reads the same
	Advice     string  `json:"advice"`
}

// instead is the text with its substitutes; a character without a substitute is
// dropped.
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
	at := map[string]int{} // index of an odd character in the list
	for odd := range sms.Odds(text) {
		if i, known := at[odd.Text]; known {
			o := &l.Outside[i]
			o.Times++
			// A character may have two substitutes, which depend on the one before it.
			if more := odd.Advice(); !strings.Contains(o.Advice, more) {
				o.Advice += "; elsewhere " + more
			}
			continue
		}
		at[odd.Text] = len(l.Outside)
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
		saves := "which saves nothing"
		if less := l.Parts - i.Parts; less > 0 {
			saves = plural(int64(less), "part") + " less for each recipient"
		}
		fmt.Fprintf(&b, "%s: %s, %s, %s\n", how, i.measured, plural(int64(i.Parts), "part"), saves)
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
		whose := ""
		if l.assumed {
			whose = " (--price says another)"
		}
		fmt.Fprintf(&b, "%s at %s a part%s: %s", plural(c.Recipients, "recipient"), c.Price, whose, c.Total)
		if c.Instead != nil {
			fmt.Fprintf(&b, ", with that %s: %s less", *c.Instead, *c.Difference)
		}
		b.WriteString("\n")
	}
	if l.Refused {
		b.WriteString("the request is rejected as it is (text_not_gsm7): write what stands above, or add unicode: true\n")
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
