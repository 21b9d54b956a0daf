package cli_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/staffetta-io/staffetta/internal/cli"
)

// TestDemoOnATerminal: on a terminal a bar shows how far the sending is. It is
// overwritten again and again, and gone in the end. No line is wider than the screen.
func TestDemoOnATerminal(t *testing.T) {
	t.Parallel()
	const width = 80
	var out, errs bytes.Buffer
	code := cli.Run(t.Context(), cli.Terminal{Out: &out, Err: &errs, Width: width}, []string{"demo"})
	if code != 0 || errs.Len() > 0 {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	bars := regexp.MustCompile(`  █+░* +(\d+) %  [\d,]+ delivered`).FindAllStringSubmatch(out.String(), -1)
	if len(bars) < 2 {
		t.Fatalf("%d bars were drawn:\n%s", len(bars), &out)
	}
	if first, last := bars[0][1], bars[len(bars)-1][1]; first == last {
		t.Errorf("the bar does not move: %s %% and %s %%", first, last)
	}
	// What a screen shows in the end: what was overwritten is gone.
	shown := regexp.MustCompile(`(?m)^[^\n]*\r\x1b\[2K`).ReplaceAllString(out.String(), "")
	if strings.Contains(shown, "█") || strings.Contains(shown, "\x1b") {
		t.Errorf("a bar is left on the screen:\n%q", shown)
	}
	for line := range strings.Lines(out.String()) {
		for drawn := range strings.SplitSeq(strings.TrimSuffix(line, "\n"), "\r\x1b[2K") {
			if n := utf8.RuneCountInString(drawn); n > width {
				t.Errorf("%d columns: %s", n, drawn)
			}
		}
	}
	for _, want := range []string{"10,247", "344.09", "9,542  97.06 %"} {
		if !strings.Contains(shown, want) {
			t.Errorf("no %s in the summary:\n%s", want, shown)
		}
	}
}
