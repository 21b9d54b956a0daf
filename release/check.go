package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// requirement is something that must hold before a version is tagged; unmet says
// what is missing, and what to do about it.
type requirement struct {
	what  string
	unmet func(tree, string) error
}

var requirements = []requirement{
	{"the version is not released yet", unreleased},
	{"go.mod and go.work name the same version", agreed},
	{"go.mod and go.sum are tidy, of both modules", func(t tree, _ string) error { return t.untidy() }},
	{"go.sum has the checksum of this contract", summed},
	{"CHANGELOG.md has a section for it, and nothing unreleased", told},
	{"the accepted contract is today's", accepted},
	{"the README's commands print what it shows", shown},
	{"everything is committed", committed},
}

// check prints which requirements are met; its error says that one is not.
func (t tree) check(out io.Writer) error {
	version, err := t.version()
	if err != nil {
		return err
	}
	missing := 0
	for _, r := range requirements {
		if err := r.unmet(t, version); err != nil {
			missing++
			fmt.Fprintf(out, "missing  %s:\n         %s\n", r.what, strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "\n         "))
			continue
		}
		fmt.Fprintf(out, "ok       %s\n", r.what)
	}
	if missing > 0 {
		return fmt.Errorf("%s cannot be tagged: %d of %d are missing", version, missing, len(requirements))
	}
	fmt.Fprintf(out, `
The contract first, because the service requires it:

  git tag -a %[1]s/%[2]s -m "contract %[2]s" && git push origin %[1]s/%[2]s
  git tag -a %[2]s -m "staffetta %[2]s" && git push origin %[2]s
`, folders[contract], version)
	return nil
}

func unreleased(t tree, version string) error {
	tags, err := t.run("git", "tag", "--list", version, folders[contract]+"/"+version)
	if err == nil && tags != "" {
		err = fmt.Errorf("there is a tag %s: write the next version with go run ./release prepare",
			strings.Join(strings.Fields(tags), " and a tag "))
	}
	return err
}

func agreed(t tree, version string) error {
	replaced, err := t.replaced()
	if err == nil && replaced != version {
		err = fmt.Errorf("go.mod requires %s, go.work takes %q from the folder: run go run ./release prepare %[1]s", version, replaced)
	}
	return err
}

func summed(t tree, version string) error {
	want, err := t.sums(version)
	if err != nil {
		return err
	}
	have, err := os.ReadFile(t.path("go.sum"))
	if err == nil && !slices.Equal(ownSums(have), want) {
		err = fmt.Errorf("it has %d lines of the contract, and they are not those of %s: run go run ./release prepare %[2]s", len(ownSums(have)), version)
	}
	return err
}

// heading is that of a version in CHANGELOG.md, as Keep a Changelog has it.
var heading = regexp.MustCompile(`(?m)^## \[(.+?)\](?: - \d{4}-\d{2}-\d{2})?$`)

func told(t tree, version string) error {
	raw, err := os.ReadFile(t.path("CHANGELOG.md"))
	if err != nil {
		return err
	}
	versions := heading.FindAllSubmatchIndex(raw, -1)
	name := func(at []int) string { return string(raw[at[2]:at[3]]) }
	if len(versions) < 2 || name(versions[0]) != "Unreleased" || "v"+name(versions[1]) != version {
		return fmt.Errorf("its newest heading after ## [Unreleased] is not ## [%s] - and the day: rename what is unreleased", strings.TrimPrefix(version, "v"))
	}
	if entries := bytes.TrimSpace(raw[versions[0][1]:versions[1][0]]); len(entries) > 0 {
		return errors.New("there are entries under ## [Unreleased]: move them to the version")
	}
	return nil
}

// accepted asks buf, which make release-check has built: what is released is what
// later contracts are compared with.
func accepted(t tree, _ string) error {
	folder, err := os.MkdirTemp("", "staffetta-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	today := filepath.Join(folder, "contract.binpb")
	if _, err := t.run(".tmp/bin/buf", "build", "--exclude-source-info", "--output", today); err != nil {
		return err
	}
	now, err := os.ReadFile(today)
	if err != nil {
		return err
	}
	promised, err := os.ReadFile(t.path("proto/accepted.binpb"))
	if err == nil && !bytes.Equal(now, promised) {
		err = errors.New("proto/accepted.binpb is another one: run make contract/accept, and say in CHANGELOG.md what callers see of it")
	}
	return err
}

func shown(t tree, _ string) error {
	out, err := t.run("make", "test/short", "PKG=./internal/cli", "ARGS=-run='Readme|Scripts/readme'")
	if err == nil && strings.Contains(out, "no tests to run") {
		err = errors.New("no test of ./internal/cli looks at it: correct the -run of release/check.go")
	}
	return err
}

func committed(t tree, _ string) error {
	changes, err := t.run("git", "status", "--porcelain")
	if err == nil && changes != "" {
		err = fmt.Errorf("these differ from the last commit:\n%s", changes)
	}
	return err
}
