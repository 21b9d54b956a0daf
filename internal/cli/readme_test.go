package cli

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("rewrite", false, "write the README's table of settings anew")

const (
	readme   = "../../README.md"
	begin    = "<!-- settings: this table is compared with the program by a test -->\n"
	end      = "<!-- /settings -->"
	columns  = "| setting | default | why |\n|---|---|---|\n"
	noValue  = "none"
	codeSpan = "`%s`"
)

// The README's table of settings is the program's own.
func TestReadmeListsTheSettings(t *testing.T) {
	var b strings.Builder
	b.WriteString(begin + columns)
	d := defaults()
	for _, s := range known() {
		value := text(s.field(&d))
		if value == "" {
			value = noValue
		} else {
			value = fmt.Sprintf(codeSpan, value)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.Key, value, s.Help)
	}
	b.WriteString(end)

	raw, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	table := regexp.MustCompile(`(?s)` + regexp.QuoteMeta(begin) + `.*?` + regexp.QuoteMeta(end))
	have := table.Find(raw)
	if *rewrite {
		if err := os.WriteFile(readme, table.ReplaceAllLiteral(raw, []byte(b.String())), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(b.String(), string(have)); diff != "" {
		t.Errorf("the settings of README.md (-program +README); go test ./internal/cli -run Readme -rewrite writes them anew:\n%s", diff)
	}
}

// The README's diagram shows every way to an end that the lifecycle's table has.
func TestReadmeShowsEveryEnd(t *testing.T) {
	raw, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile("../campaign/testdata/lifecycle.txt")
	if err != nil {
		t.Fatal(err)
	}
	ways, from := map[string]bool{}, ""
	for line := range strings.Lines(string(table)) {
		if m := regexp.MustCompile(`^([a-z]+)\b`).FindStringSubmatch(line); m != nil {
			from = m[1]
		}
		m := regexp.MustCompile(`^  .* → (rejected|cancelled|completed|failed|unresolved)\b`).FindStringSubmatch(line)
		if m != nil && from != m[1] && from != "no" && from != "with" { // "no record", "with budgets"
			ways["    "+from+" --> "+m[1]] = true
		}
	}
	if len(ways) < 6 {
		t.Errorf("%d ways in the table", len(ways))
	}
	for way := range ways {
		if !regexp.MustCompile("(?m)^" + way + "\\b").Match(raw) {
			t.Errorf("README.md lacks %s", way)
		}
	}
}
