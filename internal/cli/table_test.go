package cli

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// A narrow terminal gives up the least important column first and never the state. Keys
// are shortened in the middle.
func TestNarrowTables(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("source-", 9) + "." + strings.Repeat("request-", 7) + "2026"
	print := func(width int, keys ...string) string {
		list := table{columns: []column{keyColumn("CAMPAIGN"), {head: "STATE"}, {head: "COST", spare: 1, right: true}, {head: "FOR", spare: 2}, textColumn("WHY", 0)}}
		for _, key := range keys {
			list.add(key, "confirming", "344.09 EUR", "12m", "the gateway did not answer confirm, it is asked whether it took effect")
		}
		var out bytes.Buffer
		if err := list.flush(Terminal{Out: &out, Width: width}); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	for _, tt := range []struct {
		width int
		key   string
		want  []string
		not   string
	}{
		{0, long, []string{long, "COST", "FOR", "it took effect"}, "…"},
		{200, "a.b", []string{"a.b ", "COST", "FOR", "it took effect"}, "…"},
		{80, long, []string{"source-sou", "2026  confirming", "COST", "FOR", "the gateway did"}, "it took effect"},
		{60, long, []string{"source-", "2026  confirming", "COST", "the gateway…"[:10]}, "FOR"},
		{50, long, []string{"source-", "2026  confirming", "the gateway"[:6]}, "COST"},
	} {
		got := print(tt.width, tt.key, "shop-italia.x")
		for line := range strings.Lines(got) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); tt.width > 0 && n > tt.width {
				t.Errorf("%d columns: a line of %d: %s", tt.width, n, line)
			}
		}
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("%d columns: no %q in\n%s", tt.width, want, got)
			}
		}
		if strings.Contains(got, tt.not) {
			t.Errorf("%d columns: %q in\n%s", tt.width, tt.not, got)
		}
		if strings.Count(got, "confirming") != 2 {
			t.Errorf("%d columns: the state is gone\n%s", tt.width, got)
		}
	}
}
