package streams

import (
	"crypto/tls"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/synadia-io/orbit.go/natscontext"
)

// Server says where NATS is and who we are there. With Context set, the URL
// and the credentials come from that context of the nats command line; any
// other field set here still applies.
type Server struct {
	URL       string      // "nats://host:4222", several separated by commas; empty: nats://127.0.0.1:4222
	Context   string      // name of a nats CLI context, or an absolute path to one
	CredsFile string      // empty: none
	TLS       *tls.Config // nil: as the server demands, with the system's roots
	Name      string      // shown by the server's connection list; empty: "staffetta"

	// What happens to the connection, for logs; nil: not told. They must not block.
	OnDisconnect func(error)
	OnReconnect  func(url string)
	OnError      func(error)
}

// Connect opens a connection that is made again for ever when it breaks, and
// that buffers nothing meanwhile: what is published while there is no
// connection fails at once. A buffer would send a save that was decided on
// the old connection after the new one has come up, when sequence numbers may
// have been used again (protocol rule 20).
func Connect(s Server) (*nats.Conn, error) {
	name := s.Name
	if name == "" {
		name = "staffetta"
	}
	opts := []nats.Option{
		nats.Name(name),
		nats.MaxReconnects(-1),
		nats.ReconnectBufSize(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(250*time.Millisecond, 500*time.Millisecond),
		nats.Timeout(5 * time.Second),
		// A server that was frozen or cut off is noticed within half a minute.
		nats.PingInterval(10 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if s.OnDisconnect != nil && err != nil {
				s.OnDisconnect(err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			if s.OnReconnect != nil {
				s.OnReconnect(nc.ConnectedUrlRedacted())
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if s.OnError != nil {
				s.OnError(err)
			}
		}),
	}
	opts = append(opts, gatherWrites) // after the time-out, which it keeps
	if s.CredsFile != "" {
		opts = append(opts, nats.UserCredentials(s.CredsFile))
	}
	if s.TLS != nil {
		opts = append(opts, nats.Secure(s.TLS))
	}
	if s.Context != "" {
		nc, settings, err := natscontext.Connect(s.Context, opts...)
		if err != nil {
			return nil, fmt.Errorf("connect to NATS with context %q: %w", s.Context, err)
		}
		// Not heeding it would put the streams into another JetStream than the
		// one that people mean.
		for _, other := range []struct{ field, value string }{
			{"jetstream_domain", settings.JSDomain}, {"jetstream_api_prefix", settings.JSAPIPrefix},
		} {
			if other.value != "" {
				nc.Close()
				return nil, fmt.Errorf("connect to NATS with context %q: it has %s %q, and another JetStream than the server's own is not supported; connect to a server of that domain with a context without it", s.Context, other.field, other.value)
			}
		}
		return nc, nil
	}
	url := s.URL
	if url == "" {
		url = nats.DefaultURL
	}
	nc, err := nats.Connect(url, opts...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS at %s: %w", redacted(url), err)
	}
	return nc, nil
}
