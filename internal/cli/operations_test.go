package cli_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/staffetta-io/staffetta/internal/cli"
)

// Every command in docs/operations.md exists, with the flags that it is given
// there. What they do is in testdata/operator.
func TestOperationsNamesCommandsThatExist(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(doc)) {
		line, code := strings.CutPrefix(strings.TrimRight(line, "\n"), "    ")
		if !code {
			continue
		}
		line, _, _ = strings.Cut(line, "#")
		for part := range strings.SplitSeq(line, "|") {
			part, _, _ = strings.Cut(part, ">")
			words := strings.Fields(strings.ReplaceAll(part, `"`, ""))
			if len(words) == 0 || words[0] != "staffetta" {
				continue
			}
			n++
			var out bytes.Buffer
			if code := cli.Run(t.Context(), cli.Terminal{Out: &out, Err: &out}, append(words[1:], "--help")); code != 0 || !strings.Contains(out.String(), "Usage:") {
				t.Errorf("%s: exit code %d: %s", strings.TrimSpace(part), code, out.String())
			}
		}
	}
	if n < 20 {
		t.Errorf("%d commands were found in the document, want 20 or more: this test looks for them in the wrong way", n)
	}
}
