package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
)

// connectionsAtOnce bounds what browsers may hold open: each page that is looked at holds
// one for its changes.
const connectionsAtOnce = 2 * atOnce

// Listen takes an address for the page. Where nobody signs in it has to be one of this
// machine: everybody who reaches the page may approve.
func Listen(addr string, s SignIn) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("web.listen %q: want an address and a port, as 127.0.0.1:8091", addr)
	}
	if ip := net.ParseIP(host); s == nil && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("web.listen %s reaches beyond this machine, and nobody signs in: set web.proxy_header and web.proxy_from, or web.oidc_issuer (docs/page.md); or listen on 127.0.0.1", addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("the page cannot listen on %s: %w", addr, err)
	}
	return netutil.LimitListener(l, connectionsAtOnce), nil
}

// Serve answers browsers until ctx ends.
func Serve(ctx context.Context, l net.Listener, o Options) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := New(o)
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: time.Minute,
		MaxHeaderBytes: 32 << 10, BaseContext: func(net.Listener) context.Context { return ctx },
	}
	go s.Run(ctx)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	// Streams of changes have ended with ctx; a form that is being taken is answered.
	closing, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer done()
	err := server.Shutdown(closing)
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
