package gateway

import (
	"context"
	"net"
	"net/http"

	"github.com/staffetta-io/staffetta/internal/rate"
)

// What the tests of the whole package need from inside.

// Prove says that the gateway has answered before.
func Prove(g *Gateway) { g.client.answered.there.Store(true) }

// Client is the client alone, without breaker and guard.
func Client(g *Gateway) *client { return g.client }

// Counted is how many requests the rate limit counts, Held how many permits are out.
func Counted(g *Gateway) int { return g.limit.tokens.(*rate.Alone).Counted() }
func Held(g *Gateway) int    { return g.limit.tokens.(*rate.Alone).Out() }

// Unlimit ends the stop of a 429.
func Unlimit(g *Gateway) {
	g.limit = newLimiter(nil)
	g.client.limit, g.line.limit = g.limit, g.limit
}

// WriteKey changes a key file as a mounted secret changes.
var WriteKey = write

// NewTransportOver is NewTransport with connections of another kind.
func NewTransportOver(inFlight int, dial func(ctx context.Context, network, address string) (net.Conn, error)) http.RoundTripper {
	t := newTransport(inFlight, nil)
	t.dial = dial
	return t
}
