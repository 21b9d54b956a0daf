package ops

import (
	"fmt"
	"io"
	"log/slog"
	"regexp"
)

// NewLogger writes lines of JSON, or of text for a terminal, from a level up. It hides
// what looks like a phone number, in whatever is logged. Formats: json, text. Levels:
// debug, info, warn, error.
func NewLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level %q: want debug, info, warn or error", level)
	}
	o := &slog.HandlerOptions{Level: l, ReplaceAttr: redact}
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(w, o)), nil
	case "text":
		return slog.New(slog.NewTextHandler(w, o)), nil
	}
	return nil, fmt.Errorf("log format %q: want json or text", format)
}

// redact hides what looks like a phone number in every attribute that is not one of our
// own words or names. A new attribute is redacted until it is listed here as safe.
func redact(_ []string, a slog.Attr) slog.Attr {
	switch a.Key {
	case slog.TimeKey, slog.LevelKey, slog.MessageKey, slog.SourceKey,
		"key", "subject", "state", "from", "revision", "trace_id", "campaign_id", "op", "kind", "breaker", "verdict", "version":
		return a
	}
	switch a.Value.Kind() {
	case slog.KindString:
		s := a.Value.String()
		if a.Key == "note" {
			// A parser's note quotes what it could not read, and that may be part of a
			// message. The dead letter has all of it.
			s = quoted.ReplaceAllString(s, `"…"`)
		}
		if hasDigits(s) {
			s = Redact(s)
		}
		a.Value = slog.StringValue(s)
	case slog.KindDuration:
		// In JSON it would be a number of nanoseconds, without a unit.
		a.Value = slog.StringValue(a.Value.Duration().String())
	case slog.KindAny:
		// An error or a struct: what is written is its text.
		if s := fmt.Sprint(a.Value.Any()); hasDigits(s) {
			a.Value = slog.StringValue(Redact(s))
		}
	}
	return a
}

// A phone number as people and programs write it: at least seven digits, in
// one piece or in groups, that do not read as a date or a decimal.
var phone = regexp.MustCompile(`\+\d[\d ()./-]{5,}\d|\b\d{3,4}[ /]\d{3,}(?: \d+)*\b|\b\d{7,}\b`)

var quoted = regexp.MustCompile(`"[^"]*"`)

// Redact replaces what looks like a phone number.
func Redact(s string) string { return phone.ReplaceAllString(s, "[number]") }

// hasDigits is a cheap check before the expression: are there enough digits for a phone
// number at all?
func hasDigits(s string) bool {
	n := 0
	for i := range len(s) {
		if '0' <= s[i] && s[i] <= '9' {
			n++
		}
	}
	return n >= 6
}

// traceID is the second part of a W3C traceparent. What a sender has written otherwise is
// none: an exemplar with it would end the process.
func traceID(traceparent string) string {
	if m := trace.FindStringSubmatch(traceparent); m != nil {
		return m[1]
	}
	return ""
}

var trace = regexp.MustCompile(`^[0-9a-f]{2}-([0-9a-f]{32})-`)
