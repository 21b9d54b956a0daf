package journal_test

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/streams"
)

// proxy stands between a client and a server, to break the connection or to
// lose what the server answers.
type proxy struct {
	listener net.Listener
	target   string
	mute     atomic.Bool
	lost     chan struct{} // not nil: told of what was swallowed

	mu    sync.Mutex
	conns []net.Conn
}

func startProxy(t testing.TB, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: target}
	go p.serve()
	t.Cleanup(func() { l.Close(); p.cut() })
	return p
}

func (p *proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		go func() { io.Copy(server, client); server.Close() }()
		go func() { io.Copy(muffler{p, client}, server); client.Close() }()
	}
}

// muffler swallows what it is given while the proxy is mute.
type muffler struct {
	p *proxy
	w io.Writer
}

func (m muffler) Write(b []byte) (int, error) {
	if m.p.mute.Load() {
		select {
		case m.p.lost <- struct{}{}:
		default:
		}
		return len(b), nil
	}
	return m.w.Write(b)
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

// breakConnection cuts what the client has and returns when it has a new one.
func (p *proxy) breakConnection(t testing.TB, nc *nats.Conn) {
	t.Helper()
	before := nc.Stats().Reconnects
	p.mute.Store(false)
	p.cut()
	waitFor(t, func() bool { return nc.Stats().Reconnects > before && nc.IsConnected() })
}

func (p *proxy) connect(t testing.TB) *nats.Conn {
	t.Helper()
	nc, err := streams.Connect(streams.Server{URL: "nats://" + p.listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}
