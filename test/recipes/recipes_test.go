package recipes

import (
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var follow = flag.Bool("follow", false, "follow the recipes on a copy of the tree, once for each step that is left out; it takes minutes, and needs make .tmp/bin/buf .tmp/bin/protoc-gen-go")

// root is the module's folder.
const root = "../.."

// recipe is how somebody adds one more of something: what is touched by hand, then what
// is written by programs, and what goes red as long as something of it is missing.
type recipe struct {
	heading string // in CONTRIBUTING.md
	steps   []step
	written [][]string // commands that write what is written by programs, beside make generate
	checks  [][]string // commands; all succeed once every step is done
}

// step is one edit of one file.
type step struct {
	file  string
	after string // the edit goes on the line behind the first that contains this; empty: it is a new file
	add   string
	// written says that a program writes it, and the recipe how.
	written bool
}

// byHand are the files that somebody has to touch, each once.
func (r recipe) byHand() (files []string) {
	for _, s := range r.steps {
		if !slices.Contains(files, s.file) && !s.written {
			files = append(files, s.file)
		}
	}
	return files
}

// CONTRIBUTING.md names the files that the recipes touch, and no others, and each edit
// finds its place in them.
func TestContributingNamesTheFiles(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range recipes {
		t.Run(r.heading, func(t *testing.T) {
			t.Parallel()
			_, section, found := strings.Cut(string(text), "\n### "+r.heading+"\n")
			if !found {
				t.Fatalf("CONTRIBUTING.md has no section %q", r.heading)
			}
			section, _, _ = strings.Cut(section, "\n#")
			var named []string
			for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(section, -1) {
				named = append(named, row[1])
			}
			if !slices.Equal(named, r.byHand()) {
				t.Errorf("CONTRIBUTING.md names %q\nthe recipe touches %q", named, r.byHand())
			}
			for _, s := range r.steps {
				if s.after == "" {
					continue
				}
				if data, err := os.ReadFile(filepath.Join(root, s.file)); err != nil || !strings.Contains(string(data), s.after) {
					t.Errorf("%s: no line contains %q: %v", s.file, s.after, err)
				}
			}
		})
	}
}

// Who follows a recipe is done, and who forgets a step is told.
func TestFollowTheRecipes(t *testing.T) {
	if !*follow {
		t.Skip("skipped: it follows each recipe once for each step; run make test/nightly, or go test ./test/recipes -run TestFollowTheRecipes -follow")
	}
	for _, r := range recipes {
		t.Run(r.heading, func(t *testing.T) {
			tree := copied(t)
			r.apply(t, tree, -1)
			if out, ok := r.passes(t, tree); !ok {
				t.Fatalf("every step is done, and still:\n%s", out)
			}
			for i, s := range r.steps {
				t.Run("Without "+s.file, func(t *testing.T) {
					for _, s := range r.steps {
						restore(t, tree, s.file)
					}
					r.apply(t, tree, i)
					out, ok := r.passes(t, tree)
					if ok {
						t.Fatalf("nothing goes red without\n%s", s.add)
					}
					t.Log(red(out))
				})
			}
		})
	}
}

// apply makes all edits but one, and has the generated code written.
func (r recipe) apply(t *testing.T, tree string, but int) {
	t.Helper()
	contract := false
	for i, s := range r.steps {
		contract = contract || strings.HasSuffix(s.file, ".proto")
		if i == but {
			continue
		}
		file := filepath.Join(tree, s.file)
		if s.after == "" {
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, file, []byte(s.add))
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		before, rest, found := strings.Cut(string(data), s.after)
		line, rest, _ := strings.Cut(rest, "\n")
		if !found {
			t.Fatalf("%s: no line contains %q", s.file, s.after)
		}
		write(t, file, []byte(before+s.after+line+"\n"+s.add+"\n"+rest))
	}
	if contract {
		generated, _ := filepath.Glob(filepath.Join(tree, "proto/staffetta/campaign/v1/*.pb.go"))
		for _, file := range generated {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
		if out, err := run(tree, ".tmp/bin/buf", "generate"); err != nil {
			t.Fatalf("make generate: %v\n%s", err, out)
		}
	}
	for _, command := range r.written {
		run(tree, command...) // what it says, the checks say
	}
}

func (r recipe) passes(t *testing.T, tree string) (string, bool) {
	t.Helper()
	for _, command := range r.checks {
		if out, err := run(tree, command...); err != nil {
			return out, false
		}
	}
	return "", true
}

func run(dir string, command ...string) (string, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// red is the first line that says what is wrong.
func red(out string) string {
	for line := range strings.Lines(out) {
		if regexp.MustCompile(`\.go:\d+|panic:`).MatchString(line) {
			return strings.TrimSpace(line)
		}
	}
	return out
}

// copied is a copy of the tree in which everything but the tools can be changed.
func copied(t *testing.T) string {
	t.Helper()
	tree := t.TempDir()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if rel == ".git" || rel == ".tmp" || rel == "bin" {
				return fs.SkipDir
			}
			return os.MkdirAll(filepath.Join(tree, rel), 0o755)
		}
		if entry.Type().IsRegular() && rel != ".git" {
			restore(t, tree, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	tools, err := filepath.Abs(filepath.Join(root, ".tmp"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(tools, filepath.Join(tree, ".tmp")); err != nil {
		t.Fatal(err)
	}
	return tree
}

// restore makes a file of the copy what it is in the tree: gone, if it is not there.
func restore(t *testing.T, tree, file string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, file))
	if os.IsNotExist(err) {
		if err := os.Remove(filepath.Join(tree, file)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(tree, file), data)
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
