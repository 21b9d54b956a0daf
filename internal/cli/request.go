package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"buf.build/go/protovalidate"
	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// exampleRequest is what `request --example` and `dev` print.
const exampleRequest = `{
  "source": "shop-italia",
  "requestId": "black-friday-2026",
  "name": "Black Friday 2026",
  "sender": "ShopItalia",
  "text": "Black Friday! Ciao {{firstName}}, -30% con il tuo codice {{code}}.",
  "contactListId": 87,
  "immediately": true
}
`

func newRequest(t Terminal) *cobra.Command {
	var file, source, id, trace string
	var wait, example bool
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "request -f FILE",
		Short: "Ask for a campaign",
		Long: `Publish a CampaignRequested, read from a file in JSON (- is the standard input).
It is checked before it is published; what is wrong is named with its field.

Asking twice is harmless: source and request id name the campaign for ever, and
a campaign is sent once. What is known already is not published again; with other
content under a known name it ends with 1 and says which fields differ, if this
user may read the records. With --wait it follows the campaign, prints its events,
and says with its exit code how it ended: 0 it was sent, 3 it was not, 4 the request
was put aside as a dead letter, 5 nobody can say. With 1 this command failed or was
interrupted: the campaign goes on. A source's own user, who may listen to its events
and not read their stream, is told what happens from when it asks.`,
		Example: `  staffetta request --example > campaign.json
  staffetta request -f campaign.json --id black-friday-2026 --wait`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if example {
				_, err := io.WriteString(t.Out, exampleRequest)
				return err
			}
			m, err := readRequest(t, file)
			if err != nil {
				return err
			}
			if source != "" {
				m.Source = source
			}
			if id != "" {
				m.RequestId = id
			}
			if err := valid(m); err != nil {
				return err
			}
			carried := app.Traceparent(trace) // of the environment it may mean something else
			if carried == "" && trace != "" && cmd.Flags().Changed("traceparent") {
				return usageError{fmt.Errorf("--traceparent %q is no W3C trace context: want 00-<32 hexadecimal digits>-<16>-<2>, in lower case, neither id all zeros", trace)}
			}
			client, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer client.Close()
			return ask(cmd.Context(), t, client, m, carried, "already asked for", wait)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&file, "file", "f", "", "the request in JSON; - reads the standard input")
	f.StringVar(&source, "source", "", "who asks, instead of the file's source")
	f.StringVar(&id, "id", "", "request id, instead of the file's requestId")
	f.BoolVar(&wait, "wait", false, "follow the campaign to its end; the exit code says how it ended")
	f.StringVar(&trace, "traceparent", lookup(t.Env, "TRACEPARENT"), "W3C trace context that every event of the campaign carries")
	f.BoolVar(&example, "example", false, "print a request to begin with, and end")
	addSettings(f, rows)
	return cmd
}

// ask publishes a request that is not known already, and follows its campaign if
// that is wanted. The words are what is said of one that is known.
func ask(ctx context.Context, t Terminal, client *app.Client, m *campaignv1.CampaignRequested, trace, already string, wait bool) error {
	key := campaign.Key{Source: m.Source, RequestID: m.RequestId}
	state, err := known(ctx, t, client, m)
	if err != nil {
		return err
	}
	var feed *app.Feed
	if wait { // from before it is published, for who hears only what happens from now on
		if feed, err = followOne(ctx, t, client, key); err != nil {
			return err
		}
		defer feed.Stop()
	}
	var placed app.Placed
	if state != "" {
		fmt.Fprintf(t.Out, "%s: %s is %s; nothing is published\n", already, key, state)
	} else {
		if placed, err = client.Request(ctx, m, trace); err != nil {
			return err
		}
		fmt.Fprintf(t.Out, "published %s\n", placed.Subject)
	}
	if !wait {
		fmt.Fprintf(t.Out, "follow it with: %s watch %s\n", t.Name, key)
		return nil
	}
	return waitFor(ctx, t, client, feed, key, placed)
}

// lookWithin bounds the look at the record before something is published: a
// user who may not read it is answered nothing at all.
const lookWithin = time.Second

// known is the state of a campaign that was asked for before, with the same
// content; empty: not that anybody could see. With other content it is an error,
// which the service would only tell in a dead letter.
func known(ctx context.Context, t Terminal, c *app.Client, m *campaignv1.CampaignRequested) (campaign.State, error) {
	look, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	rec, differs, err := c.Known(look, m)
	const anew = "give it a new request id with --id"
	switch {
	case err != nil:
		return "", ctx.Err()
	case rec.Asked.IsZero() && rec.State == campaign.Cancelled && rec.Cancel != nil:
		return "", fmt.Errorf("%s was cancelled by %s before it was asked for. To send it after all, %s", rec.Key, rec.Cancel.By, anew)
	case len(differs) > 0:
		return "", fmt.Errorf("%s was already asked for, with other content (%s); the first request stands, and is %s: %s show %s. To send this one too, %s",
			rec.Key, strings.Join(differs, ", "), rec.State, t.Name, rec.Key, anew)
	}
	return rec.State, nil
}

// readRequest reads a request. A field that the contract does not have is a
// mistake, not an extension: it would be believed to have an effect.
func readRequest(t Terminal, file string) (*campaignv1.CampaignRequested, error) {
	var data []byte
	var err error
	switch file {
	case "":
		return nil, usageError{errors.New("no file: give one with -f, or - for the standard input; --example prints one to begin with")}
	case "-":
		file = "standard input"
		data, err = io.ReadAll(t.In)
	default:
		data, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, err
	}
	var m campaignv1.CampaignRequested
	if err := app.ReadRequest(data, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return &m, nil
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
	for _, f := range app.Faults(broken) {
		wrong = append(wrong, &f)
	}
	return errors.Join(wrong...)
}

// connect connects as the command's settings say.
func connect(cmd *cobra.Command, t Terminal, rows []setting) (*app.Client, error) {
	r, err := resolve(cmd.Flags(), t.Env, rows)
	if err != nil {
		return nil, err
	}
	for _, note := range r.notes {
		fmt.Fprintf(t.Err, "staffetta: %s\n", note)
	}
	return app.NewClient(r.NATS)
}

// followOne begins to follow a campaign, and says what cannot be seen.
func followOne(ctx context.Context, t Terminal, c *app.Client, key campaign.Key) (*app.Feed, error) {
	feed, err := c.Follow(ctx, app.WatchOptions{Key: key})
	if err == nil {
		sayLive(t, feed)
	}
	return feed, err
}

// sayLive says what somebody misses who may not read the stream of the events.
func sayLive(t Terminal, feed *app.Feed) {
	if feed.Live != nil {
		fmt.Fprintf(t.Err, "staffetta: this user may only listen to what happens from now on; what was before is not shown, nor what happens while NATS cannot be reached (%v)\n", feed.Live)
	}
}

// waitFor prints the campaign's events until it ends or its request is put
// aside; the error says that it did not end well.
func waitFor(ctx context.Context, t Terminal, c *app.Client, feed *app.Feed, key campaign.Key, placed app.Placed) error {
	began := time.Now()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	aside := make(chan app.Letter, 1)
	published := placed.Sequence != 0 // what was not cannot be put aside
	go func() {
		if !published {
			return
		}
		l, err := c.AwaitLetter(ctx, key, placed)
		switch {
		case err == nil:
			aside <- l
			stop() // no event will come of it
		case ctx.Err() == nil:
			fmt.Fprintf(t.Err, "staffetta: if the request cannot be acted on, this command is not told: %v\n", err)
		}
	}()
	code, older := exitError(exitWrong), false
	err := follow(ctx, feed, key, func(e app.Event) {
		printEvent(t, e)
		if ended, _ := outcome(e); ended {
			older = published && e.Stored.Before(began)
			code = exitOf(e)
		}
	})
	patience := time.Duration(0)
	if older {
		// That campaign had ended before it was asked for here. Whether it is the
		// same one, the service says in a moment.
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

// putAside says that nothing will come of a request, and why.
func putAside(t Terminal, l app.Letter) error {
	fields := ""
	if len(l.Fields) > 0 {
		fields = " (" + strings.Join(l.Fields, ", ") + ")"
	}
	fmt.Fprintf(t.Out, "put aside as dead letter %d: %s%s: %s\nlook at it with: %s dlq show %d\n", l.ID, l.Reason, fields, l.Note, t.Name, l.ID)
	return exitError(exitAside)
}
