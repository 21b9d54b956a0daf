package deadletter_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/staffetta-io/staffetta/internal/deadletter"
)

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
	var explained []deadletter.Reason
	for line := range strings.Lines(table) {
		cell, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), "|")
		for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(cell, -1) {
			explained = append(explained, deadletter.Reason(m[1]))
		}
	}
	if !slices.Equal(explained, deadletter.Reasons()) {
		t.Errorf("docs/operations.md explains %q, the reasons are %q", explained, deadletter.Reasons())
	}
}

// The commands in a remedy can be typed as they are: no placeholder is left, and the
// letter and the program are named.
func TestEveryReasonHasARemedy(t *testing.T) {
	t.Parallel()
	for _, reason := range append(deadletter.Reasons(), "of_a_later_version") {
		for _, legible := range []bool{true, false} {
			remedy := deadletter.Remedy("./staffetta", reason, 17, "shop-italia.bf", legible)
			if remedy == "" || strings.ContainsAny(remedy, "{}") {
				t.Errorf("%s, legible %v: %q", reason, legible, remedy)
			}
			for line := range strings.Lines(remedy) {
				if command, is := strings.CutPrefix(line, "  "); is && !strings.HasPrefix(command, "./staffetta ") {
					t.Errorf("%s: %q is no command of the program", reason, command)
				}
			}
		}
	}
}
