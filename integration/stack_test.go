package integration

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"

	// The service comes in as an image, built by another process, of which the
	// test cache knows nothing. With this, a result is kept only as long as the
	// service's source is the same.
	_ "github.com/staffetta-io/staffetta/internal/cli"
	"github.com/staffetta-io/staffetta/internal/story"
)

// gatewayKey is the API key that the sandbox lets in.
const gatewayKey = "integration-key"

// stack is NATS and the sandbox in containers, and as many services as one starts.
type stack struct {
	net     string
	nats    *servers
	sandbox *container
	env     map[string]string // settings of the services
	started int
}

// newStack starts everything but the service, on n NATS servers.
func newStack(t testing.TB, n int) *stack {
	t.Helper()
	net := newNetwork(t)
	s := &stack{net: net, nats: startNATS(t, net, n)}
	s.sandbox = start(t, net, "sandbox", testcontainers.ContainerRequest{
		Image:        serviceImage.tag(t),
		Cmd:          []string{"sandbox", "--listen", ":8090", "--key", gatewayKey, "--speed", "6000"},
		ExposedPorts: []string{"8090/tcp"},
		WaitingFor:   wait.ForHTTP("/sandbox/seen").WithPort("8090/tcp").WithStartupTimeout(patience),
	})
	s.env = with(story.Settings(),
		"STAFFETTA_NATS_CONTEXT=/etc/staffetta/nats-context.json",
		fmt.Sprint("STAFFETTA_NATS_REPLICAS=", n),
		"STAFFETTA_GATEWAY_URL=http://sandbox:8090/api/partner-gateway/v1",
		"STAFFETTA_GATEWAY_KEY_FILE=/run/secrets/gateway-key",
	)
	return s
}

// tell is the stack as stories want it.
func (s *stack) tell(t testing.TB) story.Stack {
	t.Helper()
	return story.Stack{
		NATS:    s.nats.connect(t, userOperator),
		Sandbox: s.sandbox.url(t, "http", "8090/tcp"),
		Start:   func(t testing.TB) story.Service { return s.serve(t) },
	}
}

// serve starts one more service, with the rights of deploy/nats/accounts.conf and
// no more.
func (s *stack) serve(t testing.TB) *service {
	t.Helper()
	s.started++
	c := start(t, s.net, fmt.Sprintf("staffetta-%d", s.started), testcontainers.ContainerRequest{
		Image:        serviceImage.tag(t),
		Env:          s.env,
		ExposedPorts: []string{"8080/tcp"},
		Files: []testcontainers.ContainerFile{
			file("/etc/staffetta/nats-context.json", s.context(t)),
			file("/run/secrets/staffetta.nk", s.nats.seed(t, userService)),
			file("/run/secrets/gateway-key", gatewayKey),
		},
		WaitingFor: wait.ForHTTP("/readyz").WithPort("8080/tcp").WithStartupTimeout(patience),
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
	story.Run(t, newStack(t, 1).tell(t))
}
