package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/query"
)

// What people tell a campaign, and what becomes of it.

func newCancel(t Terminal) *cobra.Command {
	var by, reason string
	var unasked bool
	o := telling{verb: "cancel"}
	cmd := &cobra.Command{
		Use:   "cancel SOURCE.REQUEST-ID --by NAME",
		Short: "Say that a campaign must not be sent",
		Long: `Tell the service that a campaign must not be sent, and wait until it says what
became of that. What is being sent already cannot be stopped. If the order to
send was just on its way, the cancel is kept, and honoured if the gateway turns
out not to have carried out the order.

It ends with exit code 0 if the campaign is cancelled, 3 if it is not and will not
be, 4 if the cancel was put aside as a dead letter, and 1 if that is not known yet. With --wait 0 it does not look at the campaign at all, neither before
nor after, and needs no right to.`,
		Example: `  staffetta cancel shop-italia.black-friday-2026 --by anna --why "wrong price"`,
		Args:    oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.by, o.ask = by, "say who cancels it"
			o.publish = func(ctx context.Context, c *app.Client, key campaign.Key) (app.Placed, error) {
				return c.Cancel(ctx, key, by, reason)
			}
			o.before = func(ctx context.Context, c *app.Client, key campaign.Key, rec *campaign.Campaign) error {
				switch {
				case rec == nil && !unasked:
					return wasAsked(ctx, c, key, t.Name)
				case rec != nil && rec.State == campaign.Cancelled:
					return fmt.Errorf("%s is cancelled already, by %s", key, rec.Cancel.By)
				case rec != nil && rec.State.Final():
					return fmt.Errorf("%s has ended, it is %s: there is nothing left to cancel", key, rec.State)
				}
				return nil
			}
			o.became = cancelBecame
			return o.run(cmd, t, args[0])
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&by, "by", "", "who cancels it, for people; needed where NATS knows no name")
	f.StringVar(&reason, "why", "", "the reason, for the record")
	f.BoolVar(&unasked, "unasked", false, "although nobody has asked for it yet: its request, when it comes, is refused")
	o.flags(cmd)
	return cmd
}

// cancelBecame reads from the record what became of a cancel.
func cancelBecame(old, rec campaign.Campaign) result {
	c := rec.Cancel
	mine := c != nil && (old.Cancel == nil || !c.At.Equal(old.Cancel.At))
	switch {
	case rec.State == campaign.Cancelled:
		return result{Outcome: "cancelled", Words: "cancelled: nothing was sent", done: true, well: true}
	case mine && c.Refused != "":
		return result{Outcome: "refused", Words: "not cancelled: " + c.Refused, done: true}
	case rec.State.Final():
		return result{Outcome: "ended", Words: fmt.Sprintf("not cancelled: it has ended, it is %s", rec.State), done: true}
	case mine && rec.State == campaign.Confirming:
		return result{Outcome: "kept", Words: "kept: the order to send was already on its way; the campaign is cancelled if the gateway turns out not to have carried it out"}
	case mine:
		return result{Outcome: "under way", Words: "taken: what there is at the gateway is being removed"}
	}
	return result{}
}

func newResolve(t Terminal) *cobra.Command {
	var by, reason string
	var sent, notSent bool
	o := telling{verb: "resolve"}
	cmd := &cobra.Command{
		Use:   "resolve SOURCE.REQUEST-ID --sent|--not-sent --by NAME",
		Short: "Say what you saw at the gateway of an unresolved campaign",
		Long: `Of an unresolved campaign nobody can say whether it was sent. Look at it on the
gateway's own page, and say what you see. With --sent the service follows its
statistics to the end, as of any campaign. With --not-sent it is rejected; first
delete it at the gateway, so that it cannot be sent after all.

Your word goes into the record, with your name. It ends with exit code 0 once
the service has taken it.`,
		Example: `  staffetta resolve shop-italia.black-friday-2026 --sent --by anna --why "9,831 messages on the gateway's page"
  staffetta resolve shop-italia.black-friday-2026 --not-sent --by anna --why "deleted the draft there"`,
		Args: oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			if sent == notSent {
				return usageError{errors.New("say what you saw: either --sent or --not-sent")}
			}
			o.by, o.ask = by, "say who looked at the gateway"
			o.publish = func(ctx context.Context, c *app.Client, key campaign.Key) (app.Placed, error) {
				return c.Resolve(ctx, key, by, sent, reason)
			}
			o.before = func(_ context.Context, _ *app.Client, key campaign.Key, rec *campaign.Campaign) error {
				switch {
				case rec == nil:
					return fmt.Errorf("there is no campaign %s: %s ls --state unresolved lists those that wait for somebody's word", key, t.Name)
				case rec.Resolved != nil && rec.State != campaign.Unresolved:
					return fmt.Errorf("%s has been resolved already, by %s; it is %s", key, rec.Resolved.By, rec.State)
				case rec.State != campaign.Unresolved:
					return fmt.Errorf("%s is not unresolved, it is %s: nobody's word is needed", key, rec.State)
				case sent && rec.Draft == nil:
					return fmt.Errorf("nobody knows which number %s has at the gateway, so it cannot be followed: if the gateway has no [staffetta %[1]s], say --not-sent; if it has one, leave it as it is, it is not sent again", key)
				}
				return nil
			}
			o.became = resolveBecame
			return o.run(cmd, t, args[0])
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&sent, "sent", false, "it was sent, or is being sent")
	f.BoolVar(&notSent, "not-sent", false, "it was not sent, and cannot be any more")
	f.StringVar(&by, "by", "", "who looked, for people; needed where NATS knows no name")
	f.StringVar(&reason, "why", "", "what there was to see, for the record")
	o.flags(cmd)
	return cmd
}

// resolveBecame reads from the record what became of somebody's word.
func resolveBecame(_, rec campaign.Campaign) result {
	switch {
	case rec.Resolved == nil:
		return result{}
	case rec.Resolved.Sent:
		return result{Outcome: "taken", Words: fmt.Sprintf("taken: it counts as sent, and its statistics are followed (%s)", rec.State), done: true, well: true}
	}
	return result{Outcome: "taken", Words: fmt.Sprintf("taken: it counts as not sent, and has ended (%s); to send it, ask for it under a new request id", rec.State), done: true, well: true}
}

func newFollow(t Terminal) *cobra.Command {
	var by string
	o := telling{verb: "follow"}
	cmd := &cobra.Command{
		Use:   "follow SOURCE.REQUEST-ID --by NAME",
		Short: "Have a campaign followed again whose figures never added up",
		Long: `The statistics of a campaign are followed for 72 hours (poll.give_up). If they have
not added up by then, it ends unreconciled. Once the gateway has put them right,
have it followed again, as long once more: they are read at once, further
CampaignStats are published, and the campaign is completed if they add up.

Your name goes into the record. It ends with exit code 0 once the service has
read the statistics again.`,
		Example: `  staffetta follow shop-italia.black-friday-2026 --by anna`,
		Args:    oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.by, o.ask = by, "say who has it followed again"
			o.publish = func(ctx context.Context, c *app.Client, key campaign.Key) (app.Placed, error) {
				return c.FollowAgain(ctx, key, by)
			}
			o.before = func(_ context.Context, _ *app.Client, key campaign.Key, rec *campaign.Campaign) error {
				switch {
				case rec == nil:
					return fmt.Errorf("there is no campaign %s: %s ls --state unreconciled lists those whose figures never added up", key, t.Name)
				case rec.State != campaign.Unreconciled:
					return fmt.Errorf("%s is not unreconciled, it is %s: only one whose figures never added up can be followed again", key, rec.State)
				}
				return nil
			}
			o.became = followBecame
			return o.run(cmd, t, args[0])
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&by, "by", "", "who has it followed again, for people; needed where NATS knows no name")
	o.flags(cmd)
	return cmd
}

// followBecame reads from the record what became of somebody's wish that the
// statistics be followed again.
func followBecame(old, rec campaign.Campaign) result {
	switch mine := rec.Followed != nil && (old.Followed == nil || !rec.Followed.At.Equal(old.Followed.At)); {
	case !mine:
		return result{}
	case rec.State == campaign.Completed:
		return result{Outcome: "taken", Words: "taken: its figures add up now, and it is completed", done: true, well: true}
	}
	return result{Outcome: "taken", Words: fmt.Sprintf("taken: its statistics are followed again (%s)", rec.State), done: true, well: true}
}

// telling is a command on its way, and the wait for what becomes of it.
type telling struct {
	by      string // who tells it, for people
	ask     string // for that name, where NATS knows none; empty: it is asked for later
	verb    string
	wait    time.Duration
	asJSON  bool
	rows    []setting
	publish func(context.Context, *app.Client, campaign.Key) (app.Placed, error)
	// before says why it would be in vain; the record is nil if there is none.
	before func(context.Context, *app.Client, campaign.Key, *campaign.Campaign) error
	// became reads what became of it from the record before and now; the zero
	// result: nothing yet.
	became func(old, now campaign.Campaign) result
}

// result is what became of a command.
type result struct {
	Key      string         `json:"key"`
	Subject  string         `json:"subject"`
	Sequence uint64         `json:"sequence"`
	Outcome  string         `json:"outcome"`
	Words    string         `json:"words"`
	State    campaign.State `json:"state,omitempty"`

	done, well bool
}

func (o *telling) flags(cmd *cobra.Command) {
	o.rows = settingsOf("nats.")
	f := cmd.Flags()
	f.DurationVar(&o.wait, "wait", 30*time.Second, "how long to wait for what becomes of it; 0 does not wait")
	f.BoolVar(&o.asJSON, "json", false, "what became of it as a JSON object")
	addSettings(f, o.rows)
}

// named asks for a name where NATS knows none: it goes into the record, unproven.
func named(client *app.Client, by, ask string) error {
	if by != "" {
		return nil
	}
	if me, err := client.Me(); err == nil && me.Actor != "" {
		return nil
	}
	return usageError{fmt.Errorf("%s: --by NAME; it goes into the record", ask)}
}

func (o *telling) run(cmd *cobra.Command, t Terminal, name string) error {
	key, err := campaign.ParseKey(name)
	if err != nil {
		return usageError{err}
	}
	client, err := connect(cmd, t, o.rows)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx := cmd.Context()
	if o.ask != "" {
		if err := named(client, o.by, o.ask); err != nil {
			return err
		}
	}
	var old campaign.Campaign
	if o.wait > 0 {
		var known *campaign.Campaign
		switch old, err = client.Look(ctx, key); {
		case err == nil:
			known = &old
		case !errors.Is(err, app.ErrNoRecord):
			return fmt.Errorf("%w (with --wait 0 it is told without looking)", err)
		}
		if err := o.before(ctx, client, key, known); err != nil {
			return err
		}
	}
	placed, err := o.publish(ctx, client, key)
	if err != nil {
		return err
	}
	r := result{Outcome: "published", Words: "published; the service obeys as soon as it gets to it", well: true}
	if o.wait > 0 {
		if r, err = o.await(ctx, client, key, placed, old); err != nil {
			return err
		}
	}
	r.Key, r.Subject, r.Sequence = key.String(), placed.Subject, placed.Sequence
	if o.asJSON {
		err = printLine(t.Out, r)
	} else {
		_, err = fmt.Fprintf(t.Out, "%s: %s\n", key, r.Words)
		if err == nil && !r.done && o.wait > 0 {
			_, err = fmt.Fprintf(t.Out, "see what happens with: %s why %s\n", t.Name, key)
		}
	}
	if err == nil && !r.well {
		switch {
		case r.Outcome == putAsideOutcome:
			return exitError(exitAside)
		case r.Outcome == "unresolved":
			return exitError(exitUnknown)
		case r.done:
			return exitError(exitNot)
		}
		return exitError(exitWrong)
	}
	return err
}

const putAsideOutcome = "put aside"

// await looks at the record until it says what became of the command, or the
// command is put aside, or time is up.
func (o *telling) await(ctx context.Context, c *app.Client, key campaign.Key, placed app.Placed, old campaign.Campaign) (result, error) {
	look, limit := time.NewTicker(100*time.Millisecond), time.After(o.wait)
	defer look.Stop()
	var r result
	for n := 1; ; n++ {
		rec, err := c.Look(ctx, key)
		if err != nil && !errors.Is(err, app.ErrNoRecord) {
			return r, err
		}
		if err == nil {
			if r = o.became(old, rec); r.done {
				r.State = rec.State
				return r, nil
			}
		}
		if n%10 == 0 { // it is rare, and one more read
			l, aside, err := c.LetterOf(ctx, key, placed)
			if err != nil {
				return r, err
			}
			if aside {
				return result{Outcome: putAsideOutcome, Words: fmt.Sprintf("put aside as dead letter %d: %s", l.ID, l.Note), State: rec.State, done: true}, nil
			}
		}
		select {
		case <-ctx.Done():
			return r, ctx.Err()
		case <-look.C:
		case <-limit:
			r.State = rec.State
			if r.Outcome == "" {
				r.Outcome, r.Words = "published", fmt.Sprintf("published, and nothing has come of it within %s: is the service running? It obeys as soon as it gets to it, within seven days", shortDuration(o.wait))
			}
			return r, nil
		}
	}
}

// wasAsked says that there is no such campaign, unless somebody has asked for
// it and the service has not begun.
func wasAsked(ctx context.Context, c *app.Client, key campaign.Key, name string) error {
	story, err := c.Reader().Why(ctx, query.WhyAsk{Key: key.String()})
	switch {
	case err != nil || story.Asked:
		return err
	case len(story.Missing) > 0:
		return fmt.Errorf("whether somebody has asked for %s cannot be read: %s", key, strings.Join(story.Missing, "; "))
	}
	return fmt.Errorf("nobody has asked for %s: %s ls --source %s lists what there is; to cancel it before it is asked for, add --unasked", key, name, key.Source)
}
