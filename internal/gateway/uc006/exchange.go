package uc006

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/gateway"
)

// request is one request, before it is HTTP.
type request struct {
	op     campaign.Op
	method string
	id     int64  // the campaign it is about; zero: none yet
	path   string // below the base URL
	query  string
	body   any // nil: none

	// write is a body of a type that is too long to be held; nil: body is all.
	write    func(io.Writer) error
	bodyType string
	within   time.Duration // zero: as long as any request
	root     bool          // path is below the host
	quiet    bool          // what the answer says may quote people, and is not kept
}

// answer is what a success carries. decode fails if something needed is
// missing, or if the answer is about another campaign than id.
type answer interface {
	decode(body []byte, id int64) error
}

// exchange makes one request. The answer is decoded into `into`.
func (c *caller) exchange(ctx context.Context, r request, into answer) campaign.Outcome {
	req := gateway.Request{Op: r.op, Method: r.method, Path: r.path, Query: r.query,
		Write: r.write, Type: r.bodyType, Within: r.within, Root: r.root}
	if r.body != nil {
		req.Body = encode(r.body)
	}
	return c.line.Do(ctx, req, func(out *campaign.Outcome, a gateway.Answer) error {
		err := c.read(out, a, into, r.id)
		if r.quiet {
			err = silence(out, err)
		}
		return err
	})
}

// silence takes out of an outcome what the gateway said: it may have repeated a phone
// number, or a field of somebody.
func silence(out *campaign.Outcome, err error) error {
	if err != nil {
		return fmt.Errorf("the answer to %s cannot be used; it is not shown, for it may quote people", out.Op)
	}
	if out.Kind != campaign.OK {
		out.Field, out.Words = "", ""
		out.Err = "the gateway answered " + gateway.StatusLine(out.HTTP) + "; what it says is not kept, for it may quote people"
	}
	return nil
}

// read takes an answer: what a success says, or the words of a refusal. An error means
// that it cannot be used. A body that breaks off shows nothing: neither what a 2xx did,
// nor why a refusal refuses.
func (c *caller) read(out *campaign.Outcome, a gateway.Answer, into answer, id int64) error {
	out.Kind, out.Cause = sortOf(a.Code)
	body, err := bytes.TrimPrefix(a.Body, byteOrderMark), a.Broken
	if out.Kind != campaign.OK {
		c.complain(out, a, body)
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
		return fmt.Errorf("the answer to %s cannot be used: %w%s", out.Op, err, gateway.Excerpt(body))
	}
	return nil
}

// byteOrderMark may be ignored, says RFC 8259.
var byteOrderMark = []byte("\xef\xbb\xbf")

// complain fills in why not.
func (c *caller) complain(out *campaign.Outcome, a gateway.Answer, body []byte) {
	if out.Kind == campaign.Refused && !(a.Broken == nil && shaped(body, a.Header.Get("Content-Type"), c.envelope)) {
		if out.Cause != campaign.Forbidden {
			unshaped(out, body)
			return
		}
		out.Unshaped = true // it is about the key, or nobody's; a probe finds out which
	}
	said := refusalWordsOf(body)
	out.Field, out.Words = said.field, said.words
	if out.Kind == campaign.Refused && out.Field == fieldCredit && a.Code == http.StatusBadRequest {
		out.Cause = campaign.NoCredit // 402 by UC-006, 400 by other pages of the vendor
	}
	if out.Kind == campaign.Throttled {
		out.RetryAfter = retryAfter(said.retryAfter, a.Header.Get("Retry-After"))
	}
	switch {
	case a.Code >= 300 && a.Code < 400:
		// To follow it could turn a PUT into a GET, or show the key to another server.
		out.Words, out.Err = "", "the gateway redirects, which is not followed (correct the base URL): "+gateway.Clean(a.Header.Get("Location"))
	case out.Words == "":
		out.Err = "the gateway answered " + gateway.StatusLine(a.Code) + " without a word"
	}
}
