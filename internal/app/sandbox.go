//go:build !production

package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// Sandbox is the sandbox gateway behind an HTTP server.
type Sandbox struct {
	*sandbox.Sandbox
	lifecycle
	URL        string // "http://127.0.0.1:8090", where /sandbox/ is
	GatewayURL string // the same with the gateway's base path
	Key        string // an API key that is let in
}

// basePath is where the gateway's API is found, as in UC-006.
const basePath = "/api/partner-gateway/v1"

// StartSandbox starts a sandbox on an address; port 0 is one of the system's
// choosing.
func StartSandbox(addr string, o sandbox.Options) (_ *Sandbox, err error) {
	if len(o.Keys) == 0 {
		o.Keys = []string{sandbox.DefaultKey}
	}
	s := &Sandbox{Key: o.Keys[0]}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
		}
	}()
	s.Sandbox, err = sandbox.New(o)
	if err != nil {
		return nil, err
	}
	s.onStop("sandbox", func(context.Context) error { return s.Sandbox.Close() })

	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("the sandbox cannot listen on %s: %w", addr, err)
	}
	server := &http.Server{Handler: s.Sandbox, ReadHeaderTimeout: 5 * time.Second}
	s.onStop("sandbox's HTTP", func(context.Context) error { return errors.Join(server.Close(), closed(listener)) })
	//lint:ignore errcheck it says only that it was closed
	go server.Serve(listener)
	s.URL = "http://" + reachable(listener.Addr().(*net.TCPAddr))
	s.GatewayURL = s.URL + basePath
	return s, nil
}

// reachable is where this machine finds a listener: one that listens on all
// addresses has none of its own.
func reachable(a *net.TCPAddr) string {
	if a.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(a.Port))
	}
	return a.String()
}

// Stop closes the server, calls under way included.
func (s *Sandbox) Stop() error { return s.stop() }
