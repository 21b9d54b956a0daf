package gateway_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/gateway"
)

// hangUp is a server that answers the first request of each connection and
// hangs up on the second after having read all of it: the moment at which an
// HTTP client is tempted to send it again.
type hangUp struct {
	net.Listener
	mu   sync.Mutex
	saw  []string
	done sync.WaitGroup
}

func newHangUp(t *testing.T) *hangUp {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hangUp{Listener: l}
	h.done.Go(h.serve)
	return h
}

func (h *hangUp) serve() {
	for {
		conn, err := h.Accept()
		if err != nil {
			return
		}
		h.done.Go(func() { h.talk(conn) })
	}
}

func (h *hangUp) talk(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for n := range 2 {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		io.Copy(io.Discard, req.Body)
		h.mu.Lock()
		h.saw = append(h.saw, req.Method+" "+req.URL.Path)
		h.mu.Unlock()
		if n == 0 {
			io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
		}
	}
}

func (h *hangUp) count(line string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.saw {
		if s == line {
			n++
		}
	}
	return n
}

// The one that must never happen: a confirm that the server has read, sent
// once more by the transport because the connection was an old one.
func TestNothingIsSentTwiceOnAnOldConnection(t *testing.T) {
	t.Parallel()
	lines := map[campaign.Op]string{
		campaign.OpCreate:    "POST /campaigns",
		campaign.OpConfigure: "PUT /campaigns/1542",
		campaign.OpCalculate: "POST /campaigns/1542/calculateGoal",
		campaign.OpConfirm:   "PUT /campaigns/1542/confirm",
		campaign.OpDelete:    "DELETE /campaigns/1542",
	}
	for op, line := range lines {
		t.Run(string(op), func(t *testing.T) {
			t.Parallel()
			h := newHangUp(t)
			g, err := gateway.New(gateway.Options{Vendor: vendor, BaseURL: "http://" + h.Addr().String(), Key: secret, InFlight: 1})
			if err != nil {
				t.Fatal(err)
			}
			if got := g.Probe(t.Context()); got.Kind != campaign.OK {
				t.Fatalf("the connection was not made: %s %s", got.Kind, got.Err)
			}
			got := do(t, g, blackFriday[op])
			if got.Kind != campaign.Unavailable || got.Err == "" {
				t.Errorf("got %s %q, want unavailable: it may have happened", got.Kind, got.Err)
			}
			h.Close()
			g.Close()
			h.done.Wait()
			if n := h.count(line); n != 1 {
				t.Errorf("the server saw %d of %s, want exactly 1", n, line)
			}
		})
	}
}

// The temptation is real: what is harmless is indeed sent again by the
// transport, on this very server. The rate limit counts both.
func TestTheTransportDoesRepeatAGet(t *testing.T) {
	t.Parallel()
	h := newHangUp(t)
	g, err := gateway.New(gateway.Options{Vendor: vendor, BaseURL: "http://" + h.Addr().String(), Key: secret, InFlight: 1, PerMinute: 100})
	if err != nil {
		t.Fatal(err)
	}
	g.Probe(t.Context())
	do(t, g, blackFriday[campaign.OpPrice])
	h.Close()
	g.Close()
	h.done.Wait()
	if n := h.count("GET /campaigns/1542/price"); n != 2 {
		t.Errorf("the server saw %d reads of the price, want 2", n)
	}
	if got := gateway.Counted(g); got != 3 {
		t.Errorf("the rate limit counted %d requests, the server saw 3", got)
	}
}

// blocked is a dialler that never succeeds.
func blocked(dialling chan struct{}) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		close(dialling)
		<-ctx.Done()
		return nil, errors.Join(ctx.Err())
	}
}
