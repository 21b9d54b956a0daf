package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

// shownCommand is a command of the README's console blocks, and what the README
// shows that it prints.
type shownCommand struct{ line, prints string }

func shownCommands() ([]shownCommand, error) {
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		return nil, err
	}
	var list []shownCommand
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllSubmatch(raw, -1) {
		for line := range strings.Lines(string(block[1])) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				list = append(list, shownCommand{line: strings.TrimSpace(command)})
			} else if len(list) > 0 {
				list[len(list)-1].prints += line
			}
		}
	}
	return list, nil
}

// The README's commands are run by testdata/readme.txtar, all of them and in
// their order: each stands there as a comment, and the next line runs it.
func TestReadmeCommandsAreRun(t *testing.T) {
	t.Parallel()
	commands, err := shownCommands()
	if err != nil {
		t.Fatal(err)
	}
	var want, have []string
	for _, c := range commands {
		want = append(want, c.line)
	}
	script, err := os.ReadFile("testdata/readme.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^# \$ (.*)\nshown\b`).FindAllStringSubmatch(string(script), -1) {
		have = append(have, m[1])
	}
	if diff := cmp.Diff(want, have); diff != "" || len(want) == 0 {
		t.Errorf("the commands of README.md and those that are run (-README +run):\n%s", diff)
	}
	if n := len(regexp.MustCompile(`(?m)^shown\b`).FindAll(script, -1)); n != len(want) {
		t.Errorf("%d are run, and README.md shows %d", n, len(want))
	}
}

// shownKey is the key under which a script keeps what is still to be run.
type shownKey struct{}

// cmdShown runs the README's next command in a shell, with the arguments behind
// it: ports that are free, say. With &NAME it runs in the background, as after
// `start`. If the README shows what it prints, that is what it has to print,
// unless there are figures in it that differ from day to day ("…").
func cmdShown(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: shown [&NAME] [ARG…]")
	}
	rest, ok := ts.Value(shownKey{}).(*[]shownCommand)
	if !ok || len(*rest) == 0 {
		ts.Fatalf("README.md shows no further command")
	}
	next := (*rest)[0]
	*rest = (*rest)[1:]

	// bin/staffetta is where make would have put it.
	bin, err := lookPath("staffetta", ts.Getenv("PATH"))
	ts.Check(err)
	ts.Check(os.MkdirAll(ts.MkAbs("bin"), 0o755))
	if err := os.Symlink(bin, ts.MkAbs("bin/staffetta")); !os.IsExist(err) {
		ts.Check(err)
	}
	line := next.line
	if target, ok := strings.CutPrefix(line, "make "); ok {
		line = recipe(ts, target)
	}
	name, background := "", false
	if len(args) > 0 {
		if name, background = strings.CutPrefix(args[0], "&"); background {
			args = args[1:]
		}
	}
	for _, arg := range args {
		line += " '" + arg + "'"
	}
	if background {
		launch(ts, name, exec.Command("sh", "-c", "exec "+line))
		return
	}
	ts.Check(ts.Exec("sh", "-c", line))
	// Within testscript the program is not told by which path it was called.
	prints := strings.ReplaceAll(next.prints, "bin/staffetta", "staffetta")
	if out := ts.ReadFile("stdout"); prints != "" && !strings.Contains(prints, "…") && out != prints {
		ts.Fatalf("%s prints (-README +run):\n%s", next.line, cmp.Diff(prints, out))
	}
}

// recipe is what a target of the Makefile runs, once bin/staffetta is built.
func recipe(ts *testscript.TestScript, target string) string {
	raw, err := os.ReadFile(filepath.Join("..", "..", "Makefile"))
	ts.Check(err)
	m := regexp.MustCompile(`(?m)^` + target + `: build .*\n\t@(.*)$`).FindSubmatch(raw)
	if m == nil {
		ts.Fatalf("the Makefile has no target %s with one command, after a build", target)
	}
	return string(m[1])
}
