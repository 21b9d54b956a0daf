package sandbox

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// A reply is what a request is answered. The zero status is a connection that
// was cut.
type reply struct {
	status int
	body   []byte
	kind   string // the content type; empty: JSON
	// refused is why, so that a refusal can be put into another envelope.
	refused struct{ field, message string }
	// endless bodies go on after their beginning until the client has gone.
	endless bool
}

func ok(body []byte) reply { return reply{status: http.StatusOK, body: body} }

// fail is the JSend body in which the gateway refuses: the field, and why.
func fail(status int, field, message string) reply {
	r := reply{status: status, body: newObject().
		text("status", "fail").
		open("data").text(field, message).shut().
		bytes()}
	r.refused.field, r.refused.message = field, message
	return r
}

func badRequest(field, format string, args ...any) reply {
	return fail(http.StatusBadRequest, field, fmt.Sprintf(format, args...))
}

func notFound(field, format string, args ...any) reply {
	return fail(http.StatusNotFound, field, fmt.Sprintf(format, args...))
}

// decode reads a JSON body; the reply says what is wrong with it. Members that
// the gateway does not know are passed over, as it would.
func decode(body []byte, into any) (bad reply, fine bool) {
	err := json.Unmarshal(body, into)
	if err == nil {
		return reply{}, true
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		return badRequest(wrong.Field, "Must be a %s", jsonName(wrong.Type.String())), false
	}
	return badRequest("body", "Request body is not valid JSON"), false
}

func jsonName(goType string) string {
	switch strings.TrimLeft(goType, "*[]") {
	case "bool":
		return "boolean"
	case "int":
		return "number"
	}
	return strings.TrimLeft(goType, "*[]")
}

// sentence makes an error of package sms a message of the gateway.
func sentence(err error) string {
	s := err.Error()
	return strings.ToUpper(s[:1]) + s[1:]
}

func (r reply) write(w http.ResponseWriter) {
	if len(r.body) > 0 {
		w.Header()["Content-Type"] = []string{cmp.Or(r.kind, "application/json")}
	}
	w.WriteHeader(r.status)
	_, err := w.Write(r.body) // a client that has gone away is no concern of the gateway's
	for more := bytes.Repeat([]byte("x"), 1<<15); r.endless && err == nil; {
		_, err = w.Write(more)
	}
}
