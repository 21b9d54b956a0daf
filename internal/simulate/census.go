package simulate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Census counts what happened in many histories.
type Census struct {
	Histories int
	Ended     map[campaign.State]int
	Confirms  int // that took effect
	Calls     int // of ports: as many moments at which something could go wrong
	Wrong     map[string]int
}

// Add counts what another world has counted.
func (c *Census) Add(o Census) {
	c.Histories += o.Histories
	c.Confirms += o.Confirms
	c.Calls += o.Calls
	c.Ended = sum(c.Ended, o.Ended)
	c.Wrong = sum(c.Wrong, o.Wrong)
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

// String is the census in three lines.
func (c Census) String() string {
	return fmt.Sprintf("%d calls of ports, %d confirms took effect\nended: %s\nwrong: %s",
		c.Calls, c.Confirms, ranked(c.Ended), ranked(c.Wrong))
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
