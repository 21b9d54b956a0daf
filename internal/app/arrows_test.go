package app_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/staffetta-io/staffetta"

// contract is where the generated messages live.
const contract = "proto/staffetta/campaign/v1"

// arrow says what a package may import, apart from the standard library.
type arrow struct {
	ours    []string // packages of this module
	outside []string // modules, or package paths up to a slash
	std     []string // if set, nothing else of the standard library
}

// pure is what a package may use that decides: nothing here reads a clock, a
// file, the network or chance. (time has Now; package campaign takes instants
// from its input, and a look at the diff holds that, not this table.)
var pure = []string{
	"cmp", "errors", "fmt", "hash/fnv", "iter", "maps", "math", "math/bits", "slices", "sort",
	"strconv", "strings", "time", "unicode", "unicode/utf16", "unicode/utf8",
}

// decimal is the one type for money; streams and wire are what only few see.
var (
	decimal = "github.com/shopspring/decimal"
	streams = []string{"github.com/nats-io/nats.go", "github.com/nats-io/nkeys", "github.com/synadia-io/orbit.go"}
	wire    = []string{"google.golang.org/protobuf", "buf.build"}
)

// arrows is the architecture: cmd → cli → app → { gateway, journal, ops, runner,
// sandbox }, gateway and journal and ops → runner → campaign → sms. Adapters do
// not import each other, sandbox imports only sms, only journal, query, app, cli and
// integration see NATS, and of these all but query protobuf. A new package needs a line here.
var arrows = map[string]arrow{
	"cmd/staffetta": {ours: in("cli"), outside: []string{"golang.org/x/crypto/x509roots/fallback"}},
	"internal/cli": {
		ours:    append(in("access", "app", "budget", "button", "calendar", "doctor", "query", "schedule", "campaign", "sms", "why"), contract),
		outside: with(streams, wire, decimal, "github.com/spf13/cobra", "github.com/spf13/pflag", "golang.org/x/term", "github.com/knadh/koanf"),
	},
	"internal/app": {
		ours: append(in("budget", "button", "doctor", "gateway", "journal", "ops", "pace", "query", "runner", "schedule", "scheduler", "sandbox", "campaign", "sms", "why", "window"), contract),
		outside: with(streams, wire, decimal, "github.com/nats-io/nats-server/v2", "github.com/knadh/koanf",
			"golang.org/x/sync", "golang.org/x/net/netutil"),
	},
	"internal/gateway": {
		ours:    in("runner", "campaign", "sms"),
		outside: with(decimal, "github.com/sony/gobreaker/v2"),
	},
	"internal/journal": {
		ours:    append(in("budget", "button", "schedule", "scheduler", "runner", "campaign", "sms"), contract),
		outside: with(streams, wire, decimal, "golang.org/x/sync"),
	},
	"internal/ops": {
		ours:    in("runner", "campaign"),
		outside: with("github.com/prometheus/client_golang", decimal),
	},
	// The doctor speaks HTTP by itself: a third reading of the specification, beside
	// the client's and the sandbox's.
	"internal/doctor":  {outside: with(decimal)},
	"internal/sandbox": {ours: in("sms"), outside: with(decimal, "golang.org/x/text")},
	// Questions are a port of their own beside the journal's: who answers them with
	// the streams is tied on in app. What is told is in the words of those who decide.
	"internal/query":  {ours: in("budget", "campaign", "schedule", "why"), outside: streams},
	"internal/runner": {ours: in("campaign", "sms"), outside: with(decimal, "golang.org/x/sync")},
	"internal/runner/runnertest": {
		ours:    in("runner", "campaign"),
		outside: with(decimal, "github.com/google/go-cmp"),
	},
	"internal/budget":   {ours: in("runner", "campaign"), outside: with(decimal)},
	"internal/button":   {ours: in("runner", "campaign")},
	"internal/campaign": {ours: in("sms"), outside: with(decimal), std: with(pure, "crypto/sha256", "encoding/hex")},
	"internal/sms":      {outside: with("golang.org/x/text/unicode/norm"), std: pure},
	"internal/pace":     {ours: in("campaign"), std: append([]string{"sync"}, pure...)},
	// Who may do what at NATS. It writes a configuration and connects to nothing.
	"internal/access": {
		ours:    in("journal", "query"),
		outside: []string{"go.yaml.in/yaml"},
	},
	"internal/why": {ours: in("campaign"), std: append([]string{"io"}, pure...)},
	// What recurs and when it may be sent. The calendar carries the rules of
	// every zone with it.
	"internal/calendar":              {std: with(pure, "embed", "time/tzdata")},
	"internal/calendar/calendartest": {},
	"internal/schedule":              {ours: in("calendar"), std: with(pure, "encoding/json")},
	"internal/window":                {ours: in("calendar"), std: with(pure, "bytes", "encoding/json")},
	"internal/scheduler":             {ours: in("schedule", "runner", "campaign")},
	// The loop in an imagined world: fakes only, nothing real.
	"internal/simulate": {ours: append(in("runner", "campaign", "sms"), "internal/runner/runnertest"), outside: with(decimal)},

	contract:             {outside: with(wire)},
	"internal/scenario":  {},                                                                // tests only: three companies in simulated time
	"internal/story":     {ours: []string{contract}, outside: with(streams, wire, decimal)}, // the service from outside
	"bench":              {ours: []string{contract}, outside: with(streams, wire)},          // the service from outside
	"examples/billing":   {ours: []string{contract}, outside: with(streams, wire)},
	"examples/analytics": {ours: []string{contract}, outside: with(streams, wire)},
}

func in(names ...string) []string {
	paths := make([]string, len(names))
	for i, name := range names {
		paths[i] = "internal/" + name
	}
	return paths
}

// with makes one list of lists and single paths.
func with(parts ...any) []string {
	var paths []string
	for _, part := range parts {
		switch p := part.(type) {
		case string:
			paths = append(paths, p)
		case []string:
			paths = append(paths, p...)
		}
	}
	return paths
}

// refuse says why a package may not import a path; "" if it may.
func refuse(pkg, imported string) string {
	a, known := arrows[pkg]
	if !known {
		return pkg + " has no line in the table of arrows"
	}
	ours, inModule := strings.CutPrefix(imported, module+"/")
	under := func(root string) bool { return imported == root || strings.HasPrefix(imported, root+"/") }
	first, _, _ := strings.Cut(imported, "/")
	var allowed bool
	switch {
	case inModule:
		allowed = slices.Contains(a.ours, ours)
	case strings.Contains(first, "."):
		allowed = slices.ContainsFunc(a.outside, under)
	default:
		allowed = a.std == nil || slices.Contains(a.std, imported)
	}
	if allowed {
		return ""
	}
	return pkg + " may not import " + imported
}

// TestArrows reads the files itself and does not ask `go list`: files that a
// test opens are part of its cache key, so that a new import is seen at once.
func TestArrows(t *testing.T) {
	t.Parallel()
	packages := map[string]bool{}
	for file := range sources(t) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		pkg := path.Dir(file)
		packages[pkg] = true
		if _, known := arrows[pkg]; !known {
			continue // said once, below
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Errorf("%s: %v", file, err)
			}
			if why := refuse(pkg, imported); why != "" {
				t.Errorf("%s: %s", file, why)
			}
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(packages)) {
		if _, known := arrows[pkg]; !known {
			t.Errorf("%s has no line in the table of arrows", pkg)
		}
	}
}

func TestArrowsRefuse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pkg, imported string
		refused       bool
	}{
		{"internal/journal", module + "/internal/runner", false},
		{"internal/journal", module + "/internal/gateway", true},
		{"internal/journal", "github.com/nats-io/nats.go/jetstream", false},
		{"internal/gateway", "github.com/nats-io/nats.go/jetstream", true},
		{"internal/runner", module + "/internal/journal", true},
		{"internal/runner", "google.golang.org/protobuf/proto", true},
		{"internal/runner", "context", false},
		{"internal/campaign", "context", true},
		{"internal/campaign", "slices", false},
		{"internal/campaign", "log/slog", true},
		{"internal/campaign", module + "/" + contract, true},
		{"internal/sandbox", module + "/internal/campaign", true},
		{"internal/sandbox", module + "/internal/sms", false},
		{"internal/doctor", module + "/internal/gateway", true},
		{"internal/sms", module + "/internal/campaign", true},
		{"cmd/staffetta", module + "/internal/app", true},
		{"internal/newcomer", "fmt", true},
	} {
		if why := refuse(tt.pkg, tt.imported); (why != "") != tt.refused {
			t.Errorf("%s imports %s: refused is %v, want %v", tt.pkg, tt.imported, why != "", tt.refused)
		}
	}
}

// root is the module's folder.
const root = "../.."

// sources yields the module's Go files, relative to its root with slashes.
func sources(t *testing.T) map[string]bool {
	t.Helper()
	files := map[string]bool{}
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		switch {
		case !entry.IsDir():
			if strings.HasSuffix(name, ".go") {
				rel, err := filepath.Rel(root, file)
				if err != nil {
					return err
				}
				files[filepath.ToSlash(rel)] = true
			}
		case file == root:
		case name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_"):
			return fs.SkipDir
		default:
			if _, err := os.Stat(filepath.Join(file, "go.mod")); err == nil {
				return fs.SkipDir // another module
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("%d Go files under %s: this is not the module's root", len(files), root)
	}
	return files
}
