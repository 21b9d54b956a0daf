package campaign_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The rules know causes, and no status codes: what a code means is decided in the
// client of the gateway, and another vendor's codes may mean something else.
func TestTheRulesDecideByNoStatusCode(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	set, read := token.NewFileSet(), 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		read++
		for _, found := range statusCodes(file) {
			t.Errorf("%s: %s", set.Position(found.at), found.what)
		}
	}
	if read < 10 {
		t.Fatalf("%d files were read: these are not the rules", read)
	}
}

func TestStatusCodesAreFound(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		code string
		want int
	}{
		{"o.HTTP == 404", 2},
		{"o.HTTP >= limit", 1},
		{"o.Kind == Refused && 0 != t.c.Reason.HTTP", 1},
		{"a.HTTP == b.HTTP", 0}, // two that are alike: no code is meant
		{"o.Cause == NotFound", 0},
		{"is(503)", 1},
		{"rest(200, 512)", 0},
		{"func() { switch o.HTTP { case a: } }", 1},
	} {
		code, err := parser.ParseExpr(tt.code)
		if err != nil {
			t.Fatal(err)
		}
		if got := statusCodes(code); len(got) != tt.want {
			t.Errorf("%s: %d are found, want %d: %v", tt.code, len(got), tt.want, got)
		}
	}
}

type statusCode struct {
	at   token.Pos
	what string
}

// statusCodes finds where a status code decides something: one is compared, or is a
// number in the source.
func statusCodes(in ast.Node) (found []statusCode) {
	status := func(x ast.Expr) bool {
		s, ok := x.(*ast.SelectorExpr)
		return ok && strings.HasPrefix(s.Sel.Name, "HTTP")
	}
	ast.Inspect(in, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if status(n.X) != status(n.Y) {
				found = append(found, statusCode{n.Pos(), "a status code is compared with something else: the gateway sorts it, into a Cause"})
			}
		case *ast.SwitchStmt:
			if status(n.Tag) {
				found = append(found, statusCode{n.Pos(), "a status code is looked at: the gateway sorts it, into a Cause"})
			}
		case *ast.BasicLit:
			if code, err := strconv.Atoi(n.Value); err == nil && code >= 400 && http.StatusText(code) != "" {
				found = append(found, statusCode{n.Pos(), n.Value + " is a status code: the gateway sorts it, into a Cause"})
			}
		}
		return true
	})
	return found
}
