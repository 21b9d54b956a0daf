package simulate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Totals counts what happened in many histories.
type Totals struct {
	Histories int
	Ended     map[campaign.State]int
	Confirms  int // that took effect
	Calls     int // of ports: as many moments at which something could go wrong
	Wrong     map[string]int
	// Unresolved is how many histories ended unresolved, by kind of gateway and
	// by lie, of how many.
	Unresolved map[string]Share
}

// Share is a part of a whole.
type Share struct{ Of, All int }

// Add adds the totals of another world.
func (c *Totals) Add(o Totals) {
	c.Histories += o.Histories
	c.Confirms += o.Confirms
	c.Calls += o.Calls
	c.Ended = sum(c.Ended, o.Ended)
	c.Wrong = sum(c.Wrong, o.Wrong)
	if c.Unresolved == nil {
		c.Unresolved = map[string]Share{}
	}
	for name, s := range o.Unresolved {
		had := c.Unresolved[name]
		c.Unresolved[name] = Share{had.Of + s.Of, had.All + s.All}
	}
}

// count keeps how often a person has to be asked, by kind of gateway and by lie.
func (w *World) count(c campaign.Campaign) {
	kind := "by id"
	switch g := w.gateway; {
	case g.StatsOnly && w.measured:
		kind = "UC-006 only, measured"
	case g.StatsOnly:
		kind = "UC-006 only, not measured"
	case g.ConfiguresOnce && g.NoDelete != 0:
		kind = "by id, neither configured again nor deleted"
	}
	what := "nothing untrue"
	if w.observed.lie {
		what = faultNames[w.lastLie]
	}
	s := w.unresolved[kind+", "+what]
	s.All++
	if c.State == campaign.Unresolved {
		s.Of++
	}
	w.unresolved[kind+", "+what] = s
}

func sum[K comparable](a, b map[K]int) map[K]int {
	if a == nil {
		a = map[K]int{}
	}
	for k, n := range b {
		a[k] += n
	}
	return a
}

// String is the totals in three lines.
func (c Totals) String() string {
	var unresolved strings.Builder
	for _, name := range slices.Sorted(maps.Keys(c.Unresolved)) {
		s := c.Unresolved[name]
		fmt.Fprintf(&unresolved, "\n  %6.2f %%  %7d of %8d  %s", 100*float64(s.Of)/float64(max(s.All, 1)), s.Of, s.All, name)
	}
	return fmt.Sprintf("%d calls of ports, %d confirms took effect\nended: %s\nwrong: %s\nunresolved:%s",
		c.Calls, c.Confirms, ranked(c.Ended), ranked(c.Wrong), unresolved.String())
}

// ranked lists counts, the largest first.
func ranked[K ~string](counts map[K]int) string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b K) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(string(a), string(b))
	})
	var parts []string
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%d %s", counts[name], name))
	}
	return strings.Join(parts, ", ")
}
