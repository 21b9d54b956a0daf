package sandbox

import (
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
	html   bool
}

func ok(body []byte) reply { return reply{status: http.StatusOK, body: body} }

// fail is the JSend body in which the gateway refuses: the field, and why.
func fail(status int, field, message string) reply {
	return reply{status: status, body: newObject().
		text("status", "fail").
		open("data").text(field, message).shut().
		bytes()}
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
		kind := "application/json"
		if r.html {
			kind = "text/html"
		}
		w.Header()["Content-Type"] = []string{kind}
	}
	w.WriteHeader(r.status)
	w.Write(r.body) // a client that has gone away is no concern of the gateway's
}
