package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"
)

// newTree is a repository of two small modules, ready to be tagged as v1.2.0.
func newTree(t *testing.T) tree {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"LICENSE":                  "yours\n",
		"CHANGELOG.md":             "# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-12-01\n\n- all of it\n\n## [1.1.0] - 2026-11-01\n",
		"go.mod":                   "module " + service + "\n\ngo 1.26.0\n\nrequire " + contract + " v1.1.0\n",
		"go.sum":                   contract + " v1.1.0 h1:another\n",
		"go.work":                  "go 1.26.0\n\nuse (\n\t.\n\t./proto\n)\n\nreplace " + contract + " v1.1.0 => ./proto\n",
		"main.go":                  "package main\n\nimport _ \"" + contract + "/staffetta\"\n\nfunc main() {}\n",
		"proto/go.mod":             "module " + contract + "\n\ngo 1.26.0\n",
		"proto/staffetta/it.go":    "package staffetta\n",
		"proto/staffetta/it.proto": "syntax = \"proto3\";\n\npackage staffetta;\n\nmessage It {\n  int64 n = 1;\n}\n",
		"buf.yaml":                 "version: v2\nmodules:\n  - path: proto\n",
		".gitignore":               "/.tmp/\n/go.work.sum\n",
		"README.md":                "$ cat greeting\nhello\n",
		"greeting":                 "hello\n",
		// The service's own test runs the commands of the README; this tree has one.
		"Makefile": "test/short:\n" +
			"\t@test '$(PKG)' = ./internal/cli\n" +
			"\t@test \"$$(tail -1 README.md)\" = \"$$(cat greeting)\" || { echo README.md shows something else; exit 1; }\n",
	} {
		write(t, tree(dir), name, text)
	}
	repository := tree(dir)
	git(t, repository, "init", "--quiet")
	prepared(t, repository)
	return repository
}

// newChecked is a tree of which everything can be checked: it has this repository's buf,
// and an accepted contract.
func newChecked(t *testing.T) tree {
	t.Helper()
	buf, err := filepath.Abs(here.path(".tmp/bin/buf"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(buf); err != nil {
		t.Skip("skipped: what release-check complains of; make .tmp/bin/buf builds the tool that it asks")
	}
	r := newTree(t)
	if err := os.MkdirAll(r.path(".tmp/bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(buf, r.path(".tmp/bin/buf")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.run(".tmp/bin/buf", "build", "--exclude-source-info", "--output", "proto/accepted.binpb"); err != nil {
		t.Fatal(err)
	}
	prepared(t, r)
	return r
}

// prepared writes the checksum of the contract as it is now, and commits everything.
func prepared(t *testing.T, r tree) {
	t.Helper()
	if err := r.prepare("v1.2.0"); err != nil {
		t.Fatal(err)
	}
	git(t, r, "add", "--all")
	git(t, r, "commit", "--quiet", "--message", "1.2.0")
}

// change replaces the one place where a file says something.
func change(t *testing.T, in tree, name, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(in.path(name))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(raw), from); n != 1 {
		t.Fatalf("%s has %q %d times, want once", name, from, n)
	}
	write(t, in, name, strings.Replace(string(raw), from, to, 1))
}

func write(t *testing.T, in tree, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(in.path(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in.path(name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func git(t *testing.T, in tree, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=somebody", "-c", "user.email=somebody@example.it"}, args...)...)
	cmd.Dir = string(in)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// missing are the requirements that a check says are not met, in their order.
func missing(said string) (what []string) {
	for line := range strings.Lines(said) {
		if it, is := strings.CutPrefix(line, "missing  "); is {
			what = append(what, strings.TrimSuffix(strings.TrimSpace(it), ":"))
		}
	}
	return what
}

// What was prepared is missing nothing, and the commands that tag it are printed.
func TestCheckMissesNothingOfWhatWasPrepared(t *testing.T) {
	t.Parallel()
	r := newChecked(t)
	var said strings.Builder
	if err := r.check(&said); err != nil {
		t.Errorf("it says %v:\n%s", err, said.String())
	}
	for _, r := range requirements {
		if !strings.Contains(said.String(), "ok       "+r.what+"\n") {
			t.Errorf("it does not say that %s", r.what)
		}
	}
	if !strings.Contains(said.String(), "git tag -a proto/v1.2.0 ") || !strings.Contains(said.String(), "git tag -a v1.2.0 ") {
		t.Errorf("it does not say how to tag:\n%s", said.String())
	}
}

// Each tree is spoilt in one way, and that way alone is complained of.
func TestCheckSeesEachThingThatIsMissing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		spoil func(*testing.T, tree)
		what  string
		says  string
		dirty bool // the spoilt tree is not committed
	}{
		{
			name: "AVersionThatIsReleased", what: "the version is not released yet", says: "there is a tag v1.2.0: write the next version",
			spoil: func(t *testing.T, r tree) { git(t, r, "tag", "v1.2.0") },
		},
		{
			name: "AVersionOfWhichTheContractIsReleased", what: "the version is not released yet", says: "there is a tag proto/v1.2.0: write the next version",
			spoil: func(t *testing.T, r tree) { git(t, r, "tag", "proto/v1.2.0") },
		},
		{
			name: "AnotherVersionInTheWorkspace", what: "go.mod and go.work name the same version", says: "go.mod requires v1.2.0, go.work takes \"v1.1.0\" from the folder: run go run ./release prepare v1.2.0",
			spoil: func(t *testing.T, r tree) {
				change(t, r, "go.work", "replace "+contract+" v1.2.0", "replace "+contract+" v1.1.0")
			},
		},
		{
			name: "ARequirementThatNobodyNeeds", what: "go.mod and go.sum are tidy, of both modules", says: "go.mod is not tidy: run make tidy",
			spoil: func(t *testing.T, r tree) { change(t, r, "main.go", "import _ \""+contract+"/staffetta\"\n\n", "") },
		},
		{
			name: "ALineOfGoSumThatNobodyNeeds", what: "go.mod and go.sum are tidy, of both modules", says: "go.sum is not tidy: run make tidy",
			spoil: func(t *testing.T, r tree) {
				change(t, r, "go.sum", contract+" v1.2.0 h1:", "example.it/nobody v1.0.0 h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"+contract+" v1.2.0 h1:")
			},
		},
		{
			name: "AContractThatIsNotTidy", what: "go.mod and go.sum are tidy, of both modules", says: "-require golang.org/x/mod v0.42.0",
			spoil: func(t *testing.T, r tree) {
				write(t, r, "proto/go.mod", "module "+contract+"\n\ngo 1.26.0\n\nrequire golang.org/x/mod v0.42.0\n")
				ours, err := r.sums("v1.2.0")
				if err != nil {
					t.Fatal(err)
				}
				write(t, r, "go.sum", strings.Join(ours, ""))
			},
		},
		{
			name: "AContractThatChangedAfterwards", what: "go.sum has the checksum of this contract", says: "they are not those of v1.2.0: run go run ./release prepare v1.2.0",
			spoil: func(t *testing.T, r tree) { write(t, r, "proto/staffetta/more.go", "package staffetta\n") },
		},
		{
			name: "AVersionWithoutASection", what: "CHANGELOG.md has a section for it, and nothing unreleased", says: "is not ## [1.2.0]",
			spoil: func(t *testing.T, r tree) {
				write(t, r, "CHANGELOG.md", "## [Unreleased]\n\n- all of it\n\n## [1.1.0] - 2026-11-01\n")
			},
		},
		{
			name: "WhatIsUnreleased", what: "CHANGELOG.md has a section for it, and nothing unreleased", says: "there are entries under ## [Unreleased]",
			spoil: func(t *testing.T, r tree) {
				write(t, r, "CHANGELOG.md", "## [Unreleased]\n\n- one more\n\n## [1.2.0] - 2026-12-01\n")
			},
		},
		{
			name: "AContractThatNobodyAccepted", what: "the accepted contract is today's", says: "proto/accepted.binpb is another one: run make contract/accept",
			spoil: func(t *testing.T, r tree) {
				change(t, r, "proto/staffetta/it.proto", "int64 n = 1;", "int64 n = 1; int64 more = 2;")
				prepared(t, r)
			},
		},
		{
			name: "AContractThatDoesNotBuild", what: "the accepted contract is today's", says: "it.proto:",
			spoil: func(t *testing.T, r tree) {
				change(t, r, "proto/staffetta/it.proto", "int64 n = 1;", "int64 n;")
				prepared(t, r)
			},
		},
		{
			name: "AReadmeThatShowsSomethingElse", what: "the README's commands print what it shows", says: "README.md shows something else",
			spoil: func(t *testing.T, r tree) { change(t, r, "README.md", "hello", "good morning") },
		},
		{
			name: "AReadmeThatNoTestLooksAt", what: "the README's commands print what it shows", says: "no test of ./internal/cli looks at it",
			spoil: func(t *testing.T, r tree) {
				write(t, r, "Makefile", "test/short:\n\t@echo 'ok "+service+"/internal/cli 0.1s [no tests to run]'\n")
			},
		},
		{
			name: "AFileThatIsNotCommitted", what: "everything is committed", says: "?? notes", dirty: true,
			spoil: func(t *testing.T, r tree) { write(t, r, "notes", "") },
		},
	}
	seen := map[string]bool{}
	for _, tt := range tests {
		seen[tt.what] = true
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newChecked(t)
			tt.spoil(t, r)
			if !tt.dirty {
				git(t, r, "add", "--all")
				git(t, r, "commit", "--quiet", "--allow-empty", "--message", "spoilt")
			}
			var said strings.Builder
			err := r.check(&said)
			if diff := cmp.Diff([]string{tt.what}, missing(said.String())); diff != "" {
				t.Errorf("what is missing (-want +got):\n%s\n%s", diff, said.String())
			}
			if !strings.Contains(said.String(), tt.says) {
				t.Errorf("it says:\n%s\nwant %q in it", said.String(), tt.says)
			}
			if err == nil || !strings.Contains(err.Error(), "v1.2.0 cannot be tagged: 1 of 8 are missing") {
				t.Errorf("it ends with %v", err)
			}
			if strings.Contains(said.String(), "git tag -a") {
				t.Error("it says how to tag all the same")
			}
		})
	}
	for _, r := range requirements {
		if !seen[r.what] {
			t.Errorf("no tree is spoilt so that %q is missing: add one", r.what)
		}
	}
}

// A tree that requires no contract has no version.
func TestCheckNeedsAVersion(t *testing.T) {
	t.Parallel()
	r := newTree(t)
	write(t, r, "go.mod", "module "+service+"\n\ngo 1.26.0\n")
	var said strings.Builder
	if err := r.check(&said); err == nil || !strings.Contains(err.Error(), "run go run ./release prepare with a version") || said.Len() > 0 {
		t.Errorf("it says %v and %q", err, said.String())
	}
}

func TestPrepareRefusesWhatIsNoVersion(t *testing.T) {
	t.Parallel()
	r := newTree(t)
	for _, version := range []string{"1.2.3", "v1.2", "v1.2.3+dirty", "next", ""} {
		if err := r.prepare(version); err == nil || !strings.Contains(err.Error(), "is no version") {
			t.Errorf("of %q it says %v", version, err)
		}
	}
	if have, err := r.version(); have != "v1.2.0" || err != nil {
		t.Errorf("its version is %s now, %v", have, err)
	}
}

// The checksum in go.sum must be the one that everybody gets of the tag.
func TestAModuleIsPackedAsGoMakesItOfARepository(t *testing.T) {
	t.Parallel()
	r := newTree(t)
	write(t, r, "built", "")
	write(t, r, ".gitignore", "/.tmp/\n/go.work.sum\n/built\n")
	git(t, r, "add", "--all")
	git(t, r, "commit", "--quiet", "--message", "ignore")
	for path, folder := range folders {
		m := module.Version{Path: path, Version: "v1.2.0"}
		ours, gos := filepath.Join(t.TempDir(), "ours.zip"), filepath.Join(t.TempDir(), "gos.zip")
		if err := r.zip(m, ours); err != nil {
			t.Fatal(err)
		}
		out, err := os.Create(gos)
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		if folder == "." {
			folder = ""
		}
		if err := modzip.CreateFromVCS(out, m, string(r), "HEAD", folder); err != nil {
			t.Fatal(err)
		}
		want, err := dirhash.HashZip(gos, dirhash.Hash1)
		if err != nil {
			t.Fatal(err)
		}
		if have, err := dirhash.HashZip(ours, dirhash.Hash1); have != want || err != nil {
			t.Errorf("%s: %s, %v, want %s", path, have, err, want)
		}
	}
}
