package app

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/journal"
)

// connect makes the one connection that the service lives on.
func connect(o Options) (*nats.Conn, error) {
	conf, err := o.NATS.tls()
	if err != nil {
		return nil, err
	}
	nc, err := journal.Connect(journal.Server{
		URL: o.NATS.URL, Context: o.NATS.Context, CredsFile: o.NATS.Creds, TLS: conf,
		OnDisconnect: func(err error) { o.Log.Warn("NATS disconnected", "error", err) },
		OnReconnect:  func(url string) { o.Log.Info("NATS connected again", "nats", url) },
		OnError:      func(err error) { o.Log.Warn("NATS", "error", err) },
	})
	if errors.Is(err, nats.ErrNoServers) {
		return nil, fmt.Errorf("%w: is it running?", err)
	}
	return nc, err
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
