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

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
)

func newDLQ(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dlq",
		Short: "Dead letters: messages that nobody could act on",
		Long: `A message that cannot be acted on is put aside whole, with the reason, in the
stream CAMPAIGN_DEAD_LETTERS, where it is kept for 90 days. Looking at one
changes nothing. A replay publishes it again under the same key, so the record
decides what it means, and a second replay has no second effect.`,
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
	var source string
	var reasons []string
	var older, newer time.Duration
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List dead letters",
		Long: `List the dead letters, the oldest first, and which of them were replayed, as far as
the streams still know (30 days, of commands 7). Only headers are read. A letter is about
a campaign if its subject names one; otherwise the list shows the subject.`,
		Example: `  staffetta dlq ls
  staffetta dlq ls --source shop-italia --reason conflicting_duplicate --newer-than 24h`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, r := range reasons {
				if !slices.Contains(app.LetterReasons, r) {
					return usageError{fmt.Errorf("--reason %q is no reason of a dead letter: want some of %s", r, strings.Join(app.LetterReasons, ", "))}
				}
			}
			client, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer client.Close()
			now := time.Now()
			var replays map[uint64]app.Placed
			list := table{head: []string{"ID", "AGE", "REASON", "ABOUT", "WHAT IS WRONG"}}
			n := 0
			for l, err := range client.Letters(cmd.Context(), app.LetterFilter{Source: source}) {
				if err != nil {
					return err
				}
				old := now.Sub(l.Buried)
				if len(reasons) > 0 && !slices.Contains(reasons, l.Reason) || old < older || newer > 0 && old > newer {
					continue
				}
				if n++; n == 1 { // no replay is older than the oldest letter
					if replays, err = client.Replays(cmd.Context(), l.Buried); err != nil {
						return err
					}
				}
				wrong, replay := l.Note, replays[l.ID]
				if replay.Sequence != 0 {
					wrong = fmt.Sprintf("replayed %s ago: %s", age(now.Sub(replay.Stored)), wrong)
				}
				if asJSON {
					err = printLine(t.Out, letterJSON(l, replay))
				} else if list.add(strconv.FormatUint(l.ID, 10), age(old), l.Reason, about(l), wrong); len(list.rows) >= blockRows {
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
	f.StringSliceVar(&reasons, "reason", nil, "only letters with these reasons, separated by commas")
	f.StringVar(&source, "source", "", "only letters about campaigns of this source")
	f.DurationVar(&older, "older-than", 0, "only letters put aside longer ago, as 15m or 24h")
	f.DurationVar(&newer, "newer-than", 0, "only letters put aside since")
	f.BoolVar(&asJSON, "json", false, "a JSON object on each line")
	addSettings(f, rows)
	return cmd
}

// about is what a letter is about: a campaign, or else what its subject says.
func about(l app.Letter) string {
	if l.Key == (campaign.Key{}) {
		return l.Subject
	}
	if kind := l.Kind(); kind != "request" {
		return l.Key.String() + " (" + kind + ")"
	}
	return l.Key.String()
}

// letter is a dead letter for programs.
type letter struct {
	ID       uint64              `json:"id"`
	Key      string              `json:"key,omitempty"`
	Kind     string              `json:"kind"`
	Reason   string              `json:"reason"`
	Fields   []string            `json:"fields,omitempty"`
	Note     string              `json:"note,omitempty"`
	PutAside time.Time           `json:"put_aside"`
	ReplayOf uint64              `json:"replay_of,omitempty"`
	Replayed *time.Time          `json:"replayed,omitempty"`
	Subject  string              `json:"subject"`
	Stream   string              `json:"stream"`
	Sequence uint64              `json:"sequence"`
	Stored   time.Time           `json:"stored"`
	Header   map[string][]string `json:"header,omitempty"`
	Size     int                 `json:"size"`
	// Of one letter only: the payload in JSON if it can be read, and as it is.
	Payload json.RawMessage `json:"payload,omitempty"`
	Raw     []byte          `json:"payload_base64,omitempty"`
}

func letterJSON(l app.Letter, replay app.Placed) letter {
	key := ""
	var replayed *time.Time
	if replay.Sequence != 0 {
		replayed = &replay.Stored
	}
	if l.Key != (campaign.Key{}) {
		key = l.Key.String()
	}
	return letter{ID: l.ID, Key: key, Kind: l.Kind(), Reason: l.Reason, Fields: l.Fields, Note: l.Note, PutAside: l.Buried,
		ReplayOf: l.Replay, Replayed: replayed, Subject: l.Subject, Stream: l.Stream, Sequence: l.Sequence, Stored: l.Stored, Header: l.Header, Size: l.Size}
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

// noLetter says where to look when there is no such letter.
func noLetter(err error, t Terminal) error {
	if errors.Is(err, app.ErrNoLetter) {
		return fmt.Errorf("%w (they are kept for 90 days): %s dlq ls lists them", err, t.Name)
	}
	return err
}

// printIndented prints JSON for people, behind a margin.
func printIndented(w io.Writer, data json.RawMessage, margin string) error {
	var b bytes.Buffer
	if err := json.Indent(&b, data, margin, "  "); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%s%s\n", margin, b.Bytes())
	return err
}
