package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// generatedFrom are modules that hold only what was generated from another project, and
// no licence of their own.
var generatedFrom = map[string]string{
	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go": "github.com/bufbuild/protovalidate (Apache License 2.0)",
}

// licenses prints the licences of everything that the production binary is built from,
// word by word: to pass on the binary is to pass them on. A module without one is an
// error, so that nobody publishes what nobody may.
func (t tree) licenses(out io.Writer) error {
	list := exec.Command("go", "list", "-deps", "-tags", "production", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}|{{.Version}}|{{.Dir}}{{end}}{{end}}", "./cmd/staffetta")
	list.Dir, list.Stderr = string(t), os.Stderr
	said, err := list.Output()
	if err != nil {
		return fmt.Errorf("list what the binary is built from: %w", err)
	}
	lines := strings.Fields(string(said))
	slices.Sort(lines)
	var missing error
	for _, line := range slices.Compact(lines) {
		path, rest, _ := strings.Cut(line, "|")
		version, folder, _ := strings.Cut(rest, "|")
		texts, err := licensesIn(folder)
		if err != nil {
			return err
		}
		if like := generatedFrom[path]; like != "" {
			fmt.Fprintf(out, "==== %s %s: generated from %s, under its licence\n\n", path, version, like)
			continue
		}
		if len(texts) == 0 && !strings.HasPrefix(path, "github.com/staffetta-io/") {
			missing = errors.Join(missing, fmt.Errorf("%s %s has no licence in %s: it may not be passed on", path, version, folder))
		}
		for _, file := range texts {
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "==== %s %s: %s\n\n%s\n\n", path, version, filepath.Base(file), strings.TrimSpace(string(text)))
		}
	}
	return missing
}

// licensesIn are the files of a module that say under what it may be used.
func licensesIn(folder string) (files []string, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		word := strings.ToUpper(e.Name())
		for _, begin := range []string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "PATENTS"} {
			if !e.IsDir() && strings.HasPrefix(word, begin) {
				files = append(files, filepath.Join(folder, e.Name()))
			}
		}
	}
	return files, nil
}

// notes prints what CHANGELOG.md says of a version, or of what is unreleased if it does
// not know the version yet.
func (t tree) notes(version string, out io.Writer) error {
	raw, err := os.ReadFile(t.path("CHANGELOG.md"))
	if err != nil {
		return err
	}
	versions := append(heading.FindAllSubmatchIndex(raw, -1), []int{len(raw), len(raw), 0, 0})
	of := 0
	for i, at := range versions[:len(versions)-1] {
		if "v"+string(raw[at[2]:at[3]]) == version {
			of = i
		}
	}
	if len(versions) < 2 {
		return errors.New("CHANGELOG.md has no version")
	}
	_, err = fmt.Fprintf(out, "# Staffetta %s\n\n%s\n", version, bytes.TrimSpace(raw[versions[of][1]:versions[of+1][0]]))
	return err
}
