package journal

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
