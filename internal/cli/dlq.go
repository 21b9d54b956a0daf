package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/query"
)

func newDLQ(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dlq",
		Short: "Dead letters: messages that could not be acted on",
		Long: `A message that cannot be acted on is put aside whole, with the reason, in the stream
CAMPAIGN_DEAD_LETTERS, where it is kept for 90 days. To look at one changes nothing.
A replay publishes it again under the same key, so the record decides what it means,
and a second replay has no second effect.`,
		Example: `  staffetta dlq ls --reason invalid
  staffetta dlq show 17
  staffetta dlq replay 17`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unknown command %q: %s has ls, show and replay", args[0], cmd.CommandPath())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDLQLs(t), newDLQShow(t), newDLQReplay(t))
	return cmd
}

func newDLQLs(t Terminal) *cobra.Command {
	var asJSON bool
	var a query.DLQAsk
	var older, newer time.Duration
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List dead letters",
		Long: `List the dead letters, the oldest first, and which of them were replayed, as far as
the streams still know (30 days; 7 days for commands). Only headers are read. A
letter is about a campaign if its subject names one; otherwise the list shows the
subject.`,
		Example: `  staffetta dlq ls
  staffetta dlq ls --source shop-italia --reason conflicting_duplicate --newer-than 24h`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, r := range a.Reasons {
				if !slices.Contains(deadletter.Reasons(), deadletter.Reason(r)) {
					return usageError{fmt.Errorf("--reason %q is no reason of a dead letter: want some of %s", r, joined(deadletter.Reasons()))}
				}
			}
			if err := a.Check(); err != nil {
				return usageError{err}
			}
			c, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer c.Close()
			a.OlderThan, a.NewerThan = query.Duration(older), query.Duration(newer)
			now, n, reader := time.Now(), 0, c.Reader()
			list := table{columns: []column{{head: "ID"}, {head: "AGE", spare: 2}, {head: "REASON"}, keyColumn("ABOUT"), textColumn("WHAT IS WRONG", 1)}}
			for l, err := range query.Each(func(after string) ([]query.Letter, string, error) {
				a.After = after
				all, err := reader.DLQ(cmd.Context(), a)
				return all.Letters, all.Next, err
			}) {
				if err != nil {
					return err
				}
				n++
				wrong := l.Note
				if l.Replayed != nil {
					wrong = fmt.Sprintf("replayed %s ago: %s", age(now.Sub(*l.Replayed)), wrong)
				}
				if asJSON {
					err = printLine(t.Out, l)
				} else if list.add(strconv.FormatUint(l.ID, 10), age(now.Sub(l.PutAside)), l.Reason, about(l), wrong); len(list.rows) >= blockRows {
					err = list.flush(t)
				}
				if err != nil {
					return err
				}
			}
			if err := list.flush(t); err != nil || asJSON {
				return err
			}
			if n == 0 {
				_, err := fmt.Fprintln(t.Out, "no dead letters")
				return err
			}
			_, err = fmt.Fprintf(t.Out, "\n%s; %s dlq show ID shows one whole, and what can be done about it\n", plural(int64(n), "dead letter"), t.Name)
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringSliceVar(&a.Reasons, "reason", nil, "only letters with these reasons, separated by commas")
	f.StringVar(&a.Source, "source", "", "only letters about campaigns of this source")
	f.DurationVar(&older, "older-than", 0, "only letters put aside longer ago, as 15m or 24h")
	f.DurationVar(&newer, "newer-than", 0, "only letters put aside since")
	f.BoolVar(&asJSON, "json", false, "a JSON object on each line")
	addSettings(f, rows)
	return cmd
}

// about is what a letter is about: a campaign, or otherwise its subject.
func about(l query.Letter) string {
	switch {
	case l.Key == "":
		return l.Subject
	case l.Kind != "request":
		return l.Key + " (" + l.Kind + ")"
	}
	return l.Key
}

// someIDs wants ids: exactly n, or with 0 at least one.
func someIDs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 || n > 0 && len(args) != n {
			return usageError{fmt.Errorf("%s wants the id of a dead letter, as 17: dlq ls lists them", cmd.CommandPath())}
		}
		return nil
	}
}

func letterID(s string) (uint64, error) {
	id, err := strconv.ParseUint(s, 10, 64)
	if err != nil || id == 0 {
		return 0, usageError{fmt.Errorf("%q is no id of a dead letter: want a number, as 17", s)}
	}
	return id, nil
}

// noLetter says where to look if there is no such letter.
func noLetter(err error, t Terminal) error {
	if errors.Is(err, client.ErrNoLetter) || query.Is(err, query.NotFound) {
		return fmt.Errorf("%w (they are kept for 90 days): %s dlq ls lists them", err, t.Name)
	}
	return err
}

// printIndented prints JSON for people, after a margin.
func printIndented(w io.Writer, data json.RawMessage, margin string) error {
	var b bytes.Buffer
	if err := json.Indent(&b, data, margin, "  "); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%s%s\n", margin, b.Bytes())
	return err
}

// joined is words of a closed set, separated by commas.
func joined[T ~string](words []T) string {
	all := make([]string, len(words))
	for i, word := range words {
		all[i] = string(word)
	}
	return strings.Join(all, ", ")
}
