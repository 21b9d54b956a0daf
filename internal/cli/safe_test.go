package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/query"
)

// Control characters from others are shown, and have no effect. Our own have.
func TestTerminalObeysNobodyElse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"TextOfAllKinds", "È 漢 👩\u200d🚀\tè\n", "È 漢 👩\u200d🚀\tè\n"},
		{"WindowTitleAndErase", "anna\x1b]0;x\a\x1b[2J", `anna\u001b]0;x\u0007\u001b[2J`},
		{"ColoursOfOthers", "\x1b[31mred\x1b[0m", `\u001b[31mred\u001b[0m`},
		{"EightBitControls", "a\u009b2J\x9bJ", "a\\u009b2J\ufffdJ"},
		{"DrawingOver", "paid\rfree\b\x7f", `paid\u000dfree\u0008\u007f`},
		{"TurnedLetters", "\u202eevil\u2066\u200f", `\u202eevil\u2066\u200f`},
		{"LineSeparators", "a\u2028b", `a\u2028b`},
		{"ForgedMarks", "\ufdd02J", "\ufdd02J"},
		{"OurOwnColours", paint{true}.red("no"), "\x1b[31mno\x1b[0m"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			w := &safeWriter{w: &out}
			if n, err := w.Write([]byte(c.text)); n != len(c.text) || err != nil {
				t.Errorf("wrote %d of %d: %v", n, len(c.text), err)
			}
			if out.String() != c.want {
				t.Errorf("shows %q, want %q", &out, c.want)
			}
		})
	}
	t.Run("CharactersInPieces", func(t *testing.T) {
		var out bytes.Buffer
		w := &safeWriter{w: &out}
		for _, b := range []byte("è\u202e漢") {
			w.Write([]byte{b})
		}
		if want := `è\u202e漢`; out.String() != want {
			t.Errorf("shows %q, want %q", &out, want)
		}
	})
}

// Every text of every event, and of a letter, filled with hostile characters.
func TestEveryFieldIsPrintedSafely(t *testing.T) {
	t.Parallel()
	evil := "x\x1b]0;owned\a\x1b[2J\r\n\u202ey\u009b"
	var out bytes.Buffer
	term := Terminal{Name: "staffetta", Out: &out, Err: &out, Colour: true, Width: 80}.safe()
	kinds := 0
	protoregistry.GlobalTypes.RangeMessages(func(kind protoreflect.MessageType) bool {
		if kind.Descriptor().ParentFile().Package() != "staffetta.campaign.v1" {
			return true
		}
		m := kind.New()
		fillTexts(m, evil)
		event := contract.StoredEvent{Type: "told", Message: m.Interface()}
		out.Reset()
		file := term
		file.Width = 0
		if err := printEvent(file, event); err != nil {
			t.Error(err)
		}
		if kinds++; strings.Count(out.String(), "\n") != 1 {
			t.Errorf("%s is not one line: %q", kind.Descriptor().Name(), &out)
		}
		mustBeSafe(t, string(kind.Descriptor().Name()), &out)
		// On a terminal it goes on in lines that look like no event of their own.
		out.Reset()
		if err := printEvent(term, event); err != nil {
			t.Error(err)
		}
		first, further, _ := strings.Cut(out.String(), "\n")
		for line := range strings.Lines(further) {
			if !strings.HasPrefix(line, "    ") {
				t.Errorf("%s: %q after %q", kind.Descriptor().Name(), line, first)
			}
		}
		mustBeSafe(t, string(kind.Descriptor().Name()), &out)
		return true
	})
	if kinds < 10 {
		t.Errorf("only %d kinds of events", kinds)
	}
	out.Reset()
	l := query.Letter{Reason: evil, Note: evil, Fields: []string{evil}, Header: map[string][]string{evil: {evil}}, Subject: evil, Stream: evil, Raw: []byte(evil)}
	l.Payload = json.RawMessage(`{"text":"\u009b\u202e"}`)
	if err := printLetter(term, l); err != nil {
		t.Error(err)
	}
	mustBeSafe(t, "letter", &out)
	out.Reset()
	l.Payload, l.Unreadable = nil, evil
	if err := printLetter(term, l); err != nil {
		t.Error(err)
	}
	mustBeSafe(t, "letter that cannot be read", &out)
}

func mustBeSafe(t *testing.T, what string, out *bytes.Buffer) {
	t.Helper()
	own := strings.NewReplacer("\x1b[0m", "", "\x1b[1m", "", "\x1b[2m", "", "\x1b[31m", "", "\x1b[32m", "")
	if printed := own.Replace(out.String()); printed == "" || strings.ContainsFunc(printed, obeyed) {
		t.Errorf("%s prints %q", what, printed)
	}
}

// fillTexts fills every text of a message, and of those within it.
func fillTexts(m protoreflect.Message, text string) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		switch f := fields.Get(i); {
		case f.IsMap():
		case f.IsList() && f.Kind() == protoreflect.StringKind:
			m.Mutable(f).List().Append(protoreflect.ValueOfString(text))
		case f.IsList():
		case f.Kind() == protoreflect.StringKind:
			m.Set(f, protoreflect.ValueOfString(text))
		case f.Kind() == protoreflect.MessageKind:
			fillTexts(m.Mutable(f).Message(), text)
		}
	}
}

// Every command prints through a safeWriter, errors and help included.
func TestEveryCommandPrintsSafely(t *testing.T) {
	t.Parallel()
	// In a directory of its own: a command may write files.
	evil := filepath.Join(t.TempDir(), "\x1b]0;owned\a\u202e")
	nowhere := []string{"NATS_URL=nats://127.0.0.1:1", "STAFFETTA_GATEWAY_URL=" + evil}
	lines := [][]string{{evil}, {"lint", "--json", evil}, {"request", "-f", evil}, {"lint", "x", "--price", evil}}
	var walk func(c *cobra.Command, path []string)
	walk = func(c *cobra.Command, path []string) {
		for _, sub := range c.Commands() {
			path := append(slices.Clone(path), sub.Name())
			lines = append(lines, append(slices.Clone(path), evil), append(slices.Clone(path), "--"+evil), append(slices.Clone(path), "shop-italia."+evil, evil))
			walk(sub, path)
		}
	}
	walk(newRoot(Terminal{}), nil)
	if len(lines) < 100 {
		t.Errorf("only %d command lines", len(lines))
	}
	for _, args := range lines {
		var out bytes.Buffer
		Run(t.Context(), Terminal{In: strings.NewReader(evil), Out: &out, Err: &out, Env: nowhere, Colour: true, Width: 80}, args)
		if args[0] != "lint" && out.Len() == 0 || strings.ContainsAny(out.String(), "\a\u202e") || strings.Contains(out.String(), "\x1b]") {
			t.Errorf("%q prints %q", args, &out)
		}
	}
}

// No code prints around it. Only three may use the terminal directly: the safeWriter
// itself, the bar, which erases itself, and bytes of letters that go into a file.
func TestNobodyPrintsBesideIt(t *testing.T) {
	t.Parallel()
	allowed := map[string]bool{"safe.go": true, "terminal.go": true, "dlq_show.go": true, "bar.go": true, "screen.go": true}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || allowed[file] {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`os\.Std(out|err)|fmt\.Print|\.raw\b|\bprintln\(`).Find(source); found != nil {
			t.Errorf("%s prints with %s: what is printed goes through t.Out or t.Err", file, found)
		}
	}
}
