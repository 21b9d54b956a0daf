package contract

import (
	"regexp"
	"strings"
)

// Traceparent is the W3C trace context that a text holds, as its version 00 has
// it; empty if it holds none that is valid (section 3.2.2). It goes out again with
// every event, so it is not taken on trust. Of a later version only what 00 knows
// is taken, as section 3.2.4 demands.
func Traceparent(text string) string {
	parts := traceparentForm.FindStringSubmatch(text)
	if parts == nil {
		return ""
	}
	version, trace, parent, flags, rest := parts[1], parts[2], parts[3], parts[4], parts[5]
	switch {
	case version == "ff", version == "00" && rest != "":
	case strings.Trim(trace, "0") == "", strings.Trim(parent, "0") == "":
	default:
		return "00-" + trace + "-" + parent + "-" + flags
	}
	return ""
}

var traceparentForm = regexp.MustCompile(`^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$`)

// traceOf is the trace context of a request: its headers, or else the attributes of the
// CloudEvent. A state without a parent says nothing.
func traceOf(h Header) (parent, state string) {
	for _, prefix := range []string{"", "ce-"} {
		if parent = Traceparent(HeaderOf(h, prefix+"traceparent")); parent != "" {
			return parent, Tracestate(HeaderOf(h, prefix+"tracestate"))
		}
	}
	return "", ""
}

// Tracestate is the W3C tracestate that a text holds (section 3.3.1); empty if it holds none
// that is valid, which leaves its traceparent valid (section 4.3). What was added last
// stands first, and may not be more than 512 characters here, so the oldest go first.
func Tracestate(text string) string {
	var kept []string
	seen, length := map[string]bool{}, 0
	for member := range strings.SplitSeq(text, ",") {
		member = strings.Trim(member, " \t")
		if member == "" {
			continue // an empty member is allowed
		}
		parts := stateMember.FindStringSubmatch(member)
		if parts == nil || seen[parts[1]] || len(seen) == stateMembers {
			return ""
		}
		seen[parts[1]] = true
		if length += len(member) + len(","); length <= stateLength+len(",") {
			kept = append(kept, member)
		}
	}
	return strings.Join(kept, ",")
}

// How many members a tracestate may have, and how many characters everybody has to pass
// on.
const stateMembers, stateLength = 32, 512

var stateMember = regexp.MustCompile(`^([a-z][_0-9a-z*/-]{0,255}|[a-z0-9][_0-9a-z*/-]{0,240}@[a-z][_0-9a-z*/-]{0,13})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$`)
