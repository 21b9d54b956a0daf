package sandbox

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"
)

// maxBody is the largest request that is read, an upload of a long list.
const maxBody = 64 << 20

// A call is one request to the gateway's API on its way through the sandbox.
type call struct {
	op   Operation
	r    *http.Request
	body []byte
	// at is the instant at which it takes effect.
	at time.Time
	// campaign is the one that the path or the query names, and campaignRef how;
	// nil if there is none.
	campaign    *campaign
	campaignRef string
	nameOf      func(list int) string // empty: there is no such list
	rule        Fault                 // the zero Fault if none strikes
	variants    Variants
}

// putStatus writes the status of a campaign, unless a fault wants another word
// or number to stand there.
func (c *call) putStatus(o *object, s status) {
	switch {
	case c.rule.Report != "":
		o.text("status", c.rule.Report)
	case c.variants.NumericStatus:
		o.number("status", s.number())
	default:
		o.text("status", s.String())
	}
}

// progress is how far a campaign has come, as far as the call may see it.
func (c *call) progress(s *Sandbox, k *campaign) progress {
	if c.rule.Stale {
		return progress{status: min(k.stage, costCalculated)}
	}
	return k.progress(s, c.at)
}

// current is the sending of a campaign that the call may see.
func (c *call) current(k *campaign) *sending {
	if c.rule.Stale {
		return nil
	}
	return k.current()
}

type handler func(*Sandbox, *call) reply

// serve takes a request through key, rate and faults to its handler, and logs the
// outcome.
func (s *Sandbox) serve(op Operation, h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := readBody(w, r)
		if err != nil {
			badRequest("body", "Request body cannot be read").write(w)
			return
		}
		c := &call{op: op, r: r, body: body, at: s.now(), nameOf: s.contacts.nameOf}
		refused, admitted := s.admit(w, c)
		if !admitted {
			s.callLog.add(c, refused.status)
			refused.in(s.Variants().Envelope).write(w)
			return
		}
		if c.campaignRef = campaignRef(r); c.campaignRef != "" {
			if id, err := strconv.Atoi(c.campaignRef); err == nil {
				c.campaign = s.campaigns.get(id)
			}
		}
		if c.campaign != nil {
			c.campaign.calls[op].Add(1)
		}
		c.rule, c.variants = s.faults.strike(c)
		answer := s.perform(r.Context(), c, h)
		s.callLog.add(c, answer.status)
		if answer.status == 0 {
			panic(http.ErrAbortHandler) // net/http cuts the connection, silently
		}
		answer.write(w)
	}
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength < 0 || r.ContentLength > maxBody {
		return io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	}
	body := make([]byte, r.ContentLength)
	_, err := io.ReadFull(r.Body, body)
	return body, err
}

func campaignRef(r *http.Request) string {
	if id := r.PathValue("campaign"); id != "" {
		return id
	}
	if r.URL.RawQuery != "" {
		return r.URL.Query().Get("campaignId")
	}
	return ""
}

// admit asks for the key and keeps the rate.
func (s *Sandbox) admit(w http.ResponseWriter, c *call) (refused reply, admitted bool) {
	a := s.keys.admit(c.r.Header.Get("X-Api-Key"), s.time.now)
	if !a.known {
		return fail(http.StatusUnauthorized, "apiKey", "API key is missing or not valid"), false
	}
	if limit := max(a.rate.PerMinute, a.rate.PerSecond); limit > 0 {
		w.Header()["X-Ratelimit-Limit"] = []string{strconv.Itoa(limit)}
		w.Header()["X-Ratelimit-Remaining"] = []string{strconv.Itoa(a.remaining)}
	}
	if a.wait > 0 {
		return tooMany(int(math.Ceil(a.wait.Seconds()))), false
	}
	return reply{}, true
}

// tooMany is the vendor's 429: not JSend, and the seconds are in the body. 0
// leaves them out.
func tooMany(retryAfter int) reply {
	message := "Rate limit exceeded."
	if retryAfter > 0 {
		message = fmt.Sprintf("Rate limit exceeded. Please retry after %d seconds.", retryAfter)
	}
	return spring(http.StatusTooManyRequests, message, retryAfter)
}

func spring(status int, message string, retryAfter int) reply {
	o := newObject().
		number("status", status).
		text("error", http.StatusText(status)).
		text("message", message)
	if retryAfter > 0 {
		o.number("retryAfter", retryAfter)
	}
	return reply{status: status, body: o.bytes()}
}

// perform runs the handler, as far as the fault permits it. A reply with status
// zero is a connection that is cut.
func (s *Sandbox) perform(ctx context.Context, c *call, h handler) reply {
	f := c.rule
	if f.Later > 0 {
		s.takeEffectLater(c.at.Add(f.Later), c, h)
		return f.answer(c, reply{})
	}
	if f.Delay > 0 && f.When == Before {
		if !s.wait(ctx, f.Delay) {
			// The client has gone. A slow server does not notice, and carries on.
			if !f.strikes() {
				s.takeEffectLater(c.at.Add(f.Delay), c, h)
			}
			return reply{}
		}
		c.at = s.now()
	}
	if f.strikes() && f.When == Before {
		return f.answer(c, reply{})
	}
	answer := h(s, c)
	if f.Delay > 0 && f.When == After && !s.wait(ctx, f.Delay) {
		return reply{}
	}
	return f.answer(c, answer.in(c.variants.Envelope))
}

// takeEffectLater lets a call take effect after its client has stopped waiting.
// The call log has it twice: cut off, and late.
func (s *Sandbox) takeEffectLater(due time.Time, c *call, h handler) {
	late := *c
	late.at = due
	s.late.add(due, func() { s.callLog.addLate(&late, h(s, &late).status) })
}

// wait is false if the client went away first, or the sandbox was closed.
func (s *Sandbox) wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-s.closed:
	}
	return false
}
