package cli_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/cli"
	"github.com/staffetta-io/staffetta/test/story"
)

// Every command in docs/operations.md exists, with the flags that it has there. What
// the commands do is tested in testdata/operator.
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

// Every metric with an alarm in docs/operations.md is there before anything has
// happened: an alarm on a missing metric never rings.
func TestOperationsNamesMetricsThatExist(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	local, err := app.StartLocal(app.LocalOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { local.Stop() })
	resp, err := http.Get(startService(t, local, story.Settings()).URL() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`staffetta_[a-z_]+`).FindAllString(string(doc), -1)
	if len(names) < 15 {
		t.Errorf("%d metrics were found in the document: this test looks for them in the wrong way", len(names))
	}
	// These have one series for each budget, once there is a budget, and one for each
	// account, once a quote has said what it has.
	later := regexp.MustCompile(`^staffetta_(budget_(limit|spent|reserved|foreign_costs)|gateway_credit(_unexplained)?)$`)
	for _, name := range names {
		if !later.MatchString(name) && !regexp.MustCompile(`(?m)^`+name+`[ {]`).Match(page) {
			t.Errorf("%s is in the document, and not in /metrics", name)
		}
	}
}
