package gateway

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Line is the way to the vendor's gateway: it has the key, the rate and the
// connections, and does not know the vendor's API.
type Line struct {
	base       url.URL
	key        *key
	limit      *limiter
	transport  http.RoundTripper
	template   *http.Request // what all requests have in common: nothing but their type
	timeout    time.Duration
	retryAfter time.Duration
	onRequest  func(campaign.Outcome)
}

func newLine(base url.URL, key *key, limit *limiter, o Options) *Line {
	return &Line{
		base: base, key: key, limit: limit, transport: o.Transport,
		template: &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: base.Host},
		timeout:  o.Timeout, retryAfter: o.RetryAfter, onRequest: o.OnRequest,
	}
}

// Request is one request, before it is HTTP.
type Request struct {
	Op     campaign.Op
	Method string
	Path   string // below the base URL
	Query  string
	Body   []byte // JSON; nil: none

	// Write writes a body that is too long to be held; nil: Body is all. It may be called
	// once for each request, and is over before Do returns.
	Write func(io.Writer) error
	Type  string // of what Write writes
	// Within is how long the request may take; zero: as long as any.
	Within time.Duration
	// Root says that Path is below the host, and not below the base URL.
	Root bool
}

// Answer is what came back. It is no longer valid after it was read.
type Answer struct {
	Code   int
	Header http.Header
	Body   []byte
	Broken error // why the body is not whole; nil: it is
}

// MaxBody bounds what is read of a body. The longest known, a campaign with its text and
// its lists, has a few kilobytes.
const MaxBody = 256 << 10

// Do makes one request and sorts its outcome. It is the only place that touches an
// *http.Response. If there is an answer, read fills in the outcome: its kind, its
// cause, what it says. An error of read means that the answer cannot be used.
func (l *Line) Do(ctx context.Context, r Request, read func(*campaign.Outcome, Answer) error) campaign.Outcome {
	out := campaign.Outcome{Op: r.Op, Started: time.Now().UTC()}
	if ctx.Err() != nil {
		l.limit.giveBack()
		return notAttempted(out, ctx)
	}
	if rest := l.limit.stopped(); rest > 0 {
		l.limit.giveBack()
		return throttled(out, rest)
	}
	within := cmp.Or(r.Within, l.timeout)
	bounded, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	d := trackSend(bounded, l.limit)
	key := l.key.current()

	req := l.build(d, r, key)
	if r.Write != nil {
		defer l.stream(req, r, key)()
	}
	resp, err := l.transport.RoundTrip(req)
	left := d.finish(err)
	if err == nil {
		defer l.heard(&out, d, resp)
		err = l.receive(&out, resp, read)
	}
	out.Took = time.Since(out.Started)
	if err != nil && out.Kind == campaign.OK {
		out.Cause = campaign.Unusable
	}
	switch {
	case err == nil:
	case ctx.Err() != nil && !left:
		return notAttempted(out, ctx)
	case d.refused && !left:
		out.Kind, out.Cause, out.RetryAfter = campaign.NotAttempted, "", time.Second
		out.Err = "the call did not leave: the share of the rate that it was admitted with had lapsed"
		return out
	case ctx.Err() != nil:
		out.Kind, out.Err = campaign.Unavailable, "gave up waiting for the answer: "+context.Cause(ctx).Error()
	case bounded.Err() != nil:
		out.Kind, out.Err = campaign.Unavailable, "no answer within "+within.String()
	default:
		out.Kind, out.Err = campaign.Unavailable, Clean(err.Error())
	}
	if out.Kind != campaign.OK {
		out.Words, out.Err = key.redact(out.Words), key.redact(out.Err)
		out.Field = key.redact(out.Field)
	}
	l.onRequest(out)
	return out
}

// Admit waits for the permit of one further request, by the priority of a call.
func (l *Line) Admit(ctx context.Context, op campaign.Op) (campaign.Outcome, bool) {
	return l.limit.admit(ctx, op)
}

// NoSuchCall gives back the permit of a call that the vendor does not have.
func (l *Line) NoSuchCall(op campaign.Op) campaign.Outcome {
	l.limit.giveBack()
	return campaign.Outcome{Op: op, Kind: campaign.NotAttempted, Err: "there is no such call"}
}

// build makes the HTTP request. When an old connection turns out to be closed,
// the transport sends some requests again by itself: a GET, or whatever has an
// Idempotency-Key header, or of which nothing was written. A confirm is none
// of these, and having no GetBody it could not be sent again if it were.
func (l *Line) build(d *sendTracker, r Request, key *credential) *http.Request {
	req := l.template.WithContext(d.ctx)
	u := l.base
	if r.Root {
		u.Path = ""
	}
	u.Path += r.Path
	u.RawQuery = r.Query
	req.URL, req.Method, req.Header = &u, r.Method, key.bare
	if r.Body != nil {
		req.Body = io.NopCloser(bytes.NewReader(r.Body))
		req.ContentLength = int64(len(r.Body))
		req.Header = key.json
	}
	return req
}

// stream gives the request a body that is written while it is sent, so that it is never
// held whole. What it returns ends the writing, and waits for that: a server may answer
// before it has read everything, and a connection may not come about. A body whose writing
// fails is never ended, so the server does not take it for whole.
func (l *Line) stream(req *http.Request, r Request, key *credential) (end func()) {
	body, in := io.Pipe()
	var writing sync.WaitGroup
	writing.Go(func() { in.CloseWithError(r.Write(in)) })
	req.Body, req.ContentLength = body, -1
	req.Header = key.bare.Clone()
	req.Header.Set("Content-Type", r.Type)
	return func() {
		//lint:ignore errcheck the end of a pipe closes without one
		body.Close()
		writing.Wait()
	}
}

// BasePath is the path of the base URL, without a slash at its end.
func (l *Line) BasePath() string { return strings.TrimSuffix(l.base.Path, "/") }

// receive takes the answer. A 429 stops all calls: for as long as it says, otherwise
// for as long as the options say, an hour at most.
func (l *Line) receive(out *campaign.Outcome, resp *http.Response, read func(*campaign.Outcome, Answer) error) error {
	defer resp.Body.Close()
	buf := buffers.Get().(*body)
	defer buf.recycle()
	buf.limited.R, buf.limited.N = resp.Body, MaxBody+1
	n, err := buf.ReadFrom(&buf.limited)
	a := Answer{Code: resp.StatusCode, Header: resp.Header, Body: buf.Bytes(), Broken: err}
	if n > MaxBody {
		a.Body, a.Broken = a.Body[:MaxBody], fmt.Errorf("it is longer than %d bytes", MaxBody)
	}
	out.HTTP = a.Code
	err = read(out, a)
	if out.Kind == campaign.Throttled {
		if out.RetryAfter <= 0 {
			out.RetryAfter = l.retryAfter
		}
		out.RetryAfter = min(out.RetryAfter, time.Hour)
		l.limit.block(out.RetryAfter)
	}
	return err
}

// heard tells what an answer says of the limit. That it says nothing counts only if it is
// the gateway that answers.
func (l *Line) heard(out *campaign.Outcome, d *sendTracker, resp *http.Response) {
	if l.limit.tokens == nil {
		return
	}
	number := func(name string) int {
		n, err := strconv.Atoi(resp.Header.Get(name))
		if err != nil || n < 0 {
			return -1
		}
		return n
	}
	limit, left := number("X-RateLimit-Limit"), number("X-RateLimit-Remaining")
	if limit > 0 || out.Kind == campaign.OK || out.Kind == campaign.Refused && !out.Unshaped {
		l.limit.tokens.Heard(limit, left, d.ago())
	}
}

func (l *Line) close() {
	if t, ok := l.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

func notAttempted(out campaign.Outcome, ctx context.Context) campaign.Outcome {
	out.Kind, out.Err = campaign.NotAttempted, "the call did not leave: "+context.Cause(ctx).Error()
	return out
}

// throttled is the outcome of a call that did not leave because of the 429 to another.
func throttled(out campaign.Outcome, rest time.Duration) campaign.Outcome {
	out.Kind, out.RetryAfter = campaign.NotAttempted, rest
	out.Err = "the call did not leave: the gateway said that there are too many"
	return out
}

// body is the body of an answer, and the bound on what is read of it.
type body struct {
	bytes.Buffer
	limited io.LimitedReader
}

var buffers = sync.Pool{New: func() any { return &body{Buffer: *bytes.NewBuffer(make([]byte, 0, 2<<10))} }}

// recycle keeps the buffer, unless one long answer made it large.
func (b *body) recycle() {
	b.limited.R = nil
	if b.Cap() <= 16<<10 {
		b.Reset()
		buffers.Put(b)
	}
}
