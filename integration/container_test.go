package integration

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	containerapi "github.com/moby/moby/api/types/container"
	dockernet "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
	"github.com/testcontainers/testcontainers-go/network"

	"github.com/staffetta-io/staffetta/test/freeport"
)

// A container is one program in its container, removed when the test ends. If the
// test has failed by then, the end of what it printed is in the test's log.
type container struct {
	testcontainers.Container
	net  string
	name string // on the network
}

// newNetwork makes a network of the test's own.
func newNetwork(t testing.TB) string {
	t.Helper()
	n, err := network.New(t.Context(), network.WithLabels(labels()))
	if err != nil {
		t.Fatalf("make a network: %v", err)
	}
	testcontainers.CleanupNetwork(t, n)
	return n.Name
}

// start starts a container on a network, under a name, and waits until it is ready.
func start(t testing.TB, net, name string, req testcontainers.ContainerRequest) *container {
	t.Helper()
	req.Networks = []string{net}
	req.NetworkAliases = map[string][]string{net: {name}}
	req.Labels = labels()
	c, err := testcontainers.GenericContainer(t.Context(), testcontainers.GenericContainerRequest{
		ContainerRequest: req, Started: true, Logger: log.NewNoopLogger(),
	})
	if c != nil {
		testcontainers.CleanupContainer(t, c, testcontainers.StopTimeout(0))
		t.Cleanup(func() { tail(t, name, c) })
	}
	if err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	return &container{Container: c, net: net, name: name}
}

// tail shows the end of what a container said, if its test has failed, and keeps
// the whole of it in a file.
func tail(t testing.TB, name string, c testcontainers.Container) {
	if !t.Failed() {
		return
	}
	r, err := c.Logs(context.Background())
	if err != nil {
		t.Logf("%s: %v", name, err)
		return
	}
	defer r.Close()
	said, _ := io.ReadAll(r)
	whole := filepath.Join(scratch(), "logs", filepath.FromSlash(t.Name()), name+".log")
	if err := os.MkdirAll(filepath.Dir(whole), 0o700); err != nil {
		t.Log(err)
	}
	if err := os.WriteFile(whole, said, 0o600); err != nil {
		t.Log(err)
	}
	lines := strings.Split(strings.TrimSpace(string(said)), "\n")
	t.Logf("%s, its last lines; all of them in %s:\n%s", name, whole, strings.Join(lines[max(0, len(lines)-20):], "\n"))
}

// kill ends the program as kill -9 does: it gets no chance to tidy up.
func (c *container) kill(t testing.TB) {
	t.Helper()
	err := withDocker(t.Context(), func(docker *testcontainers.DockerClient) error {
		_, err := docker.ContainerKill(t.Context(), c.GetContainerID(), client.ContainerKillOptions{Signal: "SIGKILL"})
		return err
	})
	if err != nil {
		t.Fatalf("kill %s: %v", c.name, err)
	}
}

// revive starts it again, with the files and the volume that it had, and waits until
// it is ready.
func (c *container) revive(t testing.TB) {
	t.Helper()
	if err := c.Start(t.Context()); err != nil {
		t.Fatalf("start %s again: %v", c.name, err)
	}
}

// published asks for ports of this machine that stay the same when the container is
// started again; those that the engine chooses do not.
func published(t testing.TB, ports ...string) func(*containerapi.HostConfig) {
	t.Helper()
	bound := dockernet.PortMap{}
	for _, port := range ports {
		free := strconv.Itoa(freeport.Containers.One(t))
		bound[dockernet.MustParsePort(port)] = []dockernet.PortBinding{{HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: free}}
	}
	return func(h *containerapi.HostConfig) { h.PortBindings = bound }
}

// cut takes the container off the network: it lives on and hears nobody.
func (c *container) cut(t testing.TB) {
	t.Helper()
	err := withDocker(t.Context(), func(docker *testcontainers.DockerClient) error {
		_, err := docker.NetworkDisconnect(t.Context(), c.net, client.NetworkDisconnectOptions{Container: c.GetContainerID(), Force: true})
		return err
	})
	if err != nil {
		t.Fatalf("cut off %s: %v", c.name, err)
	}
}

// join puts it back under its name.
func (c *container) join(t testing.TB) {
	t.Helper()
	err := withDocker(t.Context(), func(docker *testcontainers.DockerClient) error {
		_, err := docker.NetworkConnect(t.Context(), c.net, client.NetworkConnectOptions{
			Container: c.GetContainerID(), EndpointConfig: &dockernet.EndpointSettings{Aliases: []string{c.name}},
		})
		return err
	})
	if err != nil {
		t.Fatalf("put %s back: %v", c.name, err)
	}
}

func withDocker(ctx context.Context, do func(*testcontainers.DockerClient) error) error {
	docker, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		return err
	}
	defer docker.Close()
	return do(docker)
}

// url is where a port of the container is reached from here.
func (c *container) url(t testing.TB, scheme, port string) string {
	t.Helper()
	u, err := c.PortEndpoint(t.Context(), port, scheme)
	if err != nil {
		t.Fatalf("port %s of %s: %v", port, c.name, err)
	}
	return u
}

// file is a file of a container, with its content.
func file(path, content string) testcontainers.ContainerFile {
	return testcontainers.ContainerFile{Reader: strings.NewReader(content), ContainerFilePath: path, FileMode: 0o444}
}

// deployed is a file of deploy/, as it is.
func deployed(t testing.TB, name, path string) testcontainers.ContainerFile {
	t.Helper()
	return file(path, string(readDeployed(t, name)))
}

func readDeployed(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "deploy", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// with is a copy of a map and more.
func with(env map[string]string, more ...string) map[string]string {
	env = maps.Clone(env)
	for _, m := range more {
		name, value, ok := strings.Cut(m, "=")
		if !ok {
			panic(fmt.Sprintf("%q is not NAME=value", m))
		}
		env[name] = value
	}
	return env
}
