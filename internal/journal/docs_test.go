package journal_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/streams"
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
	if _, err := j.HashKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.OpenBudgets(t.Context(), access(t, nc), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.OpenRate(t.Context(), nc, "default", 1); err != nil {
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
	for _, want := range streams.All(0) {
		kept := "(for ever|each message has its own end)"
		if want.MaxAge > 0 {
			kept = fmt.Sprintf("%d days", want.MaxAge/streams.Day)
		}
		if row := regexp.MustCompile("(?m)^\\| `" + want.Name + "` \\|.*$").FindString(doc); !regexp.MustCompile(`\| ` + kept + `[^|]*\|$`).MatchString(row) {
			t.Errorf("docs/deploy.md says %q, and the service keeps it %s", row, kept)
		}
	}
	_, loop, _ := strings.Cut(doc, "for stream in ")
	loop, _, _ = strings.Cut(loop, "; do")
	looped := strings.Fields(strings.ReplaceAll(loop, "\\", ""))
	slices.Sort(looped)
	if !slices.Equal(looped, made) {
		t.Errorf("the loop of docs/deploy.md goes over %v, the service makes %v", looped, made)
	}
}

// The package's own list is that of the code: each stream with all its subjects, and no
// others.
func TestThePackageListsEveryStream(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	listed, name := map[string][]string{}, ""
	for line := range strings.Lines(string(data)) {
		m := regexp.MustCompile(`^//\t([A-Z]+_[A-Za-z_]+)?\s+(\S+\.\S+)`).FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if m[1] != "" {
			name = m[1]
		}
		// As the code writes it, up to the first word that is any.
		fixed, _, _ := strings.Cut(m[2], "<")
		listed[name] = append(listed[name], fixed)
	}
	made := map[string][]string{}
	for _, s := range streams.All(0) {
		for _, subject := range s.Subjects {
			made[s.Name] = append(made[s.Name], strings.TrimRight(subject, "*.>")+".")
		}
	}
	if diff := cmp.Diff(made, listed); diff != "" {
		t.Errorf("doc.go lists other streams than the code makes (-code +doc.go):\n%s", diff)
	}
}
