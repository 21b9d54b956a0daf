package app_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// maxLines is where a file stops being one noun.
const maxLines = 500

func TestNoFileIsTooLongToRead(t *testing.T) {
	t.Parallel()
	for file := range sources(t) {
		data, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Error(err)
			continue
		}
		if bytes.HasPrefix(data, []byte("// Code generated ")) {
			continue
		}
		if lines := bytes.Count(data, []byte("\n")); lines > maxLines {
			t.Errorf("%s has %d lines, more than %d: split it by noun", file, lines, maxLines)
		}
	}
}

// A package comment says what the package knows and refuses to know. That it is
// true is the reader's to judge; that it is there, and in one file only, is this
// test's.
func TestEveryPackageHasOneComment(t *testing.T) {
	t.Parallel()
	comments := map[string][]string{} // by folder, the files that carry one
	for file := range sources(t) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Error(err)
			continue
		}
		pkg := path.Dir(file)
		if _, seen := comments[pkg]; !seen {
			comments[pkg] = nil
		}
		if parsed.Doc == nil || ast.IsGenerated(parsed) {
			continue
		}
		comments[pkg] = append(comments[pkg], file)
		first := "Package " + parsed.Name.Name + " "
		if parsed.Name.Name == "main" {
			first = "Command " + path.Base(pkg) + " "
		}
		if !strings.HasPrefix(parsed.Doc.Text(), first) {
			t.Errorf("%s: its package comment does not begin with %q", file, first)
		}
	}
	for pkg, files := range comments {
		if len(files) != 1 {
			t.Errorf("%s has %d package comments %v, want one", pkg, len(files), files)
		}
	}
}
