package contract

import "strings"

// Header is the header lines of a message.
type Header = map[string][]string

// Envelope is a message as it goes into a stream.
type Envelope struct {
	Subject string
	Header  Header
	Data    []byte
}

// Headers makes header lines from name, value, name, value. The values are one piece of
// memory, not one for each.
func Headers(pairs ...string) Header {
	h := make(Header, len(pairs)/2+2) // room for what the caller and the write add
	values := make([]string, len(pairs)/2)
	for i := range values {
		values[i] = pairs[2*i+1]
		h[pairs[2*i]] = values[i : i+1 : i+1]
	}
	return h
}

// get is the first value under a name, spelled as it is.
func get(h Header, name string) string {
	if values := h[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// HeaderOf reads a header whatever its case: the CloudEvents binding calls names
// insensitive, the client's own lookup is not.
func HeaderOf(h Header, name string) string {
	if v := get(h, name); v != "" {
		return v
	}
	for k, v := range h {
		if len(v) > 0 && strings.EqualFold(k, name) {
			return v[0]
		}
	}
	return ""
}
