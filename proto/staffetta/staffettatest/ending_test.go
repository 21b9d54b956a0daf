package staffettatest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"testing"
)

// Each ending that is written has a constant, and each constant an ending.
func TestEveryEndingHasItsName(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "ending.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var named []Ending
	ast.Inspect(file, func(n ast.Node) bool {
		if v, is := n.(*ast.ValueSpec); is && v.Type != nil {
			if of, is := v.Type.(*ast.Ident); is && of.Name == "Ending" {
				word, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				named = append(named, Ending(word))
			}
		}
		return true
	})
	written := append(slices.Collect(maps.Keys(lives)), DeadLetter)
	slices.Sort(named)
	slices.Sort(written)
	if !slices.Equal(named, written) {
		t.Errorf("the constants are %q, the endings %q", named, written)
	}
}
