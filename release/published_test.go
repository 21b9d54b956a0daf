package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/modfile"
	"google.golang.org/protobuf/proto"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// here is the repository.
const here = tree("..")

// outside is a folder of somebody who has this repository's modules from a proxy,
// as if they had been tagged, and other people's as this machine has them.
type outside struct {
	folder  string
	version string
	env     []string
}

func goOutside(t *testing.T) outside {
	t.Helper()
	if _, err := os.Stat(here.path(".git")); err != nil {
		t.Skip("skipped: what is published; this is no clone, so nothing says which files belong to it; run go test ./release in a clone")
	}
	version, err := here.version()
	if err != nil {
		t.Fatal(err)
	}
	proxy := t.TempDir()
	if err := here.pack(proxy); err != nil {
		t.Fatal(err)
	}
	known, err := here.run("go", "env", "GOMODCACHE", "GOPROXY")
	if err != nil {
		t.Fatal(err)
	}
	cache, beyond, _ := strings.Cut(strings.TrimSpace(known), "\n")
	o := outside{folder: t.TempDir(), version: version}
	o.env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod -trimpath -modcacherw", "GOSUMDB=off", "GOTOOLCHAIN=local",
		// A cache of its own: nobody may find a version there that is not published.
		"GOMODCACHE="+filepath.Join(o.folder, "mod"), "GOBIN="+filepath.Join(o.folder, "bin"),
		"GOPROXY=file://"+proxy+",file://"+filepath.ToSlash(cache)+"/cache/download,"+beyond)
	return o
}

func (o outside) run(t *testing.T, name string, args ...string) string {
	t.Helper()
	var said strings.Builder
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env, cmd.Stderr = o.folder, o.env, &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, said.String())
	}
	return string(out)
}

func TestTheContractIsImportedWithoutTheService(t *testing.T) {
	t.Parallel()
	o := goOutside(t)
	if err := os.CopyFS(o.folder, os.DirFS("testdata/importer")); err != nil {
		t.Fatal(err)
	}
	o.run(t, "go", "mod", "init", "example.it/importer")
	o.run(t, "go", "get", contract+"/staffetta/campaign/v1@"+o.version)
	o.run(t, "go", "mod", "tidy")
	o.run(t, "go", "install", ".")

	var request campaignv1.CampaignRequested
	if err := proto.Unmarshal([]byte(o.run(t, filepath.Join(o.folder, "bin", "importer"))), &request); err != nil {
		t.Fatal(err)
	}
	if request.GetRequestId() != "black-friday-2026" {
		t.Errorf("the importer asked for %v", &request)
	}
	// All that is in the module graph of a program with the client: no server of NATS, no
	// container engine. golang/protobuf and go-cmp are required by
	// google.golang.org/protobuf, x/net, x/term and x/text by golang.org/x/crypto, and
	// never built.
	want := []string{
		"example.it/importer",
		"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go",
		"github.com/golang/protobuf",
		"github.com/google/go-cmp",
		"github.com/klauspost/compress",
		"github.com/nats-io/nats.go",
		"github.com/nats-io/nkeys",
		"github.com/nats-io/nuid",
		contract,
		"golang.org/x/crypto",
		"golang.org/x/net",
		"golang.org/x/sys",
		"golang.org/x/term",
		"golang.org/x/text",
		"google.golang.org/protobuf",
	}
	have := strings.Fields(o.run(t, "go", "list", "-m", "-f", "{{.Path}}", "all"))
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("an importer's module graph (-want +have):\n%s", diff)
	}
	// Who imports the types alone builds protobuf alone.
	built := o.run(t, "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", contract+"/staffetta/campaign/v1")
	modules := slices.Compact(slices.Sorted(slices.Values(strings.Fields(built))))
	if diff := cmp.Diff([]string{"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go", contract, "google.golang.org/protobuf"}, modules); diff != "" {
		t.Errorf("what the types are built from (-want +have):\n%s", diff)
	}
}

func TestTheServiceIsInstalledByItsVersion(t *testing.T) {
	t.Parallel()
	o := goOutside(t)
	o.run(t, "go", "install", service+"/cmd/staffetta@"+o.version)
	binary := filepath.Join(o.folder, "bin", "staffetta")
	if said := o.run(t, binary, "version"); !strings.HasPrefix(said, "staffetta "+o.version+" ") {
		t.Errorf("it says %q, want the version %s", said, o.version)
	}
	if said := o.run(t, binary, "--help"); !strings.Contains(said, "serve") {
		t.Errorf("its help does not name serve:\n%s", said)
	}
}

// go install of a version refuses a module whose go.mod has a replace.
func TestNoModuleReplacesAnother(t *testing.T) {
	t.Parallel()
	modules := []string{"go.mod", "proto/go.mod", "tools/go.mod"}
	if files, err := here.files(); err == nil { // in a clone: also those that nobody has listed here
		modules = slices.DeleteFunc(files, func(name string) bool { return filepath.Base(name) != "go.mod" })
	}
	if len(modules) < 3 {
		t.Errorf("only %q were looked at", modules)
	}
	for _, name := range modules {
		raw, err := os.ReadFile(here.path(name))
		if err != nil {
			t.Fatal(err)
		}
		mod, err := modfile.Parse(name, raw, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range mod.Replace {
			t.Errorf("%s replaces %s: require a version of it", name, r.Old.Path)
		}
	}
}
