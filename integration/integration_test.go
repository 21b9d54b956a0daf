// Package integration runs the whole service in containers: the images and the
// NATS configuration of deploy/, three servers where replication matters, and
// judges by what comes out of NATS and by what the sandbox saw.
//
// It knows how to start, break and remove containers. It refuses to know what a
// campaign does: the stories are package story's, and run in process as well.
//
// It needs a container engine and nothing else: the images are built FROM scratch
// around static binaries, so that no registry is asked. Where there is a registry,
// STAFFETTA_TEST_NATS_IMAGE=nats:2.15 tests against the published image instead,
// and STAFFETTA_TEST_IMAGE against a service image that exists already.
package integration

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
)

func TestMain(m *testing.M) {
	flag.Parse()
	settle()
	switch err := engineAnswers(); {
	case err == nil && !testing.Short():
	case err != nil && !testing.Short() && os.Getenv("CI") == "true":
		fmt.Fprintln(os.Stderr, "integration: no container engine, and CI must have one:", err)
		os.Exit(1)
	default:
		fmt.Fprintln(os.Stderr, "skipped: the service in containers (integration); start a container engine such as Docker and run: go test ./integration")
		forgetResult()
		os.Exit(0)
	}
	err := sweep(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		os.Exit(1)
	}
	code := m.Run()
	if err := removeImages(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// settle tells testcontainers what `make test` tells it too, so that a plain
// `go test ./integration` does the same. The tests remove what they start, so
// the reaper, one more image to fetch, stays away. Ports of a local engine are on
// the loopback address, also where the library takes this machine for a container
// and guesses another.
func settle() {
	unset := func(name string) bool { _, set := os.LookupEnv(name); return !set }
	if unset("TESTCONTAINERS_RYUK_DISABLED") {
		os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
	}
	log.SetDefault(log.NewNoopLogger())
	host := os.Getenv("DOCKER_HOST")
	if unset("TESTCONTAINERS_HOST_OVERRIDE") && (host == "" || strings.HasPrefix(host, "unix://")) {
		os.Setenv("TESTCONTAINERS_HOST_OVERRIDE", "127.0.0.1")
	}
}

func engineAnswers() (err error) {
	// The library panics where it finds no engine to talk to.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	provider, err := testcontainers.NewDockerProvider()
	if err != nil {
		return err
	}
	defer provider.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return provider.Health(ctx)
}

// forgetResult keeps "skipped" out of the test cache, which does not know when an
// engine is started: a result that depends on a file this young is not kept.
func forgetResult() {
	name := filepath.Join(scratch(), "skipped")
	if err := os.WriteFile(name, []byte(time.Now().String()), 0o600); err == nil {
		_, _ = os.Stat(name)
	}
}

// root is the module's folder: go test runs in the package's.
const root = ".."

// scratch is the folder for what is built, out of git's sight.
func scratch() string {
	dir, err := filepath.Abs(filepath.Join(root, ".tmp", "integration"))
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		panic(err)
	}
	return dir
}

// patience is how long anything in containers may take before it counts as never.
// It is no expectation: whoever waits is told when it has happened.
const patience = 60 * time.Second

// eventually asks again until done says yes: for what no signal tells, the inside
// of another process. An error of done is why not yet.
func eventually(t testing.TB, what string, done func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		// A question that nobody answers must not eat up all the patience.
		try, cancel := context.WithTimeout(ctx, 2*time.Second)
		err := done(try)
		cancel()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: not within %s: %v", what, patience, err)
		}
	}
}

// answers says whether an HTTP endpoint answers 200.
func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return errors.New(res.Status)
		}
		return nil
	}
}
