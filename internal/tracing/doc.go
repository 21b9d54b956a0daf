// Package tracing tells OpenTelemetry what happens to campaigns: a span for each wake-up
// handled, each call and each event told.
//
// It observes the loop as logs and metrics do, and the loop knows nothing of it. All ids
// are derived from the campaign's key, the revision of its record and the step: what is
// repeated after a crash is the same span, whichever service repeats it. It is off unless
// the standard OTEL_… variables say where to send spans.
package tracing
