package alarms_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

const (
	root      = "../.."
	rulesFile = root + "/deploy/prometheus/rules.yaml"
	dashboard = root + "/deploy/grafana/staffetta.json"
	table     = root + "/docs/operations.md"
	pages     = "https://github.com/staffetta-io/staffetta/blob/main/"
)

// rule is one alarm.
type rule struct {
	Alert       string
	Expr        string
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func readRules(t *testing.T) []rule {
	t.Helper()
	var file struct{ Groups []struct{ Rules []rule } }
	d := yaml.NewDecoder(bytes.NewReader(read(t, rulesFile)))
	if err := d.Decode(&file); err != nil {
		t.Fatal(err)
	}
	return file.Groups[0].Rules
}

// row is one line of the table in docs/operations.md.
type row struct {
	metrics []string
	section string // as the table links to it first; empty: it links to none
}

func readTable(t *testing.T) map[string]row {
	t.Helper()
	rows := map[string]row{}
	for line := range strings.Lines(string(read(t, table))) {
		cells := strings.Split(line, " | ")
		if len(cells) != 4 || !strings.HasPrefix(cells[0], "| `Staffetta") {
			continue
		}
		r := row{metrics: metricsIn(cells[1])}
		if link := regexp.MustCompile(`\]\(([^)]*)\)`).FindStringSubmatch(cells[3]); link != nil {
			r.section = link[1]
		}
		rows[strings.Trim(cells[0], "| `")] = r
	}
	if len(rows) < 20 {
		t.Fatalf("%d alarms were found in the table: this test looks for them in the wrong way", len(rows))
	}
	return rows
}

func metricsIn(text string) []string {
	names := regexp.MustCompile(`\b(?:staffetta_[a-z_]+|up)\b`).FindAllString(text, -1)
	slices.Sort(names)
	return slices.Compact(names)
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Each row of the table is a rule about the same metrics, and each rule is a row.
func TestTheTableAndTheRulesAreTheSame(t *testing.T) {
	t.Parallel()
	rows, rung := readTable(t), map[string]bool{}
	for _, r := range readRules(t) {
		rung[r.Alert] = true
		its, there := rows[r.Alert]
		if !there {
			t.Errorf("%s has no row in docs/operations.md", r.Alert)
			continue
		}
		about := metricsIn(r.Expr)
		for _, name := range its.metrics {
			if !slices.Contains(about, name) {
				t.Errorf("%s: the table speaks of %s, and the rule does not", r.Alert, name)
			}
		}
		if link := r.Annotations["runbook_url"]; its.section != "" {
			page, anchor, _ := strings.Cut(its.section, "#")
			if page == "" {
				page = "operations.md"
			}
			if want := pages + "docs/" + page + "#" + anchor; link != want {
				t.Errorf("%s leads to %s, and the table to %s", r.Alert, link, want)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		if !rung[name] {
			t.Errorf("%s is in the table, and is no rule", name)
		}
	}
}

// Who is woken gets a sentence, what to do, and a section that is there.
func TestEachAlarmSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for _, r := range readRules(t) {
		for _, part := range []string{"summary", "description"} {
			if s := strings.TrimSpace(r.Annotations[part]); !strings.HasSuffix(s, ".") && !strings.HasSuffix(s, ").") {
				t.Errorf("%s: its %s is no sentence: %q", r.Alert, part, s)
			}
		}
		if s := r.Labels["severity"]; s != "page" && s != "ticket" {
			t.Errorf("%s: severity %q", r.Alert, s)
		}
		page, ours := strings.CutPrefix(r.Annotations["runbook_url"], pages)
		file, anchor, _ := strings.Cut(page, "#")
		if !ours || !slices.Contains(anchors(string(read(t, filepath.Join(root, file)))), anchor) {
			t.Errorf("%s leads to %s, where there is no such section", r.Alert, r.Annotations["runbook_url"])
		}
	}
}

// anchors are those that GitHub gives to headings.
func anchors(page string) (all []string) {
	for line := range strings.Lines(page) {
		title, is := strings.CutPrefix(strings.TrimSpace(line), "#")
		if !is {
			continue
		}
		all = append(all, strings.Map(func(r rune) rune {
			switch r = unicode.ToLower(r); {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return r
			}
			return -1
		}, strings.TrimSpace(strings.TrimLeft(title, "#"))))
	}
	return all
}

// queries are all of the dashboard.
func queries(t *testing.T) (all []string) {
	t.Helper()
	var board any
	if err := json.Unmarshal(read(t, dashboard), &board); err != nil {
		t.Fatal(err)
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if expr, ok := v["expr"].(string); ok {
				all = append(all, expr)
			}
			for _, k := range slices.Sorted(maps.Keys(v)) {
				walk(v[k])
			}
		case []any:
			for _, one := range v {
				walk(one)
			}
		}
	}
	walk(board)
	if len(all) < 10 {
		t.Fatalf("%d queries were found in the dashboard", len(all))
	}
	return all
}

// What rings can be seen, and what can be seen is there.
func TestTheDashboardShowsWhatTheAlarmsAreAbout(t *testing.T) {
	t.Parallel()
	var shown []string
	for _, q := range queries(t) {
		shown = append(shown, metricsIn(q)...)
	}
	var missing []string
	for _, r := range readRules(t) {
		if !slices.ContainsFunc(metricsIn(r.Expr), func(name string) bool { return slices.Contains(shown, name) }) {
			missing = append(missing, r.Alert)
		}
	}
	if diff := cmp.Diff([]string(nil), missing); diff != "" {
		t.Errorf("nothing on the dashboard shows why these ring:\n%s", diff)
	}
}
