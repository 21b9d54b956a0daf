package streams

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Answer is what the outcome of a conditional write proves.
type Answer int

const (
	// Stored: the message is in the stream, as durable as the stream is.
	Stored Answer = iota
	// Exists: not stored, because the subject has a message that the
	// expectation did not name.
	Exists
	// Contended: not stored, because another write to the same subject is
	// under way. That write may still fail, so nothing is known of the subject.
	Contended
	// lost: no usable answer; the message may be in the stream or not.
	lost
	// Refused: not stored, and it never will be: the stream does not take it.
	Refused
)

// SortWrite is the only place that looks at JetStream's error codes for a write.
func SortWrite(err error) Answer {
	if err == nil {
		return Stored
	}
	var api *jetstream.APIError
	switch {
	case !errors.As(err, &api):
		// No responders, time-outs, a broken connection.
		return lost
	case api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant:
		return Contended
	case api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence:
		// "wrong last sequence: N". N is zero when a message was expected and
		// the subject is empty.
		_, n, _ := strings.Cut(api.Description, ": ")
		if seq, err := strconv.ParseUint(strings.TrimSpace(n), 10, 64); err == nil && seq == 0 {
			return Contended
		}
		return Exists
	case api.Code >= 400 && api.Code < 500:
		return Refused
	default:
		// 503 and 500: no leader, a store that failed after the proposal.
		return lost
	}
}

// ConnectionOver says that no later try on this connection can succeed.
func ConnectionOver(err error) bool {
	return errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrConnectionDraining) ||
		errors.Is(err, context.Canceled) || errors.Is(err, nats.ErrMaxPayload) || errors.Is(err, nats.ErrBadSubject)
}

// redacted hides the password of a server URL in an error.
func redacted(url string) string {
	if at := strings.LastIndex(url, "@"); at >= 0 {
		scheme, _, _ := strings.Cut(url, "://")
		return scheme + "://…" + url[at:]
	}
	return url
}
