package query_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/micro"

	"github.com/staffetta-io/staffetta/internal/query"
)

// table returns the rows between two comments of docs/query.md, cell by cell.
func table(t *testing.T, name string) (rows [][]string) {
	t.Helper()
	doc, err := os.ReadFile("../../docs/query.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "<!-- "+name+":")
	text, _, found := strings.Cut(rest, "<!-- /"+name+" -->")
	if !found {
		t.Fatalf("docs/query.md has no table of %s", name)
	}
	for line := range strings.Lines(text) {
		if cells := strings.Split(line, "|"); strings.HasPrefix(line, "| `") && len(cells) > 3 && cells[1] != " `code` " {
			rows = append(rows, cells[1:])
		}
	}
	return rows
}

func names(cell string) (names []string) {
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
		names = append(names, m[1])
	}
	return names
}

// docs/query.md names the questions that a service shows, with their fields, and the
// codes of errors.
func TestDocsAreTheProgram(t *testing.T) {
	t.Parallel()
	_, nc := serve(t, reader{})
	m, err := nc.Request("$SRV.INFO.staffetta-query", nil, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var info micro.Info
	if err := json.Unmarshal(m.Data, &info); err != nil {
		t.Fatal(err)
	}
	shown, written := map[string]string{}, map[string]string{}
	for _, e := range info.Endpoints {
		if !strings.HasSuffix(e.Subject, ".*") {
			shown[e.Subject] = e.Metadata["fields"]
		}
	}
	for _, row := range table(t, "questions") {
		written[names(row[0])[0]] = strings.Join(names(row[1]), ", ")
	}
	if diff := cmp.Diff(shown, written); diff != "" {
		t.Errorf("questions (-program +docs):\n%s", diff)
	}
	codes := map[query.Code]string{}
	for _, row := range table(t, "codes") {
		codes[query.Code(names(row[0])[0])] = strings.TrimSpace(row[1])
	}
	if !maps.Equal(codes, query.Codes) {
		t.Errorf("codes (-program +docs):\n%s", cmp.Diff(query.Codes, codes))
	}
}
