package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
)

func newDLQReplay(t Terminal) *cobra.Command {
	var o replaying
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "replay ID…",
		Short: "Publish the message of a dead letter again",
		Long: `Publish the message of a dead letter again: the same payload and headers, on the
same subject. So it has the same key, and the record decides what it means. Without
--yes it only shows what it would publish, and what effect that is known to have.

A letter is replayed once: a second replay finds the first and does nothing. If the
message is put aside again, that is a new letter. With --edit the payload is
replaced by a corrected one, for the same campaign.`,
		Example: `  staffetta dlq replay 17
  staffetta dlq replay 17 --yes
  staffetta dlq replay 17 --edit corrected.json --yes
  staffetta dlq ls --reason unknown_campaign --json | jq .id | xargs staffetta dlq replay`,
		Args: someIDs(0),
		RunE: func(cmd *cobra.Command, args []string) error {
			var ids []uint64
			for _, arg := range args {
				id, err := letterID(arg)
				if err != nil {
					return err
				}
				ids = append(ids, id)
			}
			if o.edit != "" && len(ids) > 1 {
				return usageError{errors.New("--edit corrects one letter: give one ID")}
			}
			if err := o.read(t); err != nil {
				return err
			}
			c, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer c.Close()
			return o.run(cmd.Context(), t, c, ids)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&o.yes, "yes", false, "publish it; otherwise it is only shown")
	f.StringVar(&o.edit, "edit", "", "file with the corrected payload in JSON; - is the standard input")
	f.BoolVar(&o.asJSON, "json", false, "a JSON object for each letter")
	addSettings(f, rows)
	return cmd
}

// replaying is a replay of some letters.
type replaying struct {
	yes, asJSON bool
	edit        string
	edited      []byte
}

func (o *replaying) read(t Terminal) (err error) {
	switch o.edit {
	case "":
	case "-":
		o.edited, err = io.ReadAll(t.In)
	default:
		o.edited, err = os.ReadFile(o.edit)
	}
	return err
}

// replayed is the outcome for one letter, for programs.
type replayed struct {
	ID        uint64          `json:"id"`
	Subject   string          `json:"subject,omitempty"`
	Key       string          `json:"key,omitempty"`
	Published bool            `json:"published"`
	Sequence  uint64          `json:"sequence,omitempty"` // of the replayed message, of this replay or an earlier one
	Before    *time.Time      `json:"replayed_before,omitempty"`
	Refused   string          `json:"refused,omitempty"` // why it is not published
	Note      string          `json:"note,omitempty"`
	Payload   json.RawMessage `json:"payload,omitempty"`
}

// run replays one letter after the other. If one cannot be replayed, it says so and
// goes on with the others.
func (o *replaying) run(ctx context.Context, t Terminal, c *client.Client, ids []uint64) error {
	failed := false
	for i, id := range ids {
		if i > 0 && !o.asJSON {
			fmt.Fprintln(t.Out)
		}
		r, err := o.one(ctx, c, id)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			r.Refused = strings.TrimPrefix(plain(noLetter(err, t)).Error(), fmt.Sprintf("dead letter %d: ", id))
		}
		failed = failed || r.Refused != ""
		if o.asJSON {
			err = printLine(t.Out, r)
		} else {
			err = o.print(t, r)
		}
		if err != nil {
			return err
		}
	}
	if failed {
		return exitError(exitWrong)
	}
	return nil
}

// one plans a replay, and carries it out if it is wanted and can have an effect.
func (o *replaying) one(ctx context.Context, c *client.Client, id uint64) (replayed, error) {
	plan, err := c.PlanReplay(ctx, id, o.edited)
	r := replayed{ID: id, Subject: plan.Subject, Note: plan.Note, Refused: plan.Again}
	if plan.Letter.Key != (campaign.Key{}) {
		r.Key = plan.Letter.Key.String()
	}
	if err != nil {
		return r, err
	}
	if plan.Before.Sequence != 0 {
		r.Sequence, r.Before, r.Refused = plan.Before.Sequence, &plan.Before.Stored, ""
		return r, nil
	}
	again := plan.Letter
	again.Data, again.Header = plan.Data, plan.Header
	r.Payload, _ = again.Payload() // a payload that cannot be read is refused
	if r.Refused != "" || !o.yes {
		return r, nil
	}
	placed, err := c.Replay(ctx, plan)
	r.Published, r.Sequence = err == nil, placed.Sequence
	return r, err
}

func (o *replaying) print(t Terminal, r replayed) error {
	var out strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	switch {
	case r.Before != nil:
		say("dead letter %d was replayed on %s: nothing is published again", r.ID, r.Before.Format("2006-01-02 15:04:05 MST"))
		if r.Key != "" {
			say("see what became of it with: %s why %s", t.Name, r.Key)
		}
	case r.Refused != "":
		say("dead letter %d is not replayed: %s", r.ID, r.Refused)
		say("see what can be done with: %s dlq show %d", t.Name, r.ID)
	case r.Published:
		say("dead letter %d: published again on %s", r.ID, r.Subject)
		say("see what becomes of it with: %s why %s", t.Name, r.Key)
	default:
		say("dead letter %d would be published again on %s:", r.ID, r.Subject)
		if err := printIndented(&out, r.Payload, "  "); err != nil {
			return err
		}
		if r.Note != "" {
			say("%s", r.Note)
		}
		say("nothing has been published: add --yes to do it")
	}
	_, err := io.WriteString(t.Out, out.String())
	return err
}
