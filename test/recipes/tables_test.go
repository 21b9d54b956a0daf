package recipes

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// A closed set is one table, and every constant of its type is in it: what ranges over
// the table forgets none. A new set needs a line here.
func TestTablesAreWhole(t *testing.T) {
	t.Parallel()
	var codes []campaign.ReasonCode
	for _, r := range campaign.Reasons {
		codes = append(codes, r.Code)
	}
	declared := constants(t)
	for name, table := range map[string][]string{
		"internal/campaign.State":      words(campaign.States),
		"internal/campaign.EventType":  words(campaign.EventTypes),
		"internal/campaign.ReasonCode": words(codes),
		"internal/campaign.Status":     words(campaign.Statuses),
		"internal/campaign.NeedKind":   words(campaign.NeedKinds),
		"internal/campaign.Choice":     words(campaign.Choices),
		"internal/campaign.Op":         words(campaign.Ops),
		"internal/campaign.Kind":       words(campaign.Kinds),
		"internal/deadletter.Reason":   words(deadletter.Reasons()),
		"internal/runner.WakeupKind":   words(runner.WakeupKinds),
		"internal/loop.Disposal":       words(loop.Disposals),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, word := range declared[name] {
				if !slices.Contains(table, word) {
					t.Errorf("%q is declared, and not in the table", word)
				}
			}
			slices.Sort(table)
			if twice := slices.Compact(slices.Clone(table)); len(declared[name]) == 0 || !slices.Equal(twice, table) {
				t.Errorf("declared are %q, the table has %q", declared[name], table)
			}
		})
	}
}

// A call to the gateway is one that the vendor's client makes and that the fake answers:
// one that they do not know is never attempted, and its campaign waits for ever.
func TestEveryCallIsMade(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"internal/gateway/uc006/uc006.go", "internal/runner/runnertest/gateway_draft.go"} {
		made := map[string]bool{}
		inspect(t, file, func(n ast.Node) {
			if c, is := n.(*ast.CaseClause); is {
				ast.Inspect(&ast.CaseClause{List: c.List}, func(n ast.Node) bool {
					if sel, is := n.(*ast.SelectorExpr); is {
						made[strings.ToLower(sel.Sel.Name)] = true
					}
					return true
				})
			}
		})
		for _, op := range campaign.Ops {
			if op.To() == campaign.ToGateway && op != campaign.OpAdmit && !made["op"+string(op)] {
				t.Errorf("%s has no case for %s", file, op)
			}
		}
	}
}

// What nobody gives has no place in a table: a rule gives each reason and tells each
// event, and somebody puts a message aside for each reason of a dead letter.
func TestEveryWordIsSaid(t *testing.T) {
	t.Parallel()
	for _, set := range []struct{ kind, declared, said string }{
		{"ReasonCode", "internal/campaign/reason.go", "internal/campaign/"},
		{"EventType", "internal/campaign/event.go", "internal/campaign/"},
		{"Op", "internal/campaign/call.go", "internal/campaign/"},
		{"Reason", "internal/deadletter/deadletter.go", "internal/"},
	} {
		names := map[string]bool{} // whether somebody says it
		inspect(t, set.declared, func(n ast.Node) {
			if v, is := n.(*ast.ValueSpec); is && v.Type != nil {
				if of, is := v.Type.(*ast.Ident); is && of.Name == set.kind {
					names[v.Names[0].Name] = false
				}
			}
		})
		if len(names) == 0 {
			t.Errorf("%s declares no %s", set.declared, set.kind)
		}
		for _, file := range sources(t) {
			if !strings.HasPrefix(file, set.said) || strings.HasSuffix(file, "_test.go") || file == set.declared {
				continue
			}
			inspect(t, file, func(n ast.Node) {
				if id, is := n.(*ast.Ident); is {
					if _, ours := names[id.Name]; ours {
						names[id.Name] = true
					}
				}
			})
		}
		for name, said := range names {
			if !said {
				t.Errorf("%s: nobody says %s", set.declared, name)
			}
		}
	}
}

// sources are the Go files of the packages, relative to the root.
func sources(t *testing.T) (files []string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, "internal/*/*.go"))
	if err != nil || len(found) < 100 {
		t.Fatalf("%d files of Go: %v", len(found), err)
	}
	for _, file := range found {
		rel, err := filepath.Rel(root, file)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, filepath.ToSlash(rel))
	}
	return files
}

// inspect visits every node of a file.
func inspect(t *testing.T, file string, visit func(ast.Node)) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool { visit(n); return true })
}

func words[T ~string](table []T) []string {
	all := make([]string, len(table))
	for i, word := range table {
		all[i] = string(word)
	}
	return all
}

// constants are the typed constants of words that the module's packages declare, by
// package and type.
func constants(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, file := range sources(t) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		inspect(t, file, func(n ast.Node) {
			v, is := n.(*ast.ValueSpec)
			if !is {
				return
			}
			of, typed := v.Type.(*ast.Ident)
			for _, value := range v.Values {
				if l, ok := value.(*ast.BasicLit); ok && typed && l.Kind == token.STRING {
					word, _ := strconv.Unquote(l.Value)
					name := path.Dir(file) + "." + of.Name
					found[name] = append(found[name], word)
				}
			}
		})
	}
	return found
}
