package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	containerapi "github.com/moby/moby/api/types/container"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

// servers is NATS: one server, or a cluster of three, as deploy/nats has them.
type servers struct {
	users
	containers []*container
}

// startNATS starts one server, or three that replicate.
func startNATS(t testing.TB, net string, n int) *servers {
	t.Helper()
	s := &servers{users: newUsers(t)}
	env := s.users.env(t)
	if n == 1 {
		s.containers = []*container{startServer(t, net, "nats", "nats/nats-server.conf", env)}
		return s
	}
	for i := range n {
		name := fmt.Sprintf("nats-%d", i+1)
		s.containers = append(s.containers, startServer(t, net, name, "nats/cluster.conf", with(env, "NATS_NAME="+name)))
	}
	for _, c := range s.containers {
		eventually(t, c.name+" is in the cluster and up to date", answers(c.url(t, "http", "8222/tcp")+"/healthz"))
	}
	js := streamClient(t, s.connect(t, userOperator))
	eventually(t, "the cluster has a leader", func(ctx context.Context) error {
		_, err := js.AccountInfo(ctx)
		return err
	})
	return s
}

func startServer(t testing.TB, net, name, config string, env map[string]string) *container {
	t.Helper()
	return start(t, net, name, testcontainers.ContainerRequest{
		Image:        natsImage.tag(t),
		Cmd:          []string{"--config", "/etc/nats/nats-server.conf"},
		Env:          env,
		ExposedPorts: []string{"4222/tcp", "8222/tcp"},
		// Killed and started again, it is where it was, with what was on its volume.
		HostConfigModifier: published(t, "4222/tcp", "8222/tcp"),
		ConfigModifier:     func(c *containerapi.Config) { c.Volumes = map[string]struct{}{"/data": {}} },
		Files: []testcontainers.ContainerFile{
			deployed(t, config, "/etc/nats/nats-server.conf"),
			deployed(t, "nats/jetstream.conf", "/etc/nats/jetstream.conf"),
			deployed(t, "nats/accounts.conf", "/etc/nats/accounts.conf"),
			deployed(t, "nats/tls.conf", "/etc/nats/tls.conf"),
			file("/etc/nats-tls/ca.pem", string(newCerts(t).CA)),
			file("/etc/nats-tls/nats.pem", string(newCerts(t).Cert)),
			file("/etc/nats-tls/nats.key", string(newCerts(t).Key)),
		},
		// One of three is not healthy before it has met the others.
		WaitingFor: wait.ForHTTP("/varz").WithPort("8222/tcp").WithStartupTimeout(patience),
	})
}

// connect connects as a user.
func (s *servers) connect(t testing.TB, user string) *nats.Conn {
	t.Helper()
	return s.users.connect(t, user, s.urls(t)...)
}

func (s *servers) urls(t testing.TB) []string {
	t.Helper()
	var urls []string
	for _, c := range s.containers {
		urls = append(urls, c.url(t, "nats", "4222/tcp"))
	}
	return urls
}

// named is the server of that name.
func (s *servers) named(t testing.TB, name string) *container {
	t.Helper()
	i := slices.IndexFunc(s.containers, func(c *container) bool { return c.name == name })
	if i < 0 {
		t.Fatalf("no server is called %q", name)
	}
	return s.containers[i]
}

// leader is the server that leads a stream.
func (s *servers) leader(ctx context.Context, js jetstream.JetStream, stream string) (string, error) {
	st, err := js.Stream(ctx, stream)
	if err != nil {
		return "", err
	}
	info := st.CachedInfo()
	if info.Cluster == nil || info.Cluster.Leader == "" {
		return "", errors.New(stream + " has no leader")
	}
	return info.Cluster.Leader, nil
}

// current waits until a server is up to date with every stream: it leads it, or
// follows without lag.
func (s *servers) current(t testing.TB, js jetstream.JetStream, name string) {
	t.Helper()
	eventually(t, name+" is up to date", func(ctx context.Context) error {
		streams, n := js.ListStreams(ctx), 0
		for info := range streams.Info() {
			n++
			if info.Cluster == nil || info.Cluster.Leader == "" {
				return fmt.Errorf("%s has no leader", info.Config.Name)
			}
			if info.Cluster.Leader == name {
				continue
			}
			i := slices.IndexFunc(info.Cluster.Replicas, func(p *jetstream.PeerInfo) bool { return p.Name == name })
			if i < 0 {
				return fmt.Errorf("%s does not know %s", info.Config.Name, name)
			}
			if p := info.Cluster.Replicas[i]; !p.Current || p.Offline || p.Lag > 0 {
				return fmt.Errorf("%s lags behind with %s: %+v", name, info.Config.Name, *p)
			}
		}
		if err := streams.Err(); err != nil || n > 0 {
			return err
		}
		return errors.New("there is no stream")
	})
}

func streamClient(t testing.TB, nc *nats.Conn) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}
