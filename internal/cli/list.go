package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/query"
)

func newLs(t Terminal) *cobra.Command {
	var asJSON bool
	var a query.ListAsk
	var older time.Duration
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List campaigns",
		Long: `List the campaigns there are, each with its state, for how long it has been in it,
when it is looked at again and what it waits for; those whose records moved last
come last. One that moves while they are read may come twice.

States are ` + strings.Join(query.States()[:len(campaign.States)], ", ") + `;
"open" stands for those that can still move by themselves, "ended" for the others.`,
		Example: `  staffetta ls
  staffetta ls --state unresolved
  staffetta ls --source shop-italia --state open --older-than 1h
  staffetta ls --waiting --json | jq -r .key`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a.OlderThan = query.Duration(older)
			if err := a.Check(); err != nil {
				return usageError{err}
			}
			client, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer client.Close()
			list, reader := newCampaignTable(t, asJSON, time.Now()), client.Reader()
			for c, err := range query.Each(func(after string) ([]query.Campaign, string, error) {
				a.After = after
				all, err := reader.List(cmd.Context(), a)
				return all.Campaigns, all.Next, err
			}) {
				if err != nil {
					return err
				}
				if err := list.add(c); err != nil {
					return err
				}
			}
			return list.end()
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringSliceVar(&a.States, "state", nil, "only campaigns in these states, separated by commas")
	fl.StringVar(&a.Source, "source", "", "only campaigns of this source")
	fl.DurationVar(&older, "older-than", 0, "only campaigns that have been in their state for longer, as 90s, 15m or 24h")
	fl.BoolVar(&a.Waiting, "waiting", false, "only campaigns that wait for something: the gateway, an approval, credit, a person")
	fl.BoolVar(&a.Overdue, "overdue", false, "only campaigns that should have been looked at a minute ago and were not")
	fl.BoolVar(&asJSON, "json", false, "a JSON object on each line")
	addSettings(fl, rows)
	return cmd
}

// campaignTable prints campaigns as they come: as a table, in blocks so that a
// million of them are not kept, or as JSON.
type campaignTable struct {
	t      Terminal
	asJSON bool
	now    time.Time
	block  table
	total  int
	counts map[campaign.State]int
}

func newCampaignTable(t Terminal, asJSON bool, now time.Time) *campaignTable {
	return &campaignTable{t: t, asJSON: asJSON, now: now, counts: map[campaign.State]int{},
		block: table{head: []string{"CAMPAIGN", "STATE", "FOR", "NEXT LOOK", "WAITS BECAUSE"}}}
}

func (l *campaignTable) add(c query.Campaign) error {
	if l.asJSON {
		return printLine(l.t.Out, c)
	}
	l.total++
	l.counts[c.State]++
	l.block.add(c.Key, string(c.State), age(l.now.Sub(c.Since)), l.next(c), c.Waiting)
	if len(l.block.rows) < blockRows {
		return nil
	}
	return l.block.flush(l.t)
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
	_, err := fmt.Fprintf(l.t.Out, "\n%s: %s\n", plural(int64(l.total), "campaign"), strings.Join(parts, ", "))
	return err
}

// blockRows is after how many rows a table is printed so far.
const blockRows = 1000

// table is rows of words, as wide as they need to be.
type table struct {
	head   []string
	rows   [][]string
	headed bool
}

func (b *table) add(cells ...string) { b.rows = append(b.rows, cells) }

// flush prints what has been added, under the heading the first time. On a
// terminal the last column ends where the screen does.
func (b *table) flush(t Terminal) error {
	if len(b.rows) == 0 {
		return nil
	}
	width := make([]int, len(b.head))
	for _, row := range append([][]string{b.head}, b.rows...) {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var out strings.Builder
	line := func(row []string, style func(string) string) {
		var l strings.Builder
		for i, cell := range row {
			l.WriteString(cell)
			if i < len(row)-1 {
				l.WriteString(strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell)+2))
			}
		}
		text := strings.TrimRight(l.String(), " ")
		if runes := []rune(text); t.Width > 0 && len(runes) > t.Width {
			text = string(runes[:t.Width-1]) + "…"
		}
		out.WriteString(style(text) + "\n")
	}
	if !b.headed {
		line(b.head, paint{t.Colour}.dim)
		b.headed = true
	}
	for _, row := range b.rows {
		line(row, func(s string) string { return s })
	}
	b.rows = b.rows[:0]
	_, err := io.WriteString(t.Out, out.String())
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
