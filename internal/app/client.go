package app

import (
	"log/slog"

	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/query"
)

// Client is the outside of the service: it asks for campaigns and watches
// them. It needs the streams, not the service.
type Client struct {
	*journal.Client
	nc     *nats.Conn
	reader Reader
}

// Layout is the version of the streams that are made today, as they bear it.
var Layout = journal.Layout

// Event is one event as it stands in the stream.
type Event = journal.Told

// Feed is events that go on.
type Feed = journal.Feed

// WatchOptions choose events.
type WatchOptions = journal.WatchOptions

// ReadRequest reads a request in JSON, and Faults are the rules that one
// breaks; both name the field. Traceparent is the W3C trace context that a text holds.
var (
	ReadRequest = journal.ReadJSON
	Faults      = journal.Faults
	Traceparent = journal.Traceparent
)

// NewClient connects. Close it.
func NewClient(n NATS) (*Client, error) {
	o := Options{NATS: n}.WithDefaults()
	o.Log = slog.New(slog.DiscardHandler)
	nc, err := connect(o)
	if err != nil {
		return nil, err
	}
	c, err := journal.NewClient(nc)
	if err != nil {
		nc.Close()
		return nil, err
	}
	return newClient(c, nc), nil
}

func newClient(c *journal.Client, nc *nats.Conn) *Client {
	client := &Client{Client: c, nc: nc}
	client.reader = query.Either(client.FromService(), client.FromStreams())
	return client
}

// Close closes the connection.
func (c *Client) Close() { c.nc.Close() }
