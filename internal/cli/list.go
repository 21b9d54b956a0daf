package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
)

func newLs(t Terminal) *cobra.Command {
	var asJSON bool
	var f entryFilter
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List campaigns",
		Long: `List the campaigns there are, each with its state, for how long it has been in it,
when it is looked at again and what it waits for; those whose records moved last
come last. Only headers are read: a million campaigns are a few seconds.

States are ` + strings.Join(stateNames(), ", ") + `;
"open" stands for those that can still move by themselves, "ended" for the others.`,
		Example: `  staffetta ls
  staffetta ls --state unresolved
  staffetta ls --source shop-italia --state open --older-than 1h
  staffetta ls --waiting --json | jq -r .key`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return usageError{err}
			}
			client, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer client.Close()
			now := time.Now()
			list := newEntryTable(t, asJSON, now)
			for e, err := range client.Entries(cmd.Context(), f.source) {
				if err != nil {
					return err
				}
				if !f.takes(e, now) {
					continue
				}
				if err := list.add(e); err != nil {
					return err
				}
			}
			return list.end()
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringSliceVar(&f.states, "state", nil, "only campaigns in these states, separated by commas")
	fl.StringVar(&f.source, "source", "", "only campaigns of this source")
	fl.DurationVar(&f.olderThan, "older-than", 0, "only campaigns that have been in their state for longer, as 90s, 15m or 24h")
	fl.BoolVar(&f.waiting, "waiting", false, "only campaigns that wait for something: the gateway, an approval, credit, a person")
	fl.BoolVar(&f.overdue, "overdue", false, "only campaigns that should have been looked at a minute ago and were not")
	fl.BoolVar(&asJSON, "json", false, "a JSON object on each line")
	addSettings(fl, rows)
	return cmd
}

// entryFilter chooses campaigns by what their headers say.
type entryFilter struct {
	states           []string
	source           string
	olderThan        time.Duration
	waiting, overdue bool
}

func stateNames() []string {
	var names []string
	for _, s := range campaign.States {
		names = append(names, string(s))
	}
	return names
}

func (f *entryFilter) check() error {
	known := append(stateNames(), "open", "ended")
	for _, s := range f.states {
		if !slices.Contains(known, s) {
			return fmt.Errorf("state %q is none: want %s", s, strings.Join(known, ", "))
		}
	}
	if f.source != "" {
		if _, err := keyOrSource(f.source); err != nil || strings.Contains(f.source, ".") {
			return fmt.Errorf("--source %q: want a source alone, as shop-italia", f.source)
		}
	}
	return nil
}

func (f *entryFilter) takes(e app.Entry, now time.Time) bool {
	return (len(f.states) == 0 || slices.ContainsFunc(f.states, func(s string) bool {
		return s == string(e.State) || s == "open" && !e.State.Final() || s == "ended" && e.State.Final()
	})) &&
		now.Sub(e.Since) >= f.olderThan &&
		(!f.waiting || e.Waiting != "" || e.State == campaign.Unresolved) &&
		(!f.overdue || overdue(e, now))
}

// overdue says that nobody looked at a campaign when it was due.
func overdue(e app.Entry, now time.Time) bool {
	return !e.Wake.IsZero() && now.Sub(e.Wake) > time.Minute
}

// entryTable prints campaigns as they come: as a table, in blocks so that a
// million of them are not kept, or as JSON.
type entryTable struct {
	t      Terminal
	asJSON bool
	now    time.Time
	block  table
	total  int
	counts map[campaign.State]int
}

func newEntryTable(t Terminal, asJSON bool, now time.Time) *entryTable {
	return &entryTable{t: t, asJSON: asJSON, now: now, counts: map[campaign.State]int{},
		block: table{head: []string{"CAMPAIGN", "STATE", "FOR", "NEXT LOOK", "WAITS BECAUSE"}}}
}

// entryJSON is a campaign for programs.
type entryJSON struct {
	Key     string         `json:"key"`
	State   campaign.State `json:"state"`
	Since   time.Time      `json:"since"`
	Saved   time.Time      `json:"saved"`
	Next    time.Time      `json:"next,omitzero"`
	Waiting string         `json:"waiting,omitempty"`
}

func (l *entryTable) add(e app.Entry) error {
	if l.asJSON {
		return printLine(l.t.Out, entryJSON{e.Key.String(), e.State, e.Since, e.Saved, e.Wake, e.Waiting})
	}
	l.total++
	l.counts[e.State]++
	l.block.add(e.Key.String(), string(e.State), age(l.now.Sub(e.Since)), l.next(e), e.Waiting)
	if len(l.block.rows) < blockRows {
		return nil
	}
	return l.block.flush(l.t)
}

// next is when a campaign is looked at again.
func (l *entryTable) next(e app.Entry) string {
	switch {
	case e.Wake.IsZero():
		return "-"
	case overdue(e, l.now):
		return age(l.now.Sub(e.Wake)) + " overdue"
	case e.Wake.Before(l.now):
		return "now"
	}
	return "in " + age(e.Wake.Sub(l.now))
}

func (l *entryTable) end() error {
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
