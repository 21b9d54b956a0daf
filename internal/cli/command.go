package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/why"
)

// Commands of people to a campaign, and their outcome.

func newCancel(t Terminal) *cobra.Command {
	var by, reason string
	var unasked bool
	o := commandRun{verb: "cancel"}
	cmd := &cobra.Command{
		Use:   "cancel SOURCE.REQUEST-ID --by NAME",
		Short: "Say that a campaign must not be sent",
		Long: `Tell the service that a campaign must not be sent, and wait for the outcome. A
campaign that is being sent cannot be stopped. If the order to send was already on
its way, the cancel is kept. It takes effect if the gateway turns out not to have
carried out the order.

It ends with exit code 0 if the campaign is cancelled, 3 if it is not and will not
be, 4 if the cancel was put aside as a dead letter, and 1 if that is not known yet.
With --wait 0 it does not read the campaign at all, neither before nor after, and
needs no right to.`,
		Example: `  staffetta cancel shop-italia.black-friday-2026 --by anna --why "wrong price"`,
		Args:    oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.by, o.ask = by, "say who cancels it"
			o.publish = func(ctx context.Context, c *client.Client, key campaign.Key) (client.Placed, error) {
				return c.Cancel(ctx, key, by, reason)
			}
			o.before = func(ctx context.Context, c *client.Client, key campaign.Key, rec *campaign.Campaign) error {
				switch {
				case rec == nil && !unasked:
					return explainNoRecord(ctx, c, key, t.Name)
				case rec != nil && rec.State == campaign.Cancelled:
					return fmt.Errorf("%s is cancelled already, by %s", key, rec.Cancel.By)
				case rec != nil && rec.State.Final():
					return fmt.Errorf("%s has ended, it is %s: there is nothing left to cancel", key, rec.State)
				}
				return nil
			}
			o.outcome = func(old, rec campaign.Campaign) result { return resultOf(why.Cancelled(old, rec)) }
			return o.run(cmd, t, args[0])
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&by, "by", "", "who cancels it, for people; needed where NATS knows no name")
	f.StringVar(&reason, "why", "", "the reason, for the record")
	f.BoolVar(&unasked, "unasked", false, "cancel it before it is requested; a later request is refused")
	o.flags(cmd)
	return cmd
}

func newResolve(t Terminal) *cobra.Command {
	var by, reason string
	var sent, notSent bool
	o := commandRun{verb: "resolve"}
	cmd := &cobra.Command{
		Use:   "resolve SOURCE.REQUEST-ID --sent|--not-sent --by NAME",
		Short: "Say whether an unresolved campaign was sent",
		Long: `It is not known whether an unresolved campaign was sent. Look at it on the gateway's
own page, and say what you see. With --sent the service follows its statistics to
the end, as for any campaign. With --not-sent the campaign is rejected; first delete
it at the gateway, so that it cannot be sent after all.

What you say goes into the record, with your name. It ends with exit code 0 once the
service has recorded it.`,
		Example: `  staffetta resolve shop-italia.black-friday-2026 --sent --by anna --why "9,831 messages on the gateway's page"
  staffetta resolve shop-italia.black-friday-2026 --not-sent --by anna --why "deleted the draft there"`,
		Args: oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			if sent == notSent {
				return usageError{errors.New("say what you saw: either --sent or --not-sent")}
			}
			o.by, o.ask = by, "say who looked at the gateway"
			o.publish = func(ctx context.Context, c *client.Client, key campaign.Key) (client.Placed, error) {
				return c.Resolve(ctx, key, by, sent, reason)
			}
			o.before = func(ctx context.Context, c *client.Client, key campaign.Key, rec *campaign.Campaign) error {
				switch {
				case rec == nil:
					return noCampaign(ctx, t, c, key, " --state unresolved lists those that can be resolved")
				case rec.Resolved != nil && rec.State != campaign.Unresolved:
					return fmt.Errorf("%s has been resolved already, by %s; it is %s", key, rec.Resolved.By, rec.State)
				case rec.State != campaign.Unresolved:
					return fmt.Errorf("%s is not unresolved, it is %s: nobody's word is needed", key, rec.State)
				case sent && rec.Draft == nil:
					return fmt.Errorf("the number of %s at the gateway is not known, so it cannot be followed: if the gateway has no [staffetta %[1]s], say --not-sent; if it has one, leave it as it is, it is not sent again", key)
				}
				return nil
			}
			o.outcome = func(_, rec campaign.Campaign) result { return resultOf(why.Resolved(rec)) }
			return o.run(cmd, t, args[0])
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&sent, "sent", false, "it was sent, or is being sent")
	f.BoolVar(&notSent, "not-sent", false, "it was not sent, and can no longer be sent")
	f.StringVar(&by, "by", "", "who looked, for people; needed where NATS knows no name")
	f.StringVar(&reason, "why", "", "what you saw, for the record")
	o.flags(cmd)
	return cmd
}

func newFollow(t Terminal) *cobra.Command {
	var by string
	o := commandRun{verb: "follow"}
	cmd := &cobra.Command{
		Use:   "follow SOURCE.REQUEST-ID --by NAME",
		Short: "Follow a campaign again whose figures never added up",
		Long: `The statistics of a campaign are followed for 72 hours (poll.give_up). If they have
not added up by then, the campaign ends as unreconciled. Once the gateway has
corrected them, have the campaign followed again, for as long as before. The
statistics are read at once, further CampaignStats are published, and the campaign
is completed if they add up.

Your name goes into the record. It ends with exit code 0 once the service has
read the statistics again.`,
		Example: `  staffetta follow shop-italia.black-friday-2026 --by anna`,
		Args:    oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.by, o.ask = by, "say who has it followed again"
			o.publish = func(ctx context.Context, c *client.Client, key campaign.Key) (client.Placed, error) {
				return c.FollowAgain(ctx, key, by)
			}
			o.before = func(ctx context.Context, c *client.Client, key campaign.Key, rec *campaign.Campaign) error {
				switch {
				case rec == nil:
					return noCampaign(ctx, t, c, key, " --state unreconciled lists those whose figures never added up")
				case rec.State != campaign.Unreconciled:
					return fmt.Errorf("%s is not unreconciled, it is %s: only one whose figures never added up can be followed again", key, rec.State)
				}
				return nil
			}
			o.outcome = func(old, rec campaign.Campaign) result { return resultOf(why.FollowedAgain(old, rec)) }
			return o.run(cmd, t, args[0])
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&by, "by", "", "who has it followed again, for people; needed where NATS knows no name")
	o.flags(cmd)
	return cmd
}

// commandRun is a command on its way, and the wait for its outcome.
type commandRun struct {
	by      string // the person's name
	ask     string // the question for that name, if NATS knows none; empty: it is asked for later
	verb    string
	wait    time.Duration
	asJSON  bool
	rows    []setting
	publish func(context.Context, *client.Client, campaign.Key) (client.Placed, error)
	// before says why the command would have no effect; the record is nil if there is
	// none.
	before func(context.Context, *client.Client, campaign.Key, *campaign.Campaign) error
	// outcome reads the outcome from the record before and now; the zero result: none
	// yet.
	outcome func(old, now campaign.Campaign) result
}

// result is the outcome of a command.
type result struct {
	Key      string         `json:"key"`
	Subject  string         `json:"subject"`
	Sequence uint64         `json:"sequence"`
	Outcome  string         `json:"outcome"`
	Words    string         `json:"words"`
	State    campaign.State `json:"state,omitempty"`

	done, well bool
}

// resultOf is what became of a command.
func resultOf(b why.Became) result {
	return result{Outcome: b.Outcome, Words: b.Words, done: b.Done, well: b.Well}
}

func (o *commandRun) flags(cmd *cobra.Command) {
	o.rows = settingsOf("nats.")
	f := cmd.Flags()
	f.DurationVar(&o.wait, "wait", 30*time.Second, "how long to wait for the outcome; 0 does not wait")
	f.BoolVar(&o.asJSON, "json", false, "the outcome as a JSON object")
	addSettings(f, o.rows)
}

// requireName asks for a name if NATS knows none: it goes into the record, unproven.
func requireName(c *client.Client, by, ask string) error {
	if by != "" {
		return nil
	}
	if me, err := c.Me(); err == nil && me.Actor != "" {
		return nil
	}
	return usageError{fmt.Errorf("%s: --by NAME; it goes into the record", ask)}
}

func (o *commandRun) run(cmd *cobra.Command, t Terminal, name string) error {
	key, err := campaign.ParseKey(name)
	if err != nil {
		return usageError{err}
	}
	c, err := connect(cmd, t, o.rows)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx := cmd.Context()
	if o.ask != "" {
		if err := requireName(c, o.by, o.ask); err != nil {
			return err
		}
	}
	var old campaign.Campaign
	if o.wait > 0 {
		var known *campaign.Campaign
		switch old, err = c.Look(ctx, key); {
		case err == nil:
			known = &old
		case !errors.Is(err, client.ErrNoRecord):
			return fmt.Errorf("%w (with --wait 0 the command is sent without looking)", err)
		}
		if err := o.before(ctx, c, key, known); err != nil {
			return err
		}
	}
	placed, err := o.publish(ctx, c, key)
	if err != nil {
		return err
	}
	r := result{Outcome: "published", Words: "published; the service obeys as soon as it gets to it", well: true}
	if o.wait > 0 {
		if r, err = o.await(ctx, c, key, placed, old); err != nil {
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
		case r.done && uncertain(r.State):
			return exitError(exitUnknown)
		case r.done:
			return exitError(exitNot)
		}
		return exitError(exitWrong)
	}
	return err
}

// uncertain says that it is not known whether, or how much of it, a campaign was sent.
// That must not look as if it was not sent.
func uncertain(s campaign.State) bool {
	return s == campaign.Unresolved || s == campaign.Unreconciled || s == campaign.Failed
}

const putAsideOutcome = "put aside"

// await looks at the record until it shows the outcome, or until the command is put
// aside, or until time is up.
func (o *commandRun) await(ctx context.Context, c *client.Client, key campaign.Key, placed client.Placed, old campaign.Campaign) (result, error) {
	look, limit := time.NewTicker(100*time.Millisecond), time.After(o.wait)
	defer look.Stop()
	var r result
	for n := 1; ; n++ {
		rec, err := c.Look(ctx, key)
		if err != nil && !errors.Is(err, client.ErrNoRecord) {
			return r, err
		}
		if err == nil {
			if r = o.outcome(old, rec); r.done {
				r.State = rec.State
				return r, nil
			}
		}
		if n%10 == 0 { // this is rare, and costs one more read
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

// explainNoRecord says that there is no such campaign, or that it was requested and the
// service has not begun with it.
func explainNoRecord(ctx context.Context, c *client.Client, key campaign.Key, name string) error {
	story, err := c.Reader().Why(ctx, query.WhyAsk{Key: key.String()})
	switch {
	case err != nil || story.Asked:
		return err
	case len(story.Missing) > 0:
		return fmt.Errorf("whether somebody has asked for %s cannot be read: %s", key, strings.Join(story.Missing, "; "))
	}
	return fmt.Errorf("nobody has asked for %s%s %s ls --source %s lists what there is; to cancel it before it is asked for, add --unasked", key, cmp.Or(meantKey(ctx, c, key), ":"), name, key.Source)
}
