package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"buf.build/go/protovalidate"
	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/query"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

func newRequest(t Terminal) *cobra.Command {
	var file, source, id, trace, list string
	var wait, unchecked, example, all, dry bool
	var zone zoneFlag
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "request -f FILE",
		Short: "Ask for a campaign",
		Long: `Publish a CampaignRequested, read from a file in JSON or YAML (- is the standard
input). It is checked before it is published, as "check" does it, and is not published
if it would not be sent; an error names the field at fault. With --no-check only the
contract is. Beside what the contract takes, a file may say 1h, 300 EUR, ask, or
tomorrow 08:00 Europe/Rome; staffetta explain request says what each field means.

With --recipients the people are in a file of their own: CSV with a header, as
spreadsheets write it. One column is the number (phoneNumber, phone, telefono, cellulare …),
the others are the fields of the text. First it says what would be sent: who is given, who
gets a message, and who does not, with the line and why. Then the list is laid down in
chunks, and the request published. With --dry-run nothing is.

To ask twice is harmless: source and request id name the campaign for ever, and a
campaign is sent once. A request that is known already is not published again. If it
has other content under a known name, the command ends with 1 and says which fields
differ, if this user may read the records. With --wait it follows the campaign,
prints its events, and says with its exit code how it ended: 0 it was sent, 3 it was
not, 4 the request was put aside as a dead letter, 5 it is not known. With 1 this
command failed or was interrupted: the campaign goes on. A request that would not be
sent is not published (3), nor is one that is not understood (2).`,
		Example: `  staffetta request --example > campaign.json
  staffetta request --example --all > campaign.yaml
  staffetta request -f campaign.json --id black-friday-2026 --wait
  staffetta request -f campaign.json --recipients customers.csv --dry-run`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if example || all {
				return printExample(t, all)
			}
			t, err := zone.of(t)
			if err != nil {
				return err
			}
			m, err := readRequestAs(t, file, source, id)
			if err != nil {
				return err
			}
			var people *recipients
			switch {
			case list != "":
				if people, err = withRecipients(t, m, list); err != nil {
					return err
				}
			case dry:
				return usageError{errors.New("--dry-run is for --recipients; without a list of one's own, ask: staffetta check")}
			}
			if err := valid(m); err != nil {
				return usageError{err}
			}
			if dry {
				fmt.Fprintln(t.Out, "nothing is published")
				return nil
			}
			carried := contract.Traceparent(trace) // from the environment, where it may mean something else
			if carried == "" && trace != "" && cmd.Flags().Changed("traceparent") {
				return usageError{fmt.Errorf("--traceparent %q is no W3C trace context: want 00-<32 hexadecimal digits>-<16>-<2>, in lower case, neither id all zeros", trace)}
			}
			c, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer c.Close()
			return ask(cmd.Context(), t, c, m, carried, "already asked for", wait, !unchecked, people)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&file, "file", "f", "", "the request in JSON or YAML; - reads the standard input")
	f.StringVar(&source, "source", "", "the source that asks, instead of the one in the file")
	f.StringVar(&id, "id", "", "request id, instead of the file's requestId")
	f.StringVar(&list, "recipients", "", "a file of the people it is sent to, in CSV with a header")
	f.BoolVar(&dry, "dry-run", false, "with --recipients, say what would be sent, and end")
	f.BoolVar(&wait, "wait", false, "follow the campaign to its end; the exit code says how it ended")
	f.BoolVar(&unchecked, "no-check", false, "publish it without asking what would become of it")
	zone.add(f)
	f.StringVar(&trace, "traceparent", lookup(t.Env, "TRACEPARENT"), "W3C trace context that every event of the campaign carries")
	f.BoolVar(&example, "example", false, "print a request to begin with, and end")
	f.BoolVar(&all, "all", false, "with --example, every field, in YAML, with what it means")
	addSettings(f, rows)
	return cmd
}

// ask publishes a request that is not known already and, if it is to be checked, that
// would be sent, and follows its campaign if that is wanted. Its recipients, if they are in
// a file, are laid down before. It prints words if the request is known.
func ask(ctx context.Context, t Terminal, c *client.Client, m *campaignv1.CampaignRequested, trace, already string, wait, checked bool, people *recipients) error {
	key := campaign.Key{Source: m.Source, RequestID: m.RequestId}
	state, err := stateIfKnown(ctx, t, c, m)
	if err != nil {
		return err
	}
	if checked && state == "" {
		answer, err := checkRequest(ctx, t, c, m, false)
		if err != nil {
			return err
		}
		if err := refusal(t, answer); err != nil {
			return notError{fmt.Errorf("%w\nnothing is published, and the request id %s is still free", err, m.RequestId)}
		}
	}
	var feed *client.Feed
	if wait { // before it is published, for a user that only gets events from now on
		if feed, err = followOne(ctx, t, c, key); err != nil {
			return err
		}
		defer feed.Stop()
	}
	var placed client.Placed
	if state != "" {
		fmt.Fprintf(t.Out, "%s: %s is %s; nothing is published\n", already, key, state)
	} else {
		// Chunks without a request end by themselves; a request without its chunks waits for
		// them, and is rejected.
		if people != nil {
			if err := people.layDown(ctx, t, c, m.Source); err != nil {
				return err
			}
		}
		if placed, err = c.Request(ctx, m, trace); err != nil {
			return err
		}
		fmt.Fprintf(t.Out, "published %s\n", placed.Subject)
	}
	if !wait {
		fmt.Fprintf(t.Out, "follow it with: %s watch %s\n", t.Name, key)
		return nil
	}
	return waitFor(ctx, t, c, feed, key, placed)
}

// lookWithin limits the read of the record before something is published: a user
// without the right to read it gets no answer at all.
const lookWithin = time.Second

// stateIfKnown is the state of a campaign that was requested before, with the same
// content; empty: it was not, as far as this user can see. With other content it is an
// error, which the service would only report as a dead letter.
func stateIfKnown(ctx context.Context, t Terminal, c *client.Client, m *campaignv1.CampaignRequested) (campaign.State, error) {
	look, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	rec, differs, err := c.Known(look, m)
	const anew = "give it a new request id with --id"
	switch {
	case err != nil:
		return "", ctx.Err()
	case rec.RequestedAt.IsZero() && rec.State == campaign.Cancelled && rec.Cancel != nil:
		return "", notError{fmt.Errorf("%s was cancelled by %s before it was asked for. To send it after all, %s", rec.Key, rec.Cancel.By, anew)}
	case len(differs) > 0:
		return "", notError{fmt.Errorf("%s was already asked for, with other content (%s); the first request stands, and is %s: %s show %s. To send this one too, %s",
			rec.Key, strings.Join(differs, ", "), rec.State, t.Name, rec.Key, anew)}
	}
	return rec.State, nil
}

// valid says which fields break a rule of the contract, one a line.
func valid(m *campaignv1.CampaignRequested) error {
	err := protovalidate.Validate(m)
	var broken *protovalidate.ValidationError
	if !errors.As(err, &broken) {
		return err
	}
	// In the order of the contract; what belongs to no single field comes last.
	number := func(v *protovalidate.Violation) int32 {
		path := v.Proto.GetField().GetElements()
		if len(path) == 0 || path[0].GetFieldNumber() == 0 {
			return math.MaxInt32
		}
		return path[0].GetFieldNumber()
	}
	slices.SortStableFunc(broken.Violations, func(a, b *protovalidate.Violation) int { return cmp.Compare(number(a), number(b)) })
	var wrong []error
	for _, f := range contract.Faults(broken) {
		wrong = append(wrong, &f)
	}
	return errors.Join(wrong...)
}

// connect connects as the command's settings say.
func connect(cmd *cobra.Command, t Terminal, rows []setting) (*client.Client, error) {
	r, err := resolve(cmd.Flags(), t.Env, rows)
	if err != nil {
		return nil, err
	}
	for _, note := range r.notes {
		fmt.Fprintf(t.Err, "staffetta: %s\n", note)
	}
	return r.NATS.Client()
}

// followOne begins to follow a campaign, and says what this user cannot see.
func followOne(ctx context.Context, t Terminal, c *client.Client, key campaign.Key) (*client.Feed, error) {
	feed, err := c.Follow(ctx, client.WatchOptions{Key: key})
	if err == nil {
		explainNoStream(t, feed)
	}
	return feed, err
}

// explainNoStream says what a user misses without the right to read the stream of the
// events.
func explainNoStream(t Terminal, feed *client.Feed) {
	switch {
	case feed.Unread != nil:
		fmt.Fprintf(t.Err, "staffetta: this user may only listen to what happens from now on; what was before is not shown, nor what happens while NATS cannot be reached (%v)\n", feed.Unread)
	case feed.Live != nil:
		fmt.Fprintf(t.Err, "staffetta: this user may only listen to what happens from now on; what happens while NATS cannot be reached is not shown (%v)\n", feed.Live)
	}
}

// waitFor prints the campaign's events until it ends or its request is put
// aside; the error says that it did not end well.
func waitFor(ctx context.Context, t Terminal, c *client.Client, feed *client.Feed, key campaign.Key, placed client.Placed) error {
	began := time.Now()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	aside := make(chan query.Letter, 1)
	published := placed.Sequence != 0 // a message that was not published cannot be put aside
	go func() {
		if !published {
			return
		}
		l, err := c.AwaitLetter(ctx, key, placed)
		switch {
		case err == nil:
			aside <- l
			stop() // no event will follow
		case ctx.Err() == nil:
			fmt.Fprintf(t.Err, "staffetta: if the request cannot be acted on, this command is not told: %v\n", err)
		}
	}()
	code, older := exitError(exitWrong), false
	shown := live{t: t}
	err := follow(ctx, feed, key, func(e contract.StoredEvent) {
		//lint:ignore errcheck who closed the terminal is still owed the exit code
		shown.event(e)
		if ended, _ := outcome(e); ended {
			older = published && e.Stored.Before(began)
			code = exitOf(e)
		}
	})
	patience := time.Duration(0)
	if older {
		// The campaign had ended before this request. In a moment the service says
		// whether the request is the same one.
		patience = 2 * time.Second
	}
	select {
	case l := <-aside:
		return putAside(t, l)
	default:
	}
	select {
	case l := <-aside:
		return putAside(t, l)
	case <-time.After(patience):
	}
	if err != nil || code == exitOK {
		return err
	}
	return code
}

// putAside says that a request has no effect, and why.
func putAside(t Terminal, l query.Letter) error {
	fields := ""
	if len(l.Fields) > 0 {
		fields = " (" + strings.Join(l.Fields, ", ") + ")"
	}
	fmt.Fprintf(t.Out, "put aside as dead letter %d: %s%s: %s\nlook at it with: %s dlq show %d\n", l.ID, l.Reason, fields, l.Note, t.Name, l.ID)
	return exitError(exitAside)
}
