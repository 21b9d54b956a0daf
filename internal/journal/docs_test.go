package journal_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/journal"
)

// docs/deploy.md lists the streams that a service makes, and no others; and
// whoever copies its loop over them leaves none out.
func TestDeployListsEveryStream(t *testing.T) {
	t.Parallel()
	nc := connect(t, startServer(t, -1, t.TempDir()))
	j := open(t, nc, journal.Options{})
	if _, err := j.Schedules(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.OpenBudgets(t.Context(), nc, 1); err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	var made []string
	names := js.StreamNames(t.Context())
	for name := range names.Name() {
		made = append(made, name)
	}
	if names.Err() != nil {
		t.Fatal(names.Err())
	}
	slices.Sort(made)

	data, err := os.ReadFile("../../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(data)
	var listed []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z]+_[A-Za-z_]+)` \\|").FindAllStringSubmatch(doc, -1) {
		listed = append(listed, m[1])
	}
	slices.Sort(listed)
	if !slices.Equal(listed, made) {
		t.Errorf("docs/deploy.md lists %v, the service makes %v", listed, made)
	}
	_, loop, _ := strings.Cut(doc, "for stream in ")
	loop, _, _ = strings.Cut(loop, "; do")
	looped := strings.Fields(strings.ReplaceAll(loop, "\\", ""))
	slices.Sort(looped)
	if !slices.Equal(looped, made) {
		t.Errorf("the loop of docs/deploy.md goes over %v, the service makes %v", looped, made)
	}
}

// docs/operations.md says of every reason of a dead letter what to do.
func TestOperationsExplainsEveryReason(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, doc, _ := strings.Cut(string(data), "## Dead letters")
	_, doc, _ = strings.Cut(doc, "|---|---|---|\n")
	table, _, _ := strings.Cut(doc, "\n\n")
	var explained []string
	for line := range strings.Lines(table) {
		cell, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), "|")
		for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(cell, -1) {
			explained = append(explained, m[1])
		}
	}
	if !slices.Equal(explained, journal.Reasons) {
		t.Errorf("docs/operations.md explains %q, the reasons are %q", explained, journal.Reasons)
	}
}
