package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/calendar"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/query"
)

const (
	// completeWithin is how long a shell waits for words to complete with. Who may not
	// read them, or has no server there, gets none.
	completeWithin = 300 * time.Millisecond
	// completedAtMost is how many words are offered.
	completedAtMost = 100
)

// wordSource is where the words come from that complete what is typed. The arguments
// before it are in args.
type wordSource func(ctx context.Context, c *client.Client, args []string, typed string) ([]string, error)

// completed are the arguments of commands that are completed from the streams, by the
// command's path without the program.
var completed = map[string]wordSource{
	"why": keys(), "show": keys(), "watch": keys(), "cancel": keys("open"), "proof": keys("quoted"), "approve": keys("quoted"), "decline": keys("quoted"),
	"resolve": keys("unresolved"), "follow": keys("unreconciled"), "forget": keys("ended"), "promote": keys("completed"),
	"schedule show": schedules, "schedule next": schedules, "schedule pause": schedules, "schedule resume": schedules, "schedule rm": schedules,
	"audience show": audiences, "audience ls": sources,
	"schedule ls": sources, "budget show": sources, "budget history": sources, "budget set": sources, "budget rm": sources,
	"dlq show": letters, "dlq replay": letters,
}

// completeWords gives each command of the tree its completions.
func completeWords(t Terminal, root *cobra.Command) {
	for _, cmd := range allCommands(root) {
		path := strings.TrimPrefix(cmd.CommandPath(), root.Name()+" ")
		switch from, known := completed[path]; {
		case known:
			cmd.ValidArgsFunction = fromStreams(t, from)
		case cmd.Args != nil && cmd.ValidArgsFunction == nil && !takesFiles[path]:
			cmd.ValidArgsFunction = cobra.NoFileCompletions
		}
		for flag, from := range map[string]wordSource{"source": sources, "quote": quotes} {
			if cmd.Flags().Lookup(flag) != nil {
				must(cmd.RegisterFlagCompletionFunc(flag, fromStreams(t, from)))
			}
		}
		reasons := query.Reasons()
		if strings.HasPrefix(path, "dlq ") {
			reasons = strings.Split(joined(deadletter.Reasons()), ", ")
		}
		for flag, words := range map[string][]string{
			"state": query.States(), "reason": reasons, "sort": sortNames(), "zone": append([]string{"local"}, calendar.Zones()...),
		} {
			if cmd.Flags().Lookup(flag) != nil {
				must(cmd.RegisterFlagCompletionFunc(flag, oneOf(words)))
			}
		}
	}
}

// takesFiles are the commands whose arguments are files, or free text.
var takesFiles = map[string]bool{"access print": true, "access certs": true, "man": true, "completion": true, "audience publish": true}

// allCommands are a command and all below it.
func allCommands(cmd *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{cmd}
	for _, below := range cmd.Commands() {
		all = append(all, allCommands(below)...)
	}
	return all
}

func must(err error) {
	if err != nil {
		panic(err) // a flag that is not there, or is completed twice: every run shows it
	}
}

// oneOf completes with one of these words, behind a comma too.
func oneOf(words []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		before, last := "", typed
		if at := strings.LastIndex(typed, ","); at >= 0 {
			before, last = typed[:at+1], typed[at+1:]
		}
		var fit []cobra.Completion
		for _, word := range words {
			if strings.HasPrefix(word, last) {
				fit = append(fit, before+word)
			}
		}
		return fit, cobra.ShellCompDirectiveNoFileComp
	}
}

// fromStreams completes with words that somebody has to be asked for.
func fromStreams(t Terminal, from wordSource) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		const none = cobra.ShellCompDirectiveNoFileComp
		ctx, cancel := context.WithTimeout(context.Background(), completeWithin)
		defer cancel()
		found := make(chan []string, 1)
		// A connection cannot be given up; the process ends, and it with it.
		go func() {
			r, err := resolve(cmd.Flags(), t.Env, settingsOf("nats."))
			if err != nil {
				return
			}
			c, err := r.NATS.Client()
			if err != nil {
				return
			}
			defer c.Close()
			if words, err := from(ctx, c, args, typed); err == nil {
				found <- words
			}
		}()
		select {
		case words := <-found:
			words = slices.DeleteFunc(words, func(w string) bool { return !strings.HasPrefix(w, typed) })
			return words[:min(len(words), completedAtMost)], none
		case <-ctx.Done():
			return nil, none
		}
	}
}

// keys are those of campaigns in these states; none: all.
func keys(states ...string) wordSource {
	return func(ctx context.Context, c *client.Client, args []string, typed string) ([]string, error) {
		if len(args) > 0 {
			return nil, nil
		}
		ask := query.ListAsk{States: states}
		if source, _, whole := strings.Cut(typed, "."); whole {
			ask.Source = source
		}
		return listedKeys(ctx, c, ask)
	}
}

// listedKeys are the keys of a list, those saved last first.
func listedKeys(ctx context.Context, c *client.Client, ask query.ListAsk) ([]string, error) {
	var all []string
	reader := c.Reader()
	for one, err := range query.Each(func(after string) ([]query.Campaign, string, error) {
		ask.After = after
		page, err := reader.List(ctx, ask)
		return page.Campaigns, page.Next, err
	}) {
		if err != nil {
			return nil, err
		}
		all = append(all, one.Key)
	}
	slices.Reverse(all)
	return all, nil
}

// sources are those that have asked for a campaign, or have a schedule.
func sources(ctx context.Context, c *client.Client, _ []string, _ string) ([]string, error) {
	all, err := listedKeys(ctx, c, query.ListAsk{})
	if err != nil {
		return nil, err
	}
	planned, err := schedules(ctx, c, nil, "")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, key := range append(all, planned...) {
		source, _, _ := strings.Cut(key, ".")
		names = append(names, source)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func schedules(ctx context.Context, c *client.Client, args []string, _ string) ([]string, error) {
	if len(args) > 0 {
		return nil, nil
	}
	all, err := c.Reader().Schedules(ctx, query.SchedulesAsk{})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, r := range all.Schedules {
		names = append(names, r.Key.String())
	}
	return names, nil
}

func audiences(ctx context.Context, c *client.Client, args []string, _ string) ([]string, error) {
	if len(args) > 0 {
		return nil, nil
	}
	all, err := c.Reader().Audiences(ctx, query.AudiencesAsk{})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, a := range all.Audiences {
		names = append(names, a.Key)
	}
	return names, nil
}

// letters are the ids of dead letters, the latest first, and what each is about.
func letters(ctx context.Context, c *client.Client, _ []string, _ string) ([]string, error) {
	var ids []string
	ask, reader := query.DLQAsk{}, c.Reader()
	for l, err := range query.Each(func(after string) ([]query.Letter, string, error) {
		ask.After = after
		page, err := reader.DLQ(ctx, ask)
		return page.Letters, page.Next, err
	}) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, cobra.CompletionWithDesc(strconv.FormatUint(l.ID, 10), l.Reason+" "+about(l)))
	}
	slices.Reverse(ids)
	return ids, nil
}

// quotes is the one that the campaign waits with.
func quotes(ctx context.Context, c *client.Client, args []string, _ string) ([]string, error) {
	if len(args) != 1 {
		return nil, nil
	}
	key, err := campaign.ParseKey(args[0])
	if err != nil {
		return nil, err
	}
	rec, err := c.Look(ctx, key)
	if err != nil || rec.Need == nil || rec.Need.For != campaign.NeedApproval {
		return nil, err
	}
	return []string{cobra.CompletionWithDesc(campaign.QuoteID(rec.Request, *rec.Quote), fmt.Sprintf("%s to %s", rec.Quote.Price.Total, plural(rec.Quote.Goal.Valid, "recipient")))}, nil
}
