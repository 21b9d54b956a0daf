package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/spelling"
	"github.com/staffetta-io/staffetta/internal/words"
)

func newLs(t Terminal) *cobra.Command {
	l := listing{t: t, zone: zoneFlag{name: "UTC"}}
	var older time.Duration
	var since string
	var watch bool
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List campaigns",
		Long: `List the campaigns: state, when each was or is to be sent, to how many recipients,
for how much and how far it is, and why it waits or was not sent. A simulation bears
the mark "sim", and its cost stands in parentheses: nobody gets a message. What does
not fit on a terminal is left out, the least important first; --json has all of it.

The list ends with the campaigns whose records were saved last, or with --sort with
the latest or greatest; --limit keeps that end, and without --sort it is all that is
looked at: of a source that has a million campaigns too it is soon there. One that is saved while the list is
read may come twice. A campaign that an earlier version saved last says only its
state and what it waits for; no --reason finds it.

States are ` + strings.Join(query.States()[:len(campaign.States)], ", ") + `;
"open" stands for those that can still move by themselves, "ended" for the others.`,
		Example: `  staffetta ls --limit 20
  staffetta ls --state unresolved
  staffetta ls --source shop-italia --since 24h --sort cost --zone Europe/Rome
  staffetta ls --state rejected --reason too_late,over_budget
  staffetta ls --label team=crm --label product=shoes
  staffetta ls --state open --watch
  staffetta ls --waiting --json | jq -r .key`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l.ask.OlderThan = query.Duration(older)
			if err := l.check(since, watch, time.Now()); err != nil {
				return usageError{err}
			}
			c, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer c.Close()
			if watch {
				return l.watch(cmd.Context(), c.Reader())
			}
			return l.printNewest(cmd.Context(), c.Reader(), time.Now())
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringSliceVar(&l.ask.States, "state", nil, "only campaigns in these states, separated by commas")
	fl.StringVar(&l.ask.Source, "source", "", "only campaigns of this source")
	fl.StringSliceVar(&l.ask.Reasons, "reason", nil, "only campaigns that did not end well for these reasons, separated by commas")
	fl.StringArrayVar(&l.labels, "label", nil, "only campaigns with this label, as team=crm; given several times, with all of them")
	fl.StringVar(&since, "since", "", "only campaigns asked for since then: 90m, 24h, 7d, today, 2026-11-27 or an instant")
	fl.DurationVar(&older, "older-than", 0, "only campaigns that have been in their state for longer, as 90s, 15m or 24h")
	fl.BoolVar(&l.ask.Waiting, "waiting", false, "only campaigns that wait for something: the gateway, an approval, credit, a person")
	fl.BoolVar(&l.ask.Overdue, "overdue", false, "only campaigns that should have been looked at a minute ago and were not")
	fl.StringVar(&l.sort, "sort", "", "by "+strings.Join(sortNames(), ", ")+" instead of when the record was saved")
	fl.IntVar(&l.limit, "limit", 0, "only so many, the last of the list")
	fl.BoolVar(&watch, "watch", false, "on a terminal, list them again every two seconds until it is interrupted")
	l.zone.add(fl)
	fl.BoolVar(&l.asJSON, "json", false, "a JSON object on each line")
	addSettings(fl, rows)
	return cmd
}

// listing is a list of campaigns as it was asked for.
type listing struct {
	t      Terminal
	ask    query.ListAsk
	labels []string // name=value
	sort   string
	limit  int
	zone   zoneFlag
	asJSON bool
}

// sorts are the orders that a list can have.
var sorts = map[string]func(a, b query.Campaign) int{
	"when":       func(a, b query.Campaign) int { return a.When.Compare(b.When) },
	"asked":      func(a, b query.Campaign) int { return a.Asked.Compare(b.Asked) },
	"key":        func(a, b query.Campaign) int { return strings.Compare(a.Key, b.Key) },
	"name":       func(a, b query.Campaign) int { return strings.Compare(a.Name, b.Name) },
	"recipients": func(a, b query.Campaign) int { return cmp.Compare(a.Recipients, b.Recipients) },
	"reason":     func(a, b query.Campaign) int { return cmp.Compare(a.Reason, b.Reason) },
	"state": func(a, b query.Campaign) int {
		return cmp.Compare(slices.Index(campaign.States, a.State), slices.Index(campaign.States, b.State))
	},
	"done": func(a, b query.Campaign) int { return cmp.Compare(a.Sent*max(b.Total, 1), b.Sent*max(a.Total, 1)) },
	// Amounts of two currencies cannot be compared.
	"cost": func(a, b query.Campaign) int {
		x, y := costOfRow(a), costOfRow(b)
		return cmp.Or(strings.Compare(x.Currency, y.Currency), x.Amount.Compare(y.Amount))
	},
}

func costOfRow(c query.Campaign) campaign.Money {
	if c.Cost == nil {
		return campaign.Money{}
	}
	return *c.Cost
}

func sortNames() []string { return slices.Sorted(maps.Keys(sorts)) }

// check says what is wrong with the flags.
func (l *listing) check(since string, watch bool, now time.Time) error {
	if _, known := sorts[l.sort]; !known && l.sort != "" {
		return fmt.Errorf("--sort %q is no order%s want one of %s", l.sort, cmp.Or(spelling.Meant(l.sort, sortNames()), ":"), strings.Join(sortNames(), ", "))
	}
	for _, label := range l.labels {
		name, value, whole := strings.Cut(label, "=")
		if was, twice := l.ask.Labels[name]; twice && was != value {
			return fmt.Errorf("--label %s: no campaign has two values of %q: leave one out", label, name)
		}
		if !whole {
			return fmt.Errorf("--label %q: want a name and a value, as team=crm", label)
		}
		if l.ask.Labels == nil {
			l.ask.Labels = map[string]string{}
		}
		l.ask.Labels[name] = value
	}
	if l.limit < 0 {
		return fmt.Errorf("--limit %d: want 1 or more", l.limit)
	}
	if watch && (l.t.Width == 0 || l.asJSON) {
		return errors.New("--watch draws on a terminal: leave it out, or follow the events with staffetta watch")
	}
	if err := l.zone.load(); err != nil {
		return err
	}
	if since != "" {
		var err error
		if l.ask.Since, err = past(since, l.zone.Location, now); err != nil {
			return fmt.Errorf("--since %w", err)
		}
	}
	return l.ask.Check()
}

// newestAtMost is how many campaigns one question for the newest may be about.
const newestAtMost = 2500

// newest are the last of the list, the latest first. False: they have to be looked for
// among all, for the service is an earlier version, or they lie too far back.
func (l *listing) newest(ctx context.Context, reader query.Reader) ([]query.Campaign, bool, error) {
	if l.limit == 0 || l.limit > newestAtMost || l.sort != "" {
		return nil, false, nil
	}
	a := l.ask
	a.Newest, a.Limit = true, l.limit
	all, err := reader.List(ctx, a)
	if query.Is(err, query.BadQuestion) || query.Is(err, query.TooSlow) {
		return nil, false, nil
	}
	return all.Campaigns, !all.Cut, err
}

// printNewest prints the last of the list, without a look at what lies before them.
func (l *listing) printNewest(ctx context.Context, reader query.Reader, now time.Time) error {
	newest, found, err := l.newest(ctx, reader)
	if err != nil {
		return err
	}
	if !found {
		return l.print(ctx, reader, now)
	}
	list := newCampaignTable(l, now)
	for _, c := range slices.Backward(newest) {
		if err := list.take(c); err != nil {
			return err
		}
	}
	return list.end()
}

// print prints the list once.
func (l *listing) print(ctx context.Context, reader query.Reader, now time.Time) error {
	list := newCampaignTable(l, now)
	a := l.ask
	for c, err := range query.Each(func(after string) ([]query.Campaign, string, error) {
		a.After = after
		all, err := reader.List(ctx, a)
		return all.Campaigns, all.Next, err
	}) {
		if err == nil {
			err = list.take(c)
		}
		if err != nil {
			return err
		}
	}
	return list.end()
}

// watch prints the list again and again, on the whole screen.
func (l *listing) watch(ctx context.Context, reader query.Reader) error {
	fits := max(l.t.Height-4, 5) // heading, empty line, sum, and the line of the cursor
	if l.limit == 0 || l.limit > fits {
		l.limit = fits
	}
	screen := l.t.Out
	for {
		var page bytes.Buffer
		l.t.Out = &page
		err := l.print(ctx, reader, time.Now())
		if ctx.Err() != nil {
			return nil // it was interrupted, as it has to be
		}
		if err != nil {
			return err
		}
		// To the first line, and all away.
		fmt.Fprint(screen, ownMark+"H"+ownMark+"2J")
		if _, err := io.Copy(screen, &page); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(2 * time.Second):
		}
	}
}

// campaignTable prints campaigns as they come: as JSON, or as a table in blocks, so
// that a million of them are not kept in memory.
type campaignTable struct {
	*listing
	now    time.Time
	kept   []query.Campaign // for a list that is sorted, or has a limit
	block  table
	total  int
	counts map[campaign.State]int
	// accounts says that a campaign has named one: from then on they have a column.
	accounts bool
	// labelled says that a campaign has a label: from then on they have a column.
	labelled bool
}

func newCampaignTable(l *listing, now time.Time) *campaignTable {
	return &campaignTable{listing: l, now: now, counts: map[campaign.State]int{}, block: table{columns: []column{
		keyColumn("CAMPAIGN"), {head: "STATE"}, {head: "WHEN (" + path.Base(l.zone.name) + ")", spare: 3}, {head: "RECIPIENTS", spare: 4, right: true},
		{head: "COST", spare: 1, right: true}, {head: "DONE", spare: 2, right: true}, {head: "FOR", spare: 6}, {head: "NEXT LOOK", spare: 7},
		textColumn("NAME", 5), textColumn("WHY", 0),
	}}}
}

// take counts a campaign, and prints it now or keeps it for later.
func (l *campaignTable) take(c query.Campaign) error {
	l.total++
	l.counts[c.State]++
	if l.sort == "" && l.limit == 0 {
		return l.show(c)
	}
	if l.kept = append(l.kept, c); l.limit > 0 && len(l.kept) >= 2*l.limit {
		l.trim()
	}
	return nil
}

// trim sorts what is kept, and keeps the end of it.
func (l *campaignTable) trim() {
	if l.sort != "" {
		slices.SortStableFunc(l.kept, sorts[l.sort])
	}
	if more := len(l.kept) - l.limit; l.limit > 0 && more > 0 {
		l.kept = slices.Delete(l.kept, 0, more)
	}
}

func (l *campaignTable) show(c query.Campaign) error {
	if l.asJSON {
		return printLine(l.t.Out, c)
	}
	cells := []string{c.Key, stateWords(c), l.when(c), countOrDash(c.Recipients), costWords(c), doneWords(c), age(l.now.Sub(c.Since)), l.next(c), c.Name, words.Zoned(whyWords(c), l.zone.Location)}
	if c.Account != "" && !l.accounts {
		l.accounts = true
		l.block.insert(accountColumn, column{head: "ACCOUNT", spare: 3, least: 8, cut: shortened})
	}
	if l.accounts {
		cells = slices.Insert(cells, accountColumn, cmp.Or(c.Account, "-"))
	}
	if len(c.Labels) > 0 && !l.labelled {
		l.labelled = true
		l.block.insert(len(l.block.columns)-1, textColumn("LABELS", 8))
	}
	if l.labelled {
		cells = slices.Insert(cells, len(cells)-1, cmp.Or(words.Labels(c.Labels), "-"))
	}
	l.block.add(cells...)
	if len(l.block.rows) < blockRows {
		return nil
	}
	return l.block.flush(l.t)
}

// accountColumn is where the table names the account.
const accountColumn = 2

// stateWords is the state, and whether anybody gets a message.
func stateWords(c query.Campaign) string {
	if c.Simulation {
		return "sim " + string(c.State)
	}
	return string(c.State)
}

// when is the instant at which a campaign was, or is to be, sent.
func (l *campaignTable) when(c query.Campaign) string {
	switch {
	case !c.When.IsZero():
		return c.When.In(l.zone.Location).Format("2006-01-02 15:04")
	case c.Asked.IsZero() || c.State.Final():
		return "-"
	}
	return "at once"
}

func countOrDash(n int64) string {
	if n == 0 {
		return "-"
	}
	return thousands(n)
}

// costWords is what a campaign cost, or is going to. One that was not sent cost nothing.
func costWords(c query.Campaign) string {
	switch {
	case c.Cost == nil || c.State == campaign.Rejected || c.State == campaign.Cancelled:
		return "-"
	case c.Simulation:
		return "(" + words.Money(*c.Cost) + ")"
	}
	return words.Money(*c.Cost)
}

// doneWords is how much of a campaign has left.
func doneWords(c query.Campaign) string {
	if c.Total <= 0 {
		return "-"
	}
	return fmt.Sprintf("%d %%", min(c.Sent, c.Total)*100/c.Total)
}

// whyWords is why a campaign did not end well, as --reason takes it, or why it waits.
func whyWords(c query.Campaign) string {
	if c.State.Final() {
		return cmp.Or(string(c.Reason), c.Waiting)
	}
	return cmp.Or(c.Waiting, string(c.Reason))
}

// next is when a campaign is looked at again.
func (l *campaignTable) next(c query.Campaign) string {
	switch {
	case c.Next.IsZero():
		return "-"
	case c.Overdue(l.now):
		return age(l.now.Sub(c.Next)) + " overdue"
	case c.Next.Before(l.now):
		return "now"
	}
	return "in " + age(c.Next.Sub(l.now))
}

func (l *campaignTable) end() error {
	l.trim()
	for _, c := range l.kept {
		if err := l.show(c); err != nil {
			return err
		}
	}
	if l.asJSON {
		return nil
	}
	if err := l.block.flush(l.t); err != nil {
		return err
	}
	if l.total == 0 {
		_, err := fmt.Fprintln(l.t.Out, "no campaigns")
		return err
	}
	var parts []string
	for _, s := range campaign.States {
		if n := l.counts[s]; n > 0 {
			parts = append(parts, thousands(int64(n))+" "+string(s))
		}
	}
	last := ""
	switch {
	case l.limit > 0 && l.limit < l.total:
		last = "the last " + thousands(int64(l.limit)) + " of "
	case l.limit > 0 && l.limit == l.total:
		last = "the last " // what lies before them was not counted
	}
	_, err := fmt.Fprintf(l.t.Out, "\n%s%s: %s\n", last, plural(int64(l.total), "campaign"), strings.Join(parts, ", "))
	return err
}

// age is a duration in the largest unit that says enough: 45s, 12m, 3h, 5d.
func age(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < 2*time.Minute:
		return itoa(int(d/time.Second)) + "s"
	case d < 2*time.Hour:
		return itoa(int(d/time.Minute)) + "m"
	case d < 48*time.Hour:
		return itoa(int(d/time.Hour)) + "h"
	}
	return itoa(int(d/(24*time.Hour))) + "d"
}

// printLine prints a value for programs, on one line.
func printLine(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
