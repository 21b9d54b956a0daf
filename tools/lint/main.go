// Lint looks for what neither go vet nor staticcheck looks for. make lint runs it
// as go vet -vettool, which remembers what it found in a package until that
// package changes.
//
// What it finds is corrected, or excepted with a reason on the line or above it:
//
//	//lint:ignore errcheck whoever asked has hung up
//
// An exception that excepts nothing is a finding too. Generated code is left out.
//
// What is not looked for:
//   - shadow: an err of an inner block is how Go is written, and the house has no
//     named results that one could hide.
//   - sloglint's static messages: a few are put together from what they are about.
//   - bodyclose: one function in internal/gateway reads HTTP bodies.
package main

import (
	"go/ast"
	"regexp"
	"slices"
	"strings"

	"codeberg.org/polyfloyd/go-errorlint/errorlint"
	"github.com/kisielk/errcheck/errcheck"
	"github.com/nishanths/exhaustive"
	"go-simpler.org/sloglint"
	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/modernize"
	"golang.org/x/tools/go/analysis/passes/nilness"
	"golang.org/x/tools/go/analysis/passes/unusedwrite"
	"golang.org/x/tools/go/analysis/unitchecker"
)

func main() {
	analyzers := slices.Concat([]*analysis.Analyzer{
		unchecked(),
		closedSets(),
		// A wrapped error is no longer == to what it wraps.
		errorlint.NewAnalyzer(),
		// Logs are read by machines: their keys have one form, and they go to the
		// logger that was passed, never to the process's.
		sloglint.New(&sloglint.Options{NoMixedArguments: true, NoGlobalLogger: "all", KeyNamingCase: "snake"}),
		// What is nil is read all the same.
		nilness.Analyzer,
		// A field is written in a copy that nobody reads.
		unusedwrite.Analyzer,
	},
		// The standard library has had it for some time: fewer lines to read.
		modernize.Suite)
	for _, a := range analyzers {
		except(a)
	}
	unitchecker.Main(analyzers...)
}

// unchecked finds errors that are dropped without a word. It does not look into
// tests: what a fixture could not do shows in what is asserted.
func unchecked() *analysis.Analyzer {
	errcheck.DefaultExcludedSymbols = append(errcheck.DefaultExcludedSymbols,
		// A terminal or a pipe that is gone: nobody is left to tell.
		"fmt.Fprint", "fmt.Fprintf", "fmt.Fprintln", "io.WriteString", "(net/http.ResponseWriter).Write",
		// A subscription that is gone already.
		"(*github.com/nats-io/nats.go.Subscription).Unsubscribe",
		// What was only read: files are written with os.WriteFile, which checks.
		"(io.Closer).Close", "(io.ReadCloser).Close", "(*os.File).Close", "(net.Listener).Close", "(*archive/zip.ReadCloser).Close",
		// The system's own broom sweeps what is left of a temporary folder.
		"os.Remove", "os.RemoveAll", "(*mime/multipart.Form).RemoveAll")
	return errcheck.Analyzer
}

// closedSets finds a switch, or a map, that must name every value of a type and
// misses one. Most switches mean a few values and rightly leave the others, so one
// that means them all says so: //exhaustive:enforce.
func closedSets() *analysis.Analyzer {
	set(exhaustive.Analyzer, "check", "switch,mapliteral")
	set(exhaustive.Analyzer, "e", "true")
	return exhaustive.Analyzer
}

func set(a *analysis.Analyzer, flag, value string) {
	if err := a.Flags.Set(flag, value); err != nil {
		panic(err)
	}
}

var exception = regexp.MustCompile(`^//lint:ignore (\S+) \S`)

// except makes an analyzer keep silent about generated files, about lines with an
// exception, and errcheck about tests.
func except(a *analysis.Analyzer) {
	run := a.Run
	a.Run = func(pass *analysis.Pass) (any, error) {
		type line struct {
			file string
			n    int
		}
		excepted := map[line]*ast.Comment{}
		used := map[*ast.Comment]bool{}
		skipped := map[string]bool{}
		for _, f := range pass.Files {
			name := pass.Fset.Position(f.FileStart).Filename
			skipped[name] = ast.IsGenerated(f) || a == errcheck.Analyzer && strings.HasSuffix(name, "_test.go")
			for _, group := range f.Comments {
				for _, c := range group.List {
					said := exception.FindStringSubmatch(c.Text)
					if said == nil || !slices.Contains(strings.Split(said[1], ","), a.Name) {
						continue
					}
					at := pass.Fset.Position(c.Pos()).Line
					excepted[line{name, at}], excepted[line{name, at + 1}] = c, c
					used[c] = false
				}
			}
		}
		inner := *pass
		inner.Report = func(d analysis.Diagnostic) {
			p := pass.Fset.Position(d.Pos)
			if c := excepted[line{p.Filename, p.Line}]; c != nil {
				used[c] = true
				return
			}
			if !skipped[p.Filename] {
				d.Message += " (" + a.Name + ")"
				pass.Report(d)
			}
		}
		result, err := run(&inner)
		for c, used := range used {
			if !used {
				pass.Reportf(c.Pos(), "this exception excepts nothing: remove it (%s)", a.Name)
			}
		}
		return result, err
	}
}
