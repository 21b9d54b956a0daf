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

	"github.com/staffetta-io/staffetta/internal/query"
)

func newDLQShow(t Terminal) *cobra.Command {
	var asJSON, payload, raw bool
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
			id, err := letterID(args[0])
			if err != nil {
				return err
			}
			client, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer client.Close()
			found, err := client.Reader().DLQ(cmd.Context(), query.DLQAsk{ID: id})
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
	row("put aside", "%s, %s ago", l.PutAside.Format("2006-01-02 15:04:05 MST"), age(time.Since(l.PutAside)))
	if l.ReplayOf != 0 {
		row("replay of", "dead letter %d", l.ReplayOf)
	}
	if l.Replayed != nil {
		row("replayed", "%s, %s ago; a second replay does nothing", l.Replayed.Format("2006-01-02 15:04:05 MST"), age(time.Since(*l.Replayed)))
	}
	fmt.Fprintf(&out, "\n%s\n", p.bold("the message"))
	row("subject", "%s", l.Subject)
	row("stored", "%s, %s %d", l.Stored.UTC().Format("2006-01-02 15:04:05 MST"), l.Stream, l.Sequence)
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
	for line := range strings.Lines(remedy(t.Name, l, l.Unreadable == "")) {
		out.WriteString("  " + line)
	}
	_, err := io.WriteString(t.Out, out.String()+"\n")
	return err
}

// maxDump is how much is shown of what cannot be read.
const maxDump = 1 << 10

// isText says that a terminal can print it.
func isText(b []byte) bool {
	return len(b) > 0 && !bytes.ContainsFunc(b, func(r rune) bool {
		return r == utf8.RuneError || !unicode.IsPrint(r) && r != '\n' && r != '\t' && r != '\r'
	})
}

// remedy is what can be done about a letter. Every reason has a way out.
func remedy(name string, l query.Letter, legible bool) string {
	again := fmt.Sprintf("ask for it under a new request id:\n  %[1]s dlq show %[2]d --payload | %[1]s request -f - --id NEW-ID", name, l.ID)
	form := "--payload"
	if !legible {
		form = "--raw"
	}
	correct := fmt.Sprintf("look at what would be published, then publish it:\n  %[1]s dlq show %[2]d %[3]s > corrected.json\n  %[1]s dlq replay %[2]d --edit corrected.json\n  %[1]s dlq replay %[2]d --edit corrected.json --yes", name, l.ID, form)
	switch l.Reason {
	case "conflicting_duplicate":
		return fmt.Sprintf("The first request under this name stands: %s show %s. To send this one as well, %s", name, l.Key, again)
	case "cancelled_before":
		return "It was cancelled before it was asked for. To send it after all, " + again
	case "too_many":
		return fmt.Sprintf("Its source has asked for more in an hour than intake.per_hour allows. Find out why; replay it in another hour, or once that is raised:\n  %s dlq replay %d --yes", name, l.ID)
	case "unknown_campaign":
		return fmt.Sprintf("Nobody had asked for the campaign within the time that the command waited. Once somebody has:\n  %s dlq replay %d --yes", name, l.ID)
	case "bad_subject":
		if !legible {
			return "Its subject names no campaign, and its payload cannot be read. Tell whoever sent it which subject is right:\ncampaign.v1.request.<source>.<request id>, each of 1 to 64 letters, digits, _ and -"
		}
		return fmt.Sprintf("Its subject names no campaign, so it cannot be replayed there. Ask for it under its own name, and tell whoever sent it\nwhich subject is right, campaign.v1.request.<source>.<request id>:\n  %[1]s dlq show %[2]d --payload | %[1]s request -f -", name, l.ID)
	case "refused_command":
		return fmt.Sprintf("The campaign could not obey, and nothing was changed. See where it stands now:\n  %s why %s", name, l.Key)
	case "bad_command":
		return fmt.Sprintf("The command says nothing that can be obeyed. Say it anew with %s cancel or %[1]s resolve.", name)
	}
	if !legible {
		return "Tell whoever sent it: the payload cannot be read. If you know what was meant, take it as it was published, make JSON\nof it, " + correct
	}
	return "Tell whoever sent it, or take it as JSON, correct what is wrong (headers that mislead are put right by themselves),\n" + correct
}
