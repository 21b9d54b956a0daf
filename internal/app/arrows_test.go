package app_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/staffetta-io/staffetta"

// generated is where the generated messages live.
const generated = "proto/staffetta/campaign/v1"

// arrow says what a package may import, apart from the standard library.
type arrow struct {
	ours    []string // packages of this repository
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

// decimal is the one type for money; the streams and the wire are what only few see.
const (
	decimal  = "github.com/shopspring/decimal"
	natsgo   = "github.com/nats-io/nats.go"
	orbit    = "github.com/synadia-io/orbit.go"
	protobuf = "google.golang.org/protobuf"
	buf      = "buf.build"
)

// arrows is the architecture: cmd → cli → { app, client }, app → { client, gateway,
// journal, ops, runner, sandbox }, client → { journal, query }, each vendor → gateway,
// gateway and journal and ops → runner → campaign → sms. Of the adapters only client
// imports another one, whose streams it reads; sandbox imports only sms; the line of a
// package says who sees NATS and protobuf. A new package needs a line here, and a line
// may allow nothing that is not used.
var arrows = map[string]arrow{
	"cmd/staffetta": {ours: in("cli"), outside: []string{"golang.org/x/crypto/x509roots/fallback"}},
	"internal/cli": {
		ours:    append(in("access", "app", "audience", "budget", "button", "calendar", "campaign", "check", "client", "contract", "deadletter", "doctor", "drafts", "gateway", "ops", "query", "sandbox", "schedule", "sms", "spelling", "web", "why", "words"), "policies", generated),
		outside: with(protobuf, buf, decimal, "github.com/spf13/cobra", "github.com/spf13/pflag", "golang.org/x/term", "go.yaml.in/yaml"),
	},
	"internal/app": {
		ours:    append(in("audience", "budget", "button", "campaign", "check", "client", "contract", "credit", "doctor", "drafts", "gateway", "gateway/uc006", "journal", "loop", "ops", "pace", "query", "rate", "runner", "sandbox", "schedule", "scheduler", "streams", "suppression", "tracing", "window"), generated),
		outside: with(natsgo, protobuf, decimal, "github.com/nats-io/nats-server/v2", "golang.org/x/net/netutil", "go.yaml.in/yaml"),
	},
	"internal/gateway": {
		ours:    in("rate", "runner", "campaign"),
		outside: with("github.com/sony/gobreaker/v2"),
	},
	// Each vendor is a package like this one; only app knows more than one of them.
	"internal/gateway/uc006": {ours: in("gateway", "campaign"), outside: with(decimal)},
	"internal/journal": {
		ours:    append(in("audience", "budget", "button", "calendar", "claims", "contract", "deadletter", "loop", "rate", "schedule", "scheduler", "runner", "campaign", "sms", "streams", "suppression"), generated),
		outside: with(natsgo, protobuf, buf),
	},
	"internal/contract": {
		ours:    append(in("campaign", "deadletter", "loop", "runner", "schedule", "sms", "spelling", "streams"), generated),
		outside: with(protobuf, buf, decimal),
	},
	"internal/client": {
		ours:    append(in("audience", "budget", "button", "campaign", "contract", "deadletter", "journal", "loop", "query", "runner", "schedule", "streams", "why"), generated),
		outside: with(natsgo, protobuf),
	},
	// The page of people: it asks and tells as they do, and sees no stream.
	"internal/web": {
		ours:    append(in("campaign", "client", "contract", "deadletter", "query", "schedule", "sms", "why", "words"), generated),
		outside: with(decimal, protobuf, "golang.org/x/net/netutil", "golang.org/x/oauth2", "github.com/coreos/go-oidc/v3"),
	},
	"internal/drafts":  {ours: in("campaign", "check", "client", "gateway")},
	"internal/streams": {ours: in("loop"), outside: with(natsgo, orbit)},
	"internal/ops": {
		ours:    in("loop", "runner", "campaign", "deadletter"),
		outside: with("github.com/prometheus/client_golang", "github.com/prometheus/client_model"),
	},
	"internal/tracing": {ours: in("loop", "runner", "campaign"), outside: with("go.opentelemetry.io/otel")},
	// The doctor speaks HTTP by itself: a third reading of the specification, beside
	// the client's and the sandbox's.
	"internal/doctor":  {outside: with(decimal)},
	"internal/sandbox": {ours: in("sms"), outside: with(decimal, "golang.org/x/text")},
	// What checks a request is a second loop over the ports of the first.
	"internal/check": {ours: append(in("campaign", "contract", "deadletter", "loop", "query", "runner"), generated)},
	// Questions are a port of their own beside the journal's: client answers them with
	// the streams. What is told is in the words of those who decide.
	"internal/query": {ours: in("budget", "campaign", "schedule", "spelling", "why"), outside: with(natsgo)},
	// What the two loops, of campaigns and of schedules, have in common.
	"internal/loop":   {ours: in("deadletter"), std: with(pure, "context")},
	"internal/runner": {ours: in("loop", "campaign", "deadletter")},
	"internal/runner/runnertest": {
		ours:    in("claims", "loop", "runner", "campaign"),
		outside: with(decimal, "github.com/google/go-cmp"),
	},
	// Who gets nothing: hashes, and the orders that put them there. It reads no clock.
	"internal/suppression":                 {ours: in("loop"), std: with(pure, "context", "encoding/binary")},
	"internal/suppression/suppressiontest": {ours: in("loop", "suppression"), outside: with("github.com/google/go-cmp")},
	"internal/budget":                      {ours: in("loop", "runner", "campaign"), outside: with(decimal)},
	"internal/button":                      {ours: in("loop", "runner", "campaign")},
	"internal/campaign":                    {ours: in("sms"), outside: with(decimal), std: with(pure, "crypto/sha256", "encoding/hex", "net/url")},
	// Why a message is put aside, and what can be done: words, and nothing else.
	"internal/deadletter": {std: pure},
	"internal/sms":        {ours: []string{"proto/gsm7"}, outside: with("golang.org/x/text/unicode/norm"), std: pure},
	// What left an account beside our campaigns: it reads records, and nothing else.
	"internal/credit": {ours: in("campaign"), outside: with(decimal), std: pure},
	"internal/pace":   {ours: in("campaign"), std: append([]string{"sync"}, pure...)},
	// Who may do what at NATS. It writes a configuration and connects to nothing.
	"internal/access": {
		ours:    in("campaign", "contract", "query", "streams"),
		outside: []string{"go.yaml.in/yaml"},
	},
	// How many calls may be made, by whoever shares an account: it knows no call and no
	// store.
	"internal/rate": {std: with(pure, "context", "encoding/json", "log/slog", "math/rand/v2", "sync")},
	// Which campaigns hold which people: it compares hashes, and knows nobody.
	"internal/claims":   {std: with(pure, "encoding/binary")},
	"internal/spelling": {std: pure},
	// Recipients, one after the other: it reads what it is given, and writes what is uploaded.
	"internal/audience": {
		ours:    append(in("campaign"), generated),
		outside: with("github.com/nyaruka/phonenumbers", "golang.org/x/text/encoding/charmap", protobuf),
		std:     with(pure, "bufio", "bytes", "crypto/sha256", "encoding/csv", "encoding/hex", "hash", "io"),
	},
	"internal/words": {ours: in("campaign"), std: with(pure, "regexp")},
	"internal/why":   {ours: in("campaign", "words"), std: append([]string{"io"}, pure...)},
	// What recurs and when it may be sent. The calendar carries the rules of
	// every zone with it.
	"internal/calendar":              {ours: in("spelling"), std: with(pure, "embed", "time/tzdata")},
	"internal/calendar/calendartest": {},
	"internal/schedule":              {ours: in("calendar", "campaign"), std: with(pure, "encoding/json")},
	"internal/window":                {ours: in("calendar"), std: with(pure, "bytes", "encoding/json")},
	"internal/scheduler":             {ours: in("loop", "schedule", "campaign")},
	// The loop in an imagined world: fakes only, nothing real.
	"test/simulate": {ours: append(in("loop", "runner", "campaign", "deadletter"), "internal/runner/runnertest"), outside: with(decimal)},

	"policies":   {}, // one file, for the program to carry
	generated:    {outside: with(protobuf, buf+"/gen/go/bufbuild/protovalidate")},
	"proto/gsm7": {std: pure},
	// The client for programs of others: one file of it, nats.go, knows NATS.
	"proto/staffetta":               {ours: []string{generated, "proto/gsm7", "proto/staffetta/internal/wire"}, outside: with(natsgo, protobuf, buf+"/gen/go/bufbuild/protovalidate")},
	"proto/staffetta/internal/wire": {},
	"proto/staffetta/staffettatest": {ours: []string{generated, "proto/staffetta", "proto/staffetta/internal/wire"}, outside: with(protobuf)},
	"test/scenario":                 {},                                                                    // tests only: three companies in simulated time
	"test/recipes":                  {},                                                                    // tests only: CONTRIBUTING.md, followed
	"test/alarms":                   {},                                                                    // tests only: the table of alarms, the rules, the dashboard
	"test/torture":                  {},                                                                    // tests only: everything that can break, broken
	"test/freeport":                 {},                                                                    // ports for what is started again
	"test/natsserver":               {outside: with("github.com/nats-io/nats-server/v2")},                  // NATS of a configuration file
	"test/story":                    {ours: []string{generated}, outside: with(natsgo, protobuf, decimal)}, // the service from outside
	"test/bench":                    {ours: []string{generated}, outside: with(natsgo, protobuf)},          // the service from outside
	"release":                       {outside: with("golang.org/x/mod")},
	// What others read of the contract: it sees all that is public, and connects to nothing.
	"generate": {
		ours:    append(in("access", "campaign", "contract", "query", "streams"), generated),
		outside: with(protobuf, buf+"/gen/go/bufbuild/protovalidate", decimal, natsgo, "github.com/google/jsonschema-go", "go.yaml.in/yaml"),
	},
	"examples/billing":   {ours: []string{generated, "proto/staffetta"}, outside: with(natsgo, protobuf)},
	"examples/analytics": {ours: []string{generated, "proto/staffetta"}, outside: with(orbit, natsgo)},
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

// mayNotImport says why a package may not import a path; "" if it may.
func mayNotImport(pkg, imported string) string {
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
	used := map[string][]string{}
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
			if why := mayNotImport(pkg, imported); why != "" {
				t.Errorf("%s: %s", file, why)
			}
			used[pkg] = append(used[pkg], imported)
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(packages)) {
		if _, known := arrows[pkg]; !known {
			t.Errorf("%s has no line in the table of arrows", pkg)
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(arrows)) {
		for _, path := range unused(arrows[pkg], used[pkg]) {
			t.Errorf("%s may import %s, and does not: take it out of the table", pkg, path)
		}
	}
}

// unused are the permissions of a line that none of its imports needs. What is pure any
// pure package may use, needed or not.
func unused(a arrow, imports []string) (paths []string) {
	for _, p := range a.ours {
		if !slices.Contains(imports, module+"/"+p) {
			paths = append(paths, p)
		}
	}
	for _, p := range a.std {
		if !slices.Contains(pure, p) && !slices.Contains(imports, p) {
			paths = append(paths, p)
		}
	}
	for _, p := range a.outside {
		under := func(path string) bool { return path == p || strings.HasPrefix(path, p+"/") }
		if !slices.ContainsFunc(imports, under) {
			paths = append(paths, p)
		}
	}
	return paths
}

func TestArrowsThatNobodyUsesAreFound(t *testing.T) {
	t.Parallel()
	a := arrow{ours: in("runner", "sms"), outside: with(natsgo, decimal, "golang.org/x/sync"), std: with(pure, "fmt", "sync")}
	imports := []string{module + "/internal/runner", module + "/internal/sms/other", "github.com/nats-io/nats.go/jetstream", "golang.org/x/sync/errgroup", "fmt"}
	if got, want := unused(a, imports), []string{"internal/sms", "sync", decimal}; !slices.Equal(got, want) {
		t.Errorf("unused are %q, want %q", got, want)
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
		{"internal/gateway", module + "/internal/gateway/uc006", true}, // it is any vendor's
		{"internal/gateway/uc006", module + "/internal/gateway", false},
		{"internal/runner", module + "/internal/gateway/uc006", true},
		{"internal/runner", module + "/internal/journal", true},
		{"internal/runner", "google.golang.org/protobuf/proto", true},
		{"internal/runner", "context", false},
		{"internal/campaign", "context", true},
		{"internal/campaign", "slices", false},
		{"internal/campaign", "log/slog", true},
		{"internal/campaign", module + "/" + generated, true},
		{"internal/sandbox", module + "/internal/campaign", true},
		{"internal/sandbox", module + "/internal/sms", false},
		{"internal/doctor", module + "/internal/gateway", true},
		{"internal/sms", module + "/internal/campaign", true},
		{"cmd/staffetta", module + "/internal/app", true},
		{"internal/cli", module + "/internal/client", false},
		{"internal/cli", module + "/internal/journal", true},
		{"internal/client", module + "/internal/app", true},
		{"internal/journal", module + "/internal/client", true},
		{"internal/newcomer", "fmt", true},
	} {
		if why := mayNotImport(tt.pkg, tt.imported); (why != "") != tt.refused {
			t.Errorf("%s imports %s: refused is %v, want %v", tt.pkg, tt.imported, why != "", tt.refused)
		}
	}
}

// root is the repository's folder.
const root = "../.."

// sources yields the Go files of both modules, the service's and the contract's,
// relative to the root with slashes.
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
		case file == root, file == filepath.Join(root, "proto"):
		case name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_"):
			return fs.SkipDir
		default:
			if _, err := os.Stat(filepath.Join(file, "go.mod")); err == nil {
				return fs.SkipDir // another module: the tools'
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("%d Go files under %s: this is not the repository's root", len(files), root)
	}
	return files
}

// A newcomer finds every package on the map of the README, and on the page that says
// what each knows.
func TestTheMapsNameEveryPackage(t *testing.T) {
	t.Parallel()
	for _, page := range []struct{ file, up string }{{"README.md", ""}, {"docs/architecture.md", "../"}} {
		text, err := os.ReadFile(filepath.Join("../..", page.file))
		if err != nil {
			t.Fatal(err)
		}
		for name := range arrows {
			if !strings.HasPrefix(name, "internal/") && !strings.HasPrefix(name, "test/") {
				continue
			}
			if !strings.Contains(string(text), "]("+page.up+name+")") {
				t.Errorf("%s does not name %s", page.file, name)
			}
		}
		for _, link := range regexp.MustCompile(`\]\(`+regexp.QuoteMeta(page.up)+`((?:internal|test)/[a-z0-9/]+)\)`).FindAllStringSubmatch(string(text), -1) {
			if _, ok := arrows[link[1]]; !ok {
				t.Errorf("%s names %s, which is no package of the table", page.file, link[1])
			}
		}
	}
}
