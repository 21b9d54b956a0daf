package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// A Body is the shape of an answer: of a refusal, or of a fault.
type Body string

const (
	JSend     Body = "jsend"     // {"status":"fail","data":{…}}; from 500 on {"status":"error","message":…,"code":8}
	Spring    Body = "spring"    // {"status":503,"error":…,"message":…}
	Problem   Body = "problem"   // application/problem+json, RFC 9457
	Own       Body = "own"       // {"reason":…,"explanation":…}, which no page has
	HTML      Body = "html"      // the page of a proxy
	Empty     Body = "empty"     // nothing
	Malformed Body = "malformed" // JSON that breaks off in the middle
	Endless   Body = "endless"   // begins, and goes on until the client has enough
)

var (
	envelopes = []Body{JSend, Spring, Problem, Own, HTML, Empty}
	bodies    = append(slices.Clone(envelopes), Malformed, Endless)
)

func names(all []Body) string {
	var b strings.Builder
	for i, body := range all {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(body))
	}
	return b.String()
}

// refusal writes why something is refused in this shape. The zero Body is JSend.
func (b Body) refusal(status int, field, message string, retryAfter int) reply {
	title := http.StatusText(status)
	switch b {
	case Spring:
		return spring(status, message, retryAfter)
	case Problem:
		return reply{status: status, kind: "application/problem+json", body: newObject().
			text("type", "about:blank").
			text("title", title).
			number("status", status).
			text("detail", message).
			bytes()}
	case Own:
		return reply{status: status, body: newObject().
			text("reason", strings.ToUpper(strings.ReplaceAll(title, " ", "_"))).
			text("explanation", message).
			bytes()}
	case HTML:
		title = strconv.Itoa(status) + " " + title
		return reply{status: status, kind: "text/html", body: []byte("<html><head><title>" + title +
			"</title></head><body><center><h1>" + title + "</h1></center></body></html>\n")}
	case Empty:
		return reply{status: status}
	}
	if status >= http.StatusInternalServerError {
		return reply{status: status, body: newObject().text("status", "error").text("message", message).number("code", 8).bytes()}
	}
	return fail(status, field, message)
}

// in puts a refusal into another envelope; other answers stay as they are.
func (r reply) in(envelope Body) reply {
	if r.refused.field == "" || envelope == "" || envelope == JSend {
		return r
	}
	return envelope.refusal(r.status, r.refused.field, r.refused.message, 0)
}

// answer is what the client gets: the honest answer, unless the fault replaces or
// edits it.
func (f Fault) answer(c *call, honest reply) reply {
	if f.Cut || f.Later > 0 && f.Status == 0 {
		return reply{}
	}
	if len(f.Say) > 0 {
		honest.body = say(honest.body, f.Say)
	}
	if !f.strikes() {
		return honest
	}
	status := f.Status
	if status == 0 {
		status = max(honest.status, http.StatusOK)
	}
	message := "The sandbox was told to answer " + http.StatusText(status)
	text := []byte(strings.ReplaceAll(f.Answer, "$id", c.campaignRef))
	switch {
	case f.Body == Endless:
		if len(text) == 0 {
			text = []byte(`{"padding":"`)
		}
		return reply{status: status, body: text, endless: true}
	case f.Answer != "":
		r := reply{status: status, body: text}
		if !json.Valid(text) {
			r.kind = "text/plain"
		}
		return r
	case f.Body == Malformed:
		if len(honest.body) == 0 {
			honest = ok(newObject().text("status", "fail").open("data").text(c.op.String(), message).shut().bytes())
		}
		return reply{status: status, body: honest.body[:len(honest.body)/2]}
	case f.Body == "" && status < http.StatusMultipleChoices:
		// A 2xx is never a refusal: the honest answer is sent, if there is one.
		return reply{status: status, body: honest.body}
	case f.Body == "" && status == http.StatusTooManyRequests:
		return tooMany(f.RetryAfter)
	case f.Body == "":
		return c.variants.Envelope.refusal(status, c.op.String(), message, f.RetryAfter)
	}
	return f.Body.refusal(status, c.op.String(), message, f.RetryAfter)
}

// say replaces members of a JSON object by their paths, as in "stats.total"; null
// removes one. A body that is no object stays as it is.
func say(body []byte, members map[string]json.RawMessage) []byte {
	var o map[string]json.RawMessage
	if json.Unmarshal(body, &o) != nil || o == nil {
		return body
	}
	for path, value := range members {
		name, rest, nested := strings.Cut(path, ".")
		switch {
		case nested:
			o[name] = say(o[name], map[string]json.RawMessage{rest: value})
		case bytes.Equal(value, []byte("null")):
			delete(o, name)
		default:
			o[name] = value
		}
	}
	edited, err := json.Marshal(o)
	if err != nil {
		panic(fmt.Sprintf("sandbox: an answer that was read cannot be written: %v", err))
	}
	return edited
}
