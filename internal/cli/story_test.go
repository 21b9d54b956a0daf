package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/cli"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	"github.com/staffetta-io/staffetta/test/story"
)

// TestStories tells every story to a stack inside this process: a real NATS
// server, the sandbox behind real HTTP, and `staffetta serve` as it is typed.
func TestStories(t *testing.T) {
	t.Parallel()
	end := story.BeginByTheClock(t, startStack(t))
	story.Run(t, startStack(t))
	end()
}

func startStack(t *testing.T) story.Stack {
	t.Helper()
	local, err := app.StartLocal(app.LocalOptions{Sandbox: sandbox.Options{Speed: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := local.Stop(); err != nil {
			t.Error(err)
		}
	})
	nc, err := nats.Connect(local.NATSURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	settings, dir, files := story.Settings(), t.TempDir(), []string{}
	for name, content := range story.Windows() {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	settings["STAFFETTA_WINDOWS"] = strings.Join(files, ",")
	return story.Stack{
		NATS: nc, Sandbox: local.Sandbox.URL,
		Start: func(t testing.TB) story.Service { return startService(t, local, settings) },
		Type: func(t testing.TB, args ...string) (string, int) {
			var said bytes.Buffer
			code := cli.Run(t.Context(), cli.Terminal{Out: &said, Err: &said, Env: []string{"NATS_URL=" + local.NATSURL}}, args)
			return said.String(), code
		},
	}
}

// service is `staffetta serve` in a goroutine.
type service struct {
	log  *logBuffer
	url  string
	stop context.CancelFunc
	done chan int // the exit code, once
}

// startService returns when the service says that it is ready.
func startService(t testing.TB, local *app.Local, settings map[string]string) *service {
	t.Helper()
	env := []string{}
	settings = maps.Clone(settings)
	settings["STAFFETTA_NATS_URL"] = local.NATSURL
	settings["STAFFETTA_GATEWAY_URL"] = local.Sandbox.GatewayURL
	settings["STAFFETTA_GATEWAY_KEY_FILE"] = local.KeyFile
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		env = append(env, name+"="+settings[name])
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &service{log: &logBuffer{started: make(chan string, 1)}, stop: cancel, done: make(chan int, 1)}
	go func() {
		code := cli.Run(ctx, cli.Terminal{Out: s.log, Err: s.log, Env: env}, []string{"serve", "--http-listen", "127.0.0.1:0"})
		s.done <- code
	}()
	t.Cleanup(func() {
		cancel()
		s.done <- <-s.done // wait, and leave the code for the next reader
		if t.Failed() {
			t.Logf("the service logged:\n%s", s.log)
		}
	})
	select {
	case addr := <-s.log.started:
		s.url = "http://" + addr
	case code := <-s.done:
		s.done <- code
		t.Fatalf("the service ended with %d:\n%s", code, s.log)
	}
	for !s.ready() {
		select {
		case code := <-s.done:
			s.done <- code
			t.Fatalf("the service ended with %d:\n%s", code, s.log)
		case <-time.After(5 * time.Millisecond):
		}
	}
	return s
}

func (s *service) ready() bool {
	resp, err := http.Get(s.url + "/readyz")
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (s *service) URL() string { return s.url }

func (s *service) Stop(t testing.TB) {
	t.Helper()
	s.stop()
	code := <-s.done
	s.done <- code
	if code != 0 {
		t.Fatalf("the service ended with %d:\n%s", code, s.log)
	}
}

// logBuffer keeps what a service logs, and finds the address of its pages in it.
type logBuffer struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	started chan string
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var line struct{ Msg, HTTP string }
	if json.Unmarshal(p, &line) == nil && line.Msg == "started" {
		select {
		case b.started <- line.HTTP:
		default:
		}
	}
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
