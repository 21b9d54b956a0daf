package torture

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/staffetta-io/staffetta/test/freeport"
)

// servers are NATS: one server, or three that replicate, each a process with a store
// of its own.
type servers struct {
	all      []*process
	stores   []string
	monitors []int // ports of their pages
}

// newServers knows how to start them.
func newServers(t *testing.T, n int, sync string) *servers {
	t.Helper()
	s := &servers{monitors: freeport.Processes.Some(t, n)}
	routes := freeport.Processes.Some(t, n)
	var urls []string
	for _, port := range routes {
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", port))
	}
	for i := range n {
		dir := t.TempDir()
		config := filepath.Join(dir, "nats.conf")
		p := newProcess(t, fmt.Sprintf("nats-server-%d", i+1), natsProgram.path(t), []string{"-c", config}, nil)
		s.all, s.stores = append(s.all, p), append(s.stores, filepath.Join(dir, "store"))
		text := fmt.Sprintf("server_name: %s\nlisten: 127.0.0.1:%d\nhttp: 127.0.0.1:%d\njetstream { store_dir: %q, sync_interval: %q }\n",
			p.name, p.port, s.monitors[i], s.stores[i], sync)
		if n > 1 {
			text += fmt.Sprintf("cluster { name: torture, listen: 127.0.0.1:%d, routes: [%s] }\n", routes[i], strings.Join(urls, ", "))
		}
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *servers) url() string {
	var urls []string
	for _, p := range s.all {
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", p.port))
	}
	return strings.Join(urls, ",")
}

func (s *servers) start() {
	for _, p := range s.all {
		p.start()
	}
}

// kill is kill -9 of all of them, as good as at once.
func (s *servers) kill() {
	s.signal(os.Kill)
	for _, p := range s.all {
		p.kill()
	}
}

func (s *servers) signal(sig os.Signal) {
	for _, p := range s.all {
		p.signal(sig)
	}
}

// listens says whether they can be spoken to. Three can when they have met, and each
// is up to date with every stream.
func (s *servers) listens(ctx context.Context) error {
	for i, p := range s.all {
		if err := p.listens(ctx); err != nil {
			return err
		}
		if len(s.all) == 1 {
			continue
		}
		if _, err := call(ctx, "GET", fmt.Sprintf("http://127.0.0.1:%d/healthz", s.monitors[i]), nil); err != nil {
			return err
		}
	}
	return nil
}
