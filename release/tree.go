package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

const (
	service  = "github.com/staffetta-io/staffetta"
	contract = service + "/proto"
)

// folders is where each module lies in the tree.
var folders = map[string]string{service: ".", contract: "proto"}

// tree is the folder of the repository, as it is now and not as it was committed.
type tree string

func (t tree) path(name string) string { return filepath.Join(string(t), name) }

// version is the one that both modules get.
func (t tree) version() (string, error) {
	raw, err := os.ReadFile(t.path("go.mod"))
	if err != nil {
		return "", err
	}
	mod, err := modfile.Parse("go.mod", raw, nil)
	if err != nil {
		return "", err
	}
	for _, r := range mod.Require {
		if r.Mod.Path == contract {
			return r.Mod.Version, nil
		}
	}
	return "", fmt.Errorf("go.mod does not require %s: run go run ./release prepare with a version", contract)
}

// replaced is the version that go.work takes from the folder beside it.
func (t tree) replaced() (string, error) {
	raw, err := os.ReadFile(t.path("go.work"))
	if err != nil {
		return "", err
	}
	work, err := modfile.ParseWork("go.work", raw, nil)
	if err != nil {
		return "", err
	}
	for _, r := range work.Replace {
		if r.Old.Path == contract {
			return r.Old.Version, nil
		}
	}
	return "", nil
}

// files lists what a commit of everything would hold, relative to the root.
func (t tree) files() ([]string, error) {
	out, err := t.run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return nil, err
	}
	var files []string
	for name := range strings.SplitSeq(strings.TrimSuffix(out, "\x00"), "\x00") {
		if info, err := os.Lstat(t.path(name)); err == nil && info.Mode().IsRegular() {
			files = append(files, name) // else it was deleted, or is a link, which no module has
		}
	}
	return files, nil
}

// run runs a program in the tree and returns what it printed; if it fails, its error
// says why in the program's own words. Go sees one module at a time, as whoever
// installs a release does.
func (t tree) run(name string, args ...string) (string, error) {
	var said strings.Builder
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stderr = string(t), &said
	if name == "go" {
		cmd.Env = append(os.Environ(), "GOWORK=off")
	}
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, out, said.String())
	}
	return string(out), nil
}
