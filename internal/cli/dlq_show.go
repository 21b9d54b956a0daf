package cli

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/query"
)

func newDLQShow(t Terminal) *cobra.Command {
	var asJSON, payload, raw bool
	var zone zoneFlag
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show a dead letter whole, why it is one, and what can be done about it",
		Long: `Print a dead letter: why it was put aside and which field is at fault, the
message's own headers, and its payload, as JSON if it can be read and as text or
bytes if it cannot. With --payload it prints the payload alone, in JSON, to be
corrected; with --raw, as it was published.`,
		Example: `  staffetta dlq show 17
  staffetta dlq show 17 --payload > corrected.json`,
		Args: someIDs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := zone.of(t)
			if err != nil {
				return err
			}
			id, err := letterID(args[0])
			if err != nil {
				return err
			}
			c, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer c.Close()
			found, err := c.Reader().DLQ(cmd.Context(), query.DLQAsk{ID: id})
			if err != nil {
				return noLetter(err, t)
			}
			l := found.Letters[0]
			switch {
			case raw:
				_, err = t.exact().Write(l.Raw)
			case payload && l.Unreadable != "":
				return fmt.Errorf("the payload of dead letter %d cannot be read as JSON: %s; --raw prints it as it is", id, l.Unreadable)
			case payload:
				err = printIndented(t.Out, l.Payload, "")
			case asJSON:
				err = printLine(t.Out, l)
			default:
				err = printLetter(t, l)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	zone.add(f)
	f.BoolVar(&payload, "payload", false, "the payload alone, in JSON")
	f.BoolVar(&raw, "raw", false, "the payload alone, as it was published")
	f.BoolVar(&asJSON, "json", false, "all of it as a JSON object")
	addSettings(f, rows)
	return cmd
}

// printLetter prints a letter for people.
func printLetter(t Terminal, l query.Letter) error {
	p := paint{t.Colour}
	var out strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&out, "  %-11s %s\n", name, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(&out, "%s\n", p.bold(fmt.Sprintf("dead letter %d", l.ID)))
	if l.Key != "" {
		row("campaign", "%s", l.Key)
	}
	row("reason", "%s", l.Reason)
	if len(l.Fields) > 0 {
		row("field", "%s", strings.Join(l.Fields, ", "))
	}
	row("", "%s", l.Note)
	row("put aside", "%s, %s ago", l.PutAside.In(t.in()).Format("2006-01-02 15:04:05 MST"), age(time.Since(l.PutAside)))
	if l.ReplayOf != 0 {
		row("replay of", "dead letter %d", l.ReplayOf)
	}
	if l.Replayed != nil {
		row("replayed", "%s, %s ago; a second replay does nothing", l.Replayed.In(t.in()).Format("2006-01-02 15:04:05 MST"), age(time.Since(*l.Replayed)))
	}
	fmt.Fprintf(&out, "\n%s\n", p.bold("the message"))
	row("subject", "%s", l.Subject)
	row("stored", "%s, %s %d", l.Stored.In(t.in()).Format("2006-01-02 15:04:05 MST"), l.Stream, l.Sequence)
	for _, name := range slices.Sorted(maps.Keys(l.Header)) {
		row("header", "%s: %s", name, strings.Join(l.Header[name], ", "))
	}
	fmt.Fprintf(&out, "\n%s\n", p.bold(fmt.Sprintf("its payload, %s", plural(int64(l.Size), "byte"))))
	if l.Unreadable == "" {
		if err := printIndented(&out, l.Payload, "  "); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(&out, "  it cannot be read: %s\n", plain(errors.New(l.Unreadable)))
		start := l.Raw[:min(len(l.Raw), maxDump)]
		dump := hex.Dump(start)
		if isText(start) {
			dump = strings.TrimSuffix(string(start), "\n") + "\n"
		}
		for line := range strings.Lines(dump) {
			out.WriteString("  " + line)
		}
		if len(l.Raw) > maxDump {
			fmt.Fprintf(&out, "  … %s more; --raw prints it all\n", plural(int64(len(l.Raw)-maxDump), "byte"))
		}
	}
	fmt.Fprintf(&out, "\n%s\n", p.bold("what can be done"))
	for line := range strings.Lines(remedy(t.Name, l)) {
		out.WriteString("  " + line)
	}
	_, err := io.WriteString(t.Out, out.String()+"\n")
	return err
}

// maxDump is how much is shown of a payload that cannot be read.
const maxDump = 1 << 10

// isText says that a terminal can print it.
func isText(b []byte) bool {
	return len(b) > 0 && !bytes.ContainsFunc(b, func(r rune) bool {
		return r == utf8.RuneError || !unicode.IsPrint(r) && r != '\n' && r != '\t' && r != '\r'
	})
}

// remedy is what can be done about a letter.
func remedy(name string, l query.Letter) string {
	if contract.IsStanding(l.Subject) {
		return fmt.Sprintf("Nothing was changed. Put right what the note names, and say it again with %s hold, release, budget or schedule:\nan order is not replayed, because much may have changed since.", name)
	}
	return deadletter.Remedy(name, deadletter.Reason(l.Reason), l.ID, l.Key, l.Unreadable == "")
}
