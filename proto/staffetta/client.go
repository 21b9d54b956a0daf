package staffetta

import (
	"time"

	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/proto/staffetta/internal/wire"
)

// Subjects of the contract.
const (
	requestPrefix  = "campaign.v1.request."
	audiencePrefix = "campaign.v1.audience."
	eventPrefix    = "campaign.v1.event."
	queryPrefix    = "staffetta.query."
)

// Client asks for campaigns and follows them. It is safe for concurrent use.
type Client struct {
	conn wire.Conn
	now  func() time.Time
}

// New returns a Client on a connection that stays the caller's. It asks nothing yet.
func New(nc *nats.Conn) (*Client, error) {
	conn, err := overNATS(nc)
	if err != nil {
		return nil, err
	}
	return Over(conn), nil
}

// Over returns a Client on something else than NATS. It is for package staffettatest.
func Over(conn wire.Conn) *Client { return &Client{conn: conn, now: time.Now} }
