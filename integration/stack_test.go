package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"

	// The service comes in as an image, built by another process, of which the
	// test cache knows nothing. With this, a result is kept only as long as the
	// service's source is the same.
	"github.com/staffetta-io/staffetta/internal/cli"
	"github.com/staffetta-io/staffetta/test/story"
)

// gatewayKey is the API key that the sandbox lets in.
const gatewayKey = "integration-key"

// stack is NATS and the sandbox in containers, and as many services as one starts.
type stack struct {
	net     string
	nats    *servers
	sandbox *container
	env     map[string]string // settings of the services
	windows map[string]string // files of send windows, by path
	started int
}

// newStack starts everything but the service, on n NATS servers.
func newStack(t testing.TB, n int) *stack {
	t.Helper()
	net := newNetwork(t)
	s := &stack{net: net, nats: startNATS(t, net, n)}
	s.sandbox = start(t, net, "sandbox", testcontainers.ContainerRequest{
		Image:        devImage.tag(t),
		Cmd:          []string{"sandbox", "--listen", ":8090", "--key", gatewayKey, "--speed", "6000"},
		ExposedPorts: []string{"8090/tcp"},
		WaitingFor:   wait.ForHTTP("/sandbox/seen").WithPort("8090/tcp").WithStartupTimeout(patience),
	})
	s.env = with(story.Settings(),
		"STAFFETTA_NATS_CONTEXT=/etc/staffetta/nats-context.json",
		fmt.Sprint("STAFFETTA_NATS_REPLICAS=", n),
		"STAFFETTA_GATEWAY_URL=http://sandbox:8090/api/partner-gateway/v1",
		"STAFFETTA_GATEWAY_INSECURE=yes",
		"STAFFETTA_GATEWAY_KEY_FILE=/run/secrets/gateway-key",
	)
	s.windows = map[string]string{}
	for name, content := range story.Windows() {
		s.windows["/etc/staffetta/windows/"+name] = content
	}
	s.env["STAFFETTA_WINDOWS"] = strings.Join(slices.Collect(maps.Keys(s.windows)), ",")
	return s
}

// tell is the stack as stories want it.
func (s *stack) tell(t testing.TB) story.Stack {
	t.Helper()
	return story.Stack{
		NATS:    s.nats.connect(t, userOperator),
		Sandbox: s.sandbox.url(t, "http", "8090/tcp"),
		Start:   func(t testing.TB) story.Service { return s.serve(t) },
		Type:    s.operate(t),
	}
}

// operate gives the operator a terminal on this machine.
func (s *stack) operate(t testing.TB) func(testing.TB, ...string) (string, int) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	context, err := json.Marshal(map[string]string{
		"url": strings.Join(s.nats.urls(t), ","), "ca": write("ca.pem", string(newCerts(t).CA)), "nkey": write("operator.nk", s.nats.seed(t, userOperator)),
	})
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"STAFFETTA_NATS_CONTEXT=" + write("operator.json", string(context))}
	return func(t testing.TB, args ...string) (string, int) {
		var said bytes.Buffer
		code := cli.Run(t.Context(), cli.Terminal{Out: &said, Err: &said, Env: env}, args)
		return said.String(), code
	}
}

// serve starts one more service, with the rights of deploy/nats/accounts.conf and
// no more.
func (s *stack) serve(t testing.TB) *service {
	t.Helper()
	s.started++
	files := []testcontainers.ContainerFile{
		file("/etc/staffetta/nats-context.json", s.context(t)),
		file("/etc/staffetta/tls/ca.pem", string(newCerts(t).CA)),
		file("/run/secrets/staffetta.nk", s.nats.seed(t, userService)),
		file("/run/secrets/gateway-key", gatewayKey),
	}
	for path, content := range s.windows {
		files = append(files, file(path, content))
	}
	c := start(t, s.net, fmt.Sprintf("staffetta-%d", s.started), testcontainers.ContainerRequest{
		Image:        serviceImage.tag(t),
		Env:          s.env,
		ExposedPorts: []string{"8080/tcp"},
		Files:        files,
		WaitingFor:   wait.ForHTTP("/readyz").WithPort("8080/tcp").WithStartupTimeout(patience),
	})
	return &service{c, c.url(t, "http", "8080/tcp")}
}

// context is deploy/nats-context.json with the servers that there are.
func (s *stack) context(t testing.TB) string {
	t.Helper()
	var context map[string]string
	if err := json.Unmarshal(readDeployed(t, "nats-context.json"), &context); err != nil {
		t.Fatal(err)
	}
	var urls []string
	for _, c := range s.nats.containers {
		urls = append(urls, "nats://"+c.name+":4222")
	}
	context["url"] = strings.Join(urls, ",")
	data, err := json.Marshal(context)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// service is one running service.
type service struct {
	*container
	base string
}

// URL is the base of /readyz and /metrics.
func (s *service) URL() string { return s.base }

// Stop tells the service to stop, as an orchestrator does, and checks that it
// ended by itself and content.
func (s *service) Stop(t testing.TB) {
	t.Helper()
	grace := 30 * time.Second
	if err := s.container.Stop(t.Context(), &grace); err != nil {
		t.Fatalf("stop %s: %v", s.name, err)
	}
	state, err := s.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if state.State.ExitCode != 0 {
		t.Errorf("%s ended with %d, want 0 (137: it had to be killed)", s.name, state.State.ExitCode)
	}
}

// The stories that are told in process as well, over containers.
func TestStories(t *testing.T) {
	t.Parallel()
	end := story.BeginByTheClock(t, newStack(t, 1).tell(t))
	story.Run(t, newStack(t, 1).tell(t))
	end()
}
