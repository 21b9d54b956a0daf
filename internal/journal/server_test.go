package journal_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/streams"
	"github.com/staffetta-io/staffetta/test/freeport"
)

// startServer starts one JetStream server in this process. With a port and a
// folder of an earlier one it is that one, restarted.
func startServer(t testing.TB, port int, dir string, users ...*server.User) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir,
		NoLog: true, NoSigs: true, Users: users,
	})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

// startCluster starts three servers that replicate.
func startCluster(t testing.TB) []*server.Server {
	t.Helper()
	ports, routes := freeport.Servers.Some(t, 3), ""
	for _, p := range ports {
		routes += fmt.Sprintf(",nats://127.0.0.1:%d", p)
	}
	var all []*server.Server
	for i, port := range ports {
		s, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprintf("n%d", i), Host: "127.0.0.1", Port: -1,
			JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
			Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: port},
			Routes:  server.RoutesFromStr(routes[1:]),
		})
		if err != nil {
			t.Fatal(err)
		}
		go s.Start()
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		all = append(all, s)
	}
	waitFor(t, func() bool {
		for _, s := range all {
			if s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == 3 {
				return true
			}
		}
		return false
	})
	for _, s := range all {
		if !s.ReadyForConnections(10 * time.Second) {
			t.Fatal("the server does not start")
		}
	}
	return all
}

// waitFor polls for what no signal tells: the inside of another process's
// cluster.
func waitFor(t testing.TB, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it does not happen within 30 s")
		}
	}
}

func connect(t testing.TB, s *server.Server) *nats.Conn {
	t.Helper()
	nc, err := streams.Connect(streams.Server{URL: s.ClientURL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// access is what a service has over a connection.
func access(t testing.TB, nc *nats.Conn) streams.Access {
	t.Helper()
	own, err := streams.OwnAccess(nc)
	if err != nil {
		t.Fatal(err)
	}
	return own
}

func open(t testing.TB, nc *nats.Conn, o journal.Options) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.Context(), nc, o)
	// A cluster that has just met may still turn streams away for a moment.
	for until := time.Now().Add(30 * time.Second); err != nil && o.Replicas > 1 && time.Now().Before(until); {
		j, err = journal.Open(t.Context(), nc, o)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Close)
	if o.Replicas > 1 {
		waitForLeaders(t, nc)
	}
	return j
}

// waitForLeaders waits until every stream answers a write on nc. A stream of three
// is reported as made a moment before each server has heard who leads it; until
// then it has "no responders". A service lives with that as with a lost leader: it
// is woken again. A test that does not mean it has to wait.
func waitForLeaders(t testing.TB, nc *nats.Conn) {
	t.Helper()
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	streams := js.ListStreams(t.Context())
	for s := range streams.Info() {
		for _, subject := range s.Config.Subjects {
			probe := nats.NewMsg(strings.NewReplacer("*", "probe", ">", "probe").Replace(subject))
			probe.Header.Set(jetstream.ExpectedStreamHeader, "none") // so it is turned away, not stored
			waitFor(t, func() bool {
				answer, err := nc.RequestMsg(probe, time.Second)
				return err == nil && strings.Contains(string(answer.Data), `"err_code":10060`)
			})
		}
	}
	if err := streams.Err(); err != nil {
		t.Fatal(err)
	}
}

func port(t testing.TB, s *server.Server) int {
	t.Helper()
	return s.Addr().(*net.TCPAddr).Port
}
