package app

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// connect makes the one connection that the service lives on.
func connect(o Options) (*nats.Conn, error) {
	server, err := o.NATS.server()
	if err != nil {
		return nil, err
	}
	server.OnDisconnect = func(err error) { o.Log.Warn("NATS disconnected", "error", err) }
	server.OnReconnect = func(url string) { o.Log.Info("NATS connected again", "nats", url) }
	server.OnError = func(err error) { o.Log.Warn("NATS", "error", err) }
	nc, err := streams.Connect(server)
	return nc, hint(err)
}

// Client connects somebody who is outside of the service, as these settings say. Close
// it.
func (n NATS) Client() (*client.Client, error) {
	server, err := n.server()
	if err != nil {
		return nil, err
	}
	c, err := client.Connect(server)
	return c, hint(err)
}

// hint adds to an error what is most often the matter.
func hint(err error) error {
	if errors.Is(err, nats.ErrNoServers) {
		return fmt.Errorf("%w: is it running?", err)
	}
	return err
}

// server is where the settings lead. Without a URL it is this machine.
func (n NATS) server() (streams.Server, error) {
	conf, err := n.tls()
	return streams.Server{URL: n.URL, Context: n.Context, CredsFile: n.Creds, TLS: conf}, err
}

// tls is nil if nothing is said about it: then the server's demand decides.
func (n NATS) tls() (*tls.Config, error) {
	if n.CA == "" && n.Cert == "" {
		return nil, nil
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if n.CA != "" {
		pem, err := os.ReadFile(n.CA)
		if err != nil {
			return nil, fmt.Errorf("nats.ca: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("nats.ca %s holds no certificate: want PEM", n.CA)
		}
	}
	if n.Cert != "" {
		pair, err := tls.LoadX509KeyPair(n.Cert, n.Key)
		if err != nil {
			return nil, fmt.Errorf("nats.cert %s and nats.key %s: %w", n.Cert, n.Key, err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, nil
}
