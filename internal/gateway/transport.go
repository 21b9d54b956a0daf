package gateway

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// newTransport keeps one connection for every call that may be under way, and
// two for probes. Connections that idle longer than servers commonly allow are
// ours to close: a request written to a connection that the server is just
// closing has no known outcome.
func newTransport(inFlight int, conf *tls.Config) *http.Transport {
	if conf == nil {
		conf = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	conf = conf.Clone()
	conf.MinVersion = max(conf.MinVersion, tls.VersionTLS12)
	dial := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dial.DialContext,
		TLSClientConfig:        conf, // set, so HTTP/1.1 is spoken
		TLSHandshakeTimeout:    10 * time.Second,
		MaxConnsPerHost:        inFlight + 2,
		MaxIdleConns:           inFlight + 2,
		MaxIdleConnsPerHost:    inFlight + 2,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // answers are small
	}
}

// NewTransport is what a Gateway uses if it is given none, for those who look at
// the answers that pass.
func NewTransport(inFlight int) *http.Transport { return newTransport(inFlight, nil) }
