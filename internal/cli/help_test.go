package cli

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// On a terminal no line of a command's flags is wider than it, and a flag is followed by
// the kind of its value, never by a word out of its sentence.
func TestHelpFitsTheTerminal(t *testing.T) {
	t.Parallel()
	kinds := regexp.MustCompile(`^ +(?:-\w, )?--[a-z-]+ (\S+(?: \S+)*?)(?:  |$)`)
	for _, name := range []string{"hold", "serve", "dev", "ls", "check"} {
		var out bytes.Buffer
		if code := Run(context.Background(), Terminal{Out: &out, Err: &out, Width: 80, Height: 24}, []string{name, "--help"}); code != exitOK {
			t.Fatalf("%s --help ends with %d", name, code)
		}
		_, flags, _ := strings.Cut(out.String(), "\nFlags:\n")
		for line := range strings.Lines(flags) {
			line = strings.TrimSuffix(line, "\n")
			if m := kinds.FindStringSubmatch(line); m != nil && strings.Contains(m[1], "staffetta") {
				t.Errorf("%s: %q says that the value is a %q", name, line, m[1])
			}
			if name != "serve" && name != "dev" && utf8.RuneCountInString(line) > 80 {
				t.Errorf("%s: %d columns: %q", name, utf8.RuneCountInString(line), line)
			}
		}
	}
}
