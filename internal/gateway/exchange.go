package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// request is one request, before it is HTTP.
type request struct {
	op     campaign.Op
	method string
	id     int64  // whom it is about; zero: nobody yet
	path   string // below the base URL
	query  string
	body   any // nil: none
}

// answer is what a success carries. decode fails if something needed is
// missing, or if the answer is about another campaign than id.
type answer interface {
	decode(body []byte, id int64) error
}

// Bodies longer than this are not read to their end. The longest known, a
// campaign with its text and its lists, has a few kilobytes.
const maxBody = 256 << 10

// exchange makes one request and sorts what becomes of it. It is the only
// place that touches an *http.Response. The answer is decoded into `into`.
func (c *client) exchange(ctx context.Context, r request, into answer) campaign.Outcome {
	out := campaign.Outcome{Op: r.op, Started: time.Now().UTC()}
	if ctx.Err() != nil {
		c.limit.giveBack()
		return notAttempted(out, ctx)
	}
	if rest := c.limit.stopped(); rest > 0 {
		c.limit.giveBack()
		return throttled(out, rest)
	}
	bounded, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	d := depart(bounded, c.limit)
	key := c.key.current()

	resp, err := c.transport.RoundTrip(c.build(d, r, key))
	left := d.arrived(err)
	if err == nil {
		out.HTTP, out.Kind = resp.StatusCode, kindOf(resp.StatusCode)
		err = c.read(&out, resp, into, r.id)
	}
	out.Took = time.Since(out.Started)
	switch {
	case err == nil:
	case ctx.Err() != nil && !left:
		return notAttempted(out, ctx)
	case ctx.Err() != nil:
		out.Kind, out.Err = campaign.Unavailable, "gave up waiting for the answer: "+context.Cause(ctx).Error()
	case bounded.Err() != nil:
		out.Kind, out.Err = campaign.Unavailable, "no answer within "+c.timeout.String()
	default:
		out.Kind, out.Err = campaign.Unavailable, clean(err.Error())
	}
	if out.Kind != campaign.OK {
		out.Words, out.Err = key.redact(out.Words), key.redact(out.Err)
		out.Field = key.redact(out.Field)
	}
	c.onRequest(out)
	return out
}

// build makes the HTTP request. When an old connection turns out to be closed,
// the transport sends some requests again by itself: a GET, or whatever has an
// Idempotency-Key header, or of which nothing was written. A confirm is none
// of these, and having no GetBody it could not be sent again if it were.
func (c *client) build(d *departure, r request, key *credential) *http.Request {
	req := c.template.WithContext(d.ctx)
	u := c.base
	u.Path += r.path
	u.RawQuery = r.query
	req.URL, req.Method, req.Header = &u, r.method, key.bare
	if r.body != nil {
		body := encode(r.body)
		req.Body = io.NopCloser(bytes.NewReader(body))
		req.ContentLength = int64(len(body))
		req.Header = key.json
	}
	return req
}

// read takes the answer's body: what a success says, or the words of a
// refusal. An error means that there was an answer which cannot be used. A
// body that breaks off says nothing: neither what a 2xx did, nor why not.
func (c *client) read(out *campaign.Outcome, resp *http.Response, into answer, id int64) error {
	defer resp.Body.Close()
	buf := buffers.Get().(*bytes.Buffer)
	defer recycle(buf)
	n, err := buf.ReadFrom(io.LimitReader(resp.Body, maxBody+1))
	body := buf.Bytes()
	if n > maxBody {
		body, err = body[:maxBody], fmt.Errorf("it is longer than %d bytes", maxBody)
	}
	body = bytes.TrimPrefix(body, byteOrderMark)
	if out.Kind != campaign.OK {
		c.complain(out, resp, body, err == nil)
		return nil
	}
	switch wordless, ok := into.(*accepted); {
	case err == nil:
		err = into.decode(body, id)
	case ok:
		err = wordless.decode(body, id)
		*wordless = accepted{}
	}
	if err != nil {
		return fmt.Errorf("the answer to %s cannot be used: %w%s", out.Op, err, excerpt(body))
	}
	return nil
}

// byteOrderMark may be ignored, says RFC 8259.
var byteOrderMark = []byte("\xef\xbb\xbf")

// complain fills in why not.
func (c *client) complain(out *campaign.Outcome, resp *http.Response, body []byte, complete bool) {
	// A 403 is about the key or about the campaign, and a probe finds out which.
	if out.Kind == campaign.Refused && out.HTTP != http.StatusForbidden &&
		!(complete && shaped(body, resp.Header.Get("Content-Type"), c.envelope)) {
		unshaped(out, body)
		return
	}
	said := complaintOf(body)
	out.Field, out.Words = said.field, said.words
	if out.Kind == campaign.Throttled {
		out.RetryAfter = retryAfter(said.retryAfter, resp.Header.Get("Retry-After"), c.retryAfter)
		c.limit.block(out.RetryAfter)
	}
	switch {
	case out.HTTP >= 300 && out.HTTP < 400:
		// Following it could turn a PUT into a GET, or show the key to a stranger.
		out.Words, out.Err = "", "the gateway redirects, which is not followed (correct the base URL): "+clean(resp.Header.Get("Location"))
	case out.Words == "":
		out.Err = "the gateway answered " + statusLine(out.HTTP) + " without a word"
	}
}

func notAttempted(out campaign.Outcome, ctx context.Context) campaign.Outcome {
	out.Kind, out.Err = campaign.NotAttempted, "the call did not leave: "+context.Cause(ctx).Error()
	return out
}

// throttled is the outcome of a call that a 429, answered to another, kept back.
func throttled(out campaign.Outcome, rest time.Duration) campaign.Outcome {
	out.Kind, out.RetryAfter = campaign.NotAttempted, rest
	out.Err = "the call did not leave: the gateway said that there are too many"
	return out
}

var buffers = sync.Pool{New: func() any { return bytes.NewBuffer(make([]byte, 0, 2<<10)) }}

// recycle keeps the buffer, unless one long answer made it large.
func recycle(buf *bytes.Buffer) {
	if buf.Cap() <= 16<<10 {
		buf.Reset()
		buffers.Put(buf)
	}
}
