package app_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// plan draws the table of arrows: the program and everything under internal. An arrow that
// follows from others is left out: app imports campaign, and so does runner, which app
// imports too. What remains is the only drawing of its kind, so there is nothing to choose.
func plan(table map[string]arrow) string {
	drawn := func(pkg string) bool { return strings.HasPrefix(pkg, "internal/") || strings.HasPrefix(pkg, "cmd/") }
	below := map[string]map[string]bool{} // everything that a package leads to
	var reach func(pkg string) map[string]bool
	reach = func(pkg string) map[string]bool {
		if all, known := below[pkg]; known {
			return all
		}
		all := map[string]bool{}
		below[pkg] = all
		for _, to := range table[pkg].ours {
			all[to] = true
			maps.Copy(all, reach(to))
		}
		return all
	}
	name := func(pkg string) string { return strings.TrimPrefix(pkg, "internal/") }
	node := func(pkg string) string {
		if n := name(pkg); strings.Contains(n, "/") {
			return filepath.Base(n) + "[" + n + "]"
		}
		return name(pkg)
	}
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	for _, pkg := range slices.Sorted(maps.Keys(table)) {
		if !drawn(pkg) {
			continue
		}
		var to []string
		for _, one := range table[pkg].ours {
			follows := slices.ContainsFunc(table[pkg].ours, func(other string) bool { return other != one && reach(other)[one] })
			if drawn(one) && !follows {
				to = append(to, filepath.Base(name(one)))
			}
		}
		slices.Sort(to)
		fmt.Fprintf(&b, "    %s", node(pkg))
		if len(to) > 0 {
			fmt.Fprintf(&b, " --> %s", strings.Join(to, " & "))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// The plan of docs/architecture.md is the table, drawn: a package or an arrow that is
// missing there is red, and so is one too many.
func TestThePlanIsTheTable(t *testing.T) {
	t.Parallel()
	const page = "docs/architecture.md"
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	drawing := regexp.MustCompile("(?s)## The plan\n\n```mermaid\n(.*?)```").FindSubmatch(text)
	if drawing == nil {
		t.Fatalf("%s has no drawing under The plan", page)
	}
	want := plan(arrows)
	if diff := cmp.Diff(want, string(drawing[1])); diff != "" {
		t.Errorf("the plan of %s (-table +page):\n%s\nwrite this there:\n%s", page, diff, want)
	}
}

func TestThePlanLeavesOutWhatFollows(t *testing.T) {
	t.Parallel()
	got := plan(map[string]arrow{
		"cmd/staffetta":          {ours: in("app", "campaign")},
		"internal/app":           {ours: in("gateway/uc006", "gateway", "campaign", "ops")},
		"internal/gateway/uc006": {ours: in("gateway", "campaign")},
		"internal/gateway":       {ours: in("campaign")},
		"internal/campaign":      {},
		"internal/ops":           {ours: append(in("campaign"), generated)},
		"test/torture":           {ours: in("app")},
		generated:                {},
	})
	const want = `flowchart TD
    staffetta[cmd/staffetta] --> app
    app --> ops & uc006
    campaign
    gateway --> campaign
    uc006[gateway/uc006] --> gateway
    ops --> campaign
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the drawing (-want +got):\n%s", diff)
	}
}
