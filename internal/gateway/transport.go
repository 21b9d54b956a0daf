package gateway

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"sync"
	"time"
)

// transport keeps one connection for every call that may be under way, and two for
// probes. The request is written, and its answer read, by the goroutine that makes the
// call. [http.Transport] has two more goroutines for each connection, with a stack each,
// and every call wakes one after the other. What is on the wire is written and read by
// net/http all the same; and what needs more than a connection, as a proxy does, is
// left to it.
//
// Nothing is sent twice but a GET, once, to which a connection from before brought no
// answer at all.
type transport struct {
	general *http.Transport
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	tls     *tls.Config
	places  chan struct{} // one is taken by each call under way

	mu     sync.Mutex
	idle   map[string][]*conn // by address, the latest last
	expiry *time.Timer        // nil: no connection is idle
}

const (
	dialWithin      = 10 * time.Second
	handshakeWithin = 10 * time.Second
	// idleWithin is how long a connection is kept that nobody uses. One that idles
	// longer than servers commonly allow is ours to close: a request written to a
	// connection that the server is just closing has no known outcome.
	idleWithin = 30 * time.Second
	maxHead    = 64 << 10 // bytes of an answer before its body
)

// NewTransport is what a Gateway uses if it is given none, for callers that look at the
// answers on the way.
func NewTransport(inFlight int) http.RoundTripper { return newTransport(inFlight, nil) }

func newTransport(inFlight int, conf *tls.Config) *transport {
	if conf == nil {
		conf = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	conf = conf.Clone()
	conf.MinVersion = max(conf.MinVersion, tls.VersionTLS12)
	conf.NextProtos = nil // so HTTP/1.1 is spoken
	dial := net.Dialer{Timeout: dialWithin, KeepAlive: 15 * time.Second}
	return &transport{
		general: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            dial.DialContext,
			TLSClientConfig:        conf,
			TLSHandshakeTimeout:    handshakeWithin,
			MaxConnsPerHost:        inFlight + 2,
			MaxIdleConns:           inFlight + 2,
			MaxIdleConnsPerHost:    inFlight + 2,
			IdleConnTimeout:        idleWithin,
			MaxResponseHeaderBytes: maxHead,
			DisableCompression:     true, // answers are small
		},
		dial: dial.DialContext, tls: conf, places: make(chan struct{}, inFlight+2), idle: map[string][]*conn{},
	}
}

// RoundTrip makes one request. The body of the answer has to be read to its end, or
// closed.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.needsMore(req) {
		return t.general.RoundTrip(req)
	}
	ctx := req.Context()
	for first := true; ; first = false {
		c, err := t.connect(req)
		if err == nil {
			var resp *http.Response
			if resp, err = c.roundTrip(req); err == nil {
				return resp, nil
			}
			c.end()
		}
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case !first || c == nil || !c.used || c.heard || req.Method != http.MethodGet:
			return nil, err
		}
		t.CloseIdleConnections() // they are as old
	}
}

// needsMore says that a request needs a proxy, or a name in another alphabet translated.
func (t *transport) needsMore(req *http.Request) bool {
	proxy, err := t.general.Proxy(req)
	beyondASCII := func(r rune) bool { return r >= 0x80 }
	return proxy != nil || err != nil || slices.ContainsFunc([]rune(req.URL.Host), beyondASCII)
}

// connect returns a connection that no other call uses.
func (t *transport) connect(req *http.Request) (*conn, error) {
	ctx, address := req.Context(), addressOf(req)
	trace := httptrace.ContextClientTrace(ctx)
	if trace != nil && trace.GetConn != nil {
		trace.GetConn(address)
	}
	select {
	case t.places <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c := t.take(address)
	if c == nil {
		var err error
		if c, err = t.open(ctx, address, req.URL.Scheme == "https"); err != nil {
			<-t.places
			return nil, err
		}
	}
	if trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{Conn: c.Conn, Reused: c.used})
	}
	return c, nil
}

func addressOf(req *http.Request) string {
	switch {
	case req.URL.Port() != "":
		return req.URL.Host
	case req.URL.Scheme == "https":
		return net.JoinHostPort(req.URL.Hostname(), "443")
	}
	return net.JoinHostPort(req.URL.Hostname(), "80")
}

// take returns an idle connection that the server has not closed; nil: there is none.
func (t *transport) take(address string) *conn {
	for {
		t.mu.Lock()
		idle := t.idle[address]
		if len(idle) == 0 {
			t.mu.Unlock()
			return nil
		}
		last := len(idle) - 1
		c := idle[last]
		idle[last] = nil
		t.idle[address] = idle[:last]
		t.mu.Unlock()
		if time.Since(c.since) < idleWithin && c.look.stands() {
			return c
		}
		discard(c)
	}
}

// put keeps a connection for the next call.
func (t *transport) put(c *conn) {
	c.used, c.since = true, time.Now()
	t.mu.Lock()
	t.idle[c.address] = append(t.idle[c.address], c)
	if t.expiry == nil {
		t.expiry = time.AfterFunc(idleWithin, t.expire)
	}
	t.mu.Unlock()
	<-t.places
}

// expire closes what has idled for long.
func (t *transport) expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expiry = nil
	for address, idle := range t.idle {
		t.idle[address] = slices.DeleteFunc(idle, func(c *conn) bool {
			old := time.Since(c.since) >= idleWithin
			if old {
				discard(c)
			}
			return old
		})
		if len(t.idle[address]) > 0 && t.expiry == nil {
			t.expiry = time.AfterFunc(idleWithin, t.expire)
		}
	}
}

// CloseIdleConnections closes those that no call uses at the moment.
func (t *transport) CloseIdleConnections() {
	t.general.CloseIdleConnections()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, idle := range t.idle {
		for _, c := range idle {
			discard(c)
		}
	}
	clear(t.idle)
	if t.expiry != nil {
		t.expiry.Stop()
		t.expiry = nil
	}
}

// open makes a connection.
func (t *transport) open(ctx context.Context, address string, secure bool) (*conn, error) {
	wire, err := t.dial(ctx, "tcp", address)
	if err != nil {
		if until, bounded := ctx.Deadline(); bounded && !time.Now().Before(until) {
			<-ctx.Done() // the dialer's own timer was a moment quicker
		}
		return nil, err
	}
	c := &conn{Conn: wire, wire: wire, transport: t, address: address, look: lookAt(wire)}
	if secure {
		conf := t.tls
		if conf.ServerName == "" {
			conf = conf.Clone()
			conf.ServerName, _, _ = net.SplitHostPort(address)
		}
		ctx, cancel := context.WithTimeout(ctx, handshakeWithin)
		defer cancel()
		over := tls.Client(wire, conf)
		if err := over.HandshakeContext(ctx); err != nil {
			discard(wire)
			return nil, err
		}
		c.Conn = over
	}
	c.in, c.out = bufio.NewReader(c), bufio.NewWriter(c.Conn)
	return c, nil
}

// conn is a connection. One call at a time uses it, from one goroutine.
type conn struct {
	net.Conn  // over TLS, if it is secure
	wire      net.Conn
	transport *transport
	address   string
	in        *bufio.Reader
	out       *bufio.Writer
	look      *idleLook
	since     time.Time // when it began to idle
	used      bool      // by a call before

	// Of the call under way.
	heard  bool        // there is a byte of an answer
	head   int64       // how many bytes more may come before the body
	forget func() bool // stops heeding the context; false: it has ended
}

var (
	errLongHead = errors.New("the answer's headers are longer than 64 KiB")
	errNoAnswer = errors.New("the server closed the connection without an answer")
)

// Read reads for the buffer.
func (c *conn) Read(p []byte) (int, error) {
	if c.head <= 0 {
		return 0, errLongHead
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), c.head)])
	c.head -= int64(n)
	c.heard = c.heard || n > 0
	return n, err
}

// longAgo is a deadline that ends what is under way.
var longAgo = time.Unix(1, 0)

// roundTrip writes one request, and reads its answer up to the body.
func (c *conn) roundTrip(req *http.Request) (*http.Response, error) {
	c.heard, c.head = false, maxHead
	c.forget = context.AfterFunc(req.Context(), func() {
		//lint:ignore errcheck then it is closed already
		c.wire.SetDeadline(longAgo)
	})
	if err := writeRequest(c.out, req); err != nil {
		return nil, err
	}
	if err := c.out.Flush(); err != nil {
		return nil, err
	}
	for {
		resp, err := http.ReadResponse(c.in, req)
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF) && !c.heard:
			return nil, errNoAnswer
		case err != nil:
			return nil, err
		case resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols:
			c.head = math.MaxInt64 // the body's bound is its reader's
			resp.Body = &answerBody{conn: c, ReadCloser: resp.Body, last: resp.Close || resp.StatusCode < 200}
			return resp, nil
		}
		// 100 to 199 say that the answer is still to come.
	}
}

// end ends a call, and its connection with it.
func (c *conn) end() {
	c.forget()
	discard(c)
	<-c.transport.places
}

// discard closes a connection of which nothing is expected any more.
func discard(c net.Conn) {
	//lint:ignore errcheck whether it was still open does not matter
	c.Close()
}

// answerBody is the body of an answer. The connection that brings it is kept once it was
// read to its end.
type answerBody struct {
	io.ReadCloser
	conn *conn // nil: it may serve another call by now
	last bool  // the connection brings no other answer
}

func (b *answerBody) Read(p []byte) (int, error) {
	if b.conn == nil {
		return 0, io.EOF
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.finish(err == io.EOF)
	}
	return n, err
}

func (b *answerBody) Close() error {
	b.finish(false)
	return nil
}

func (b *answerBody) finish(whole bool) {
	c := b.conn
	b.conn = nil
	switch {
	case c == nil:
	case whole && !b.last && c.in.Buffered() == 0 && c.forget():
		c.transport.put(c)
	default:
		c.end()
	}
}
