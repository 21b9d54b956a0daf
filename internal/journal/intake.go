package journal

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/runner"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// headerResend on a wake-up names the request, by its sequence, that must be
// handled again because it has no record.
const headerResend = "Staffetta-Request-Sequence"

// Why a message became a dead letter before anybody could act on it. The
// runner has reasons of its own.
const (
	reasonSubject     = "bad_subject"
	reasonStructured  = "structured_cloudevent"
	reasonContentType = "unknown_content_type"
	reasonEventType   = "unknown_event_type"
	reasonProtobuf    = "not_protobuf"
	reasonJSON        = "not_json"
	reasonInvalid     = "invalid"
	reasonMismatch    = "subject_mismatch"
	reasonCommand     = "bad_command"
)

// unreadable is a message nobody can act on: a verdict to bury, as an error.
type unreadable struct {
	reason string
	fields []string
	note   string
}

func (u *unreadable) Error() string {
	if len(u.fields) > 0 {
		return fmt.Sprintf("%s: %s: %s", u.reason, strings.Join(u.fields, ", "), u.note)
	}
	return u.reason + ": " + u.note
}

func (u *unreadable) verdict() runner.Verdict {
	return runner.Verdict{Do: runner.Bury, Reason: u.reason, Fields: u.fields, Note: u.note}
}

// intake turns messages into wake-ups.
type intake struct {
	validator
	request func(ctx context.Context, seq uint64) (*jetstream.RawStreamMsg, error)

	proven   bool // a command's subject proves who said it
	required bool // one that nobody is proven to have given is refused
}

func newIntake(request func(context.Context, uint64) (*jetstream.RawStreamMsg, error)) (*intake, error) {
	v, err := newValidator()
	if err != nil {
		return nil, err
	}
	return &intake{validator: v, request: request}, nil
}

// read turns one message into a wake-up. An *unreadable error is final, any
// other is worth another try.
func (in *intake) read(ctx context.Context, m jetstream.Msg) (runner.Wakeup, error) {
	subject := m.Subject()
	switch {
	case strings.HasPrefix(subject, requestPrefix):
		meta, err := m.Metadata()
		if err != nil {
			return runner.Wakeup{}, err
		}
		return in.readRequest(subject, m.Headers(), m.Data(), meta.Timestamp)
	case strings.HasPrefix(subject, commandPrefix):
		return in.readCommand(subject, m.Headers(), m.Data())
	case strings.HasPrefix(subject, scheduleWakeupPrefix):
		return readScheduleWakeup(subject)
	default:
		return in.readTimer(ctx, subject, m.Headers())
	}
}

// readCommand reads what somebody tells a campaign to do.
func (in *intake) readCommand(subject string, h nats.Header, data []byte) (runner.Wakeup, error) {
	w, err := readCommand(subject, h, data, in.proven)
	if err == nil && in.required && (!in.proven || strings.Count(subject, ".") < 6) {
		return runner.Wakeup{}, unnamed()
	}
	return w, err
}

// readTimer reads a fired timer, or the sweep's wish that a request be handled
// again.
func (in *intake) readTimer(ctx context.Context, subject string, h nats.Header) (runner.Wakeup, error) {
	key, rest, err := splitSubject(subject, wakeupPrefix)
	if err != nil || rest != "" {
		return runner.Wakeup{}, &unreadable{reason: reasonSubject, note: "want " + wakeupPrefix + "<source>.<request id>"}
	}
	text := h.Get(headerResend)
	if text == "" {
		return runner.Wakeup{Key: key, Kind: runner.WakeTimer}, nil
	}
	m, err := in.resent(ctx, text)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		// It has aged out meanwhile; a plain look does no harm.
		return runner.Wakeup{Key: key, Kind: runner.WakeTimer}, nil
	}
	if err != nil {
		return runner.Wakeup{}, fmt.Errorf("request %s of %s: %w", text, key, err)
	}
	return in.readRequest(m.Subject, m.Header, m.Data, m.Time)
}

// resent is the request that the sweep names by its sequence.
func (in *intake) resent(ctx context.Context, sequence string) (*jetstream.RawStreamMsg, error) {
	seq, err := strconv.ParseUint(sequence, 10, 64)
	if err != nil {
		return nil, &unreadable{reason: reasonCommand, note: headerResend + " is not a number"}
	}
	return in.request(ctx, seq)
}

// readRequest reads a request that the stream stored at a moment.
func (in *intake) readRequest(subject string, h nats.Header, data []byte, stored time.Time) (runner.Wakeup, error) {
	key, rest, err := splitSubject(subject, requestPrefix)
	if err != nil || rest != "" {
		return runner.Wakeup{}, &unreadable{reason: reasonSubject, note: "want " + requestPrefix + "<source>.<request id>, each 1 to 64 letters, digits, _ or -"}
	}
	var m campaignv1.CampaignRequested
	if err := decodeRequest(&m, h, data); err != nil {
		return runner.Wakeup{}, err
	}
	if err := in.validate(&m); err != nil {
		return runner.Wakeup{}, err
	}
	inside, request := fromProto(&m)
	for _, f := range []struct{ name, subject, message string }{
		{"source", key.Source, inside.Source}, {"request_id", key.RequestID, inside.RequestID},
	} {
		if f.subject != f.message {
			return runner.Wakeup{}, &unreadable{reason: reasonMismatch, fields: []string{f.name}, note: fmt.Sprintf(
				"the subject says %q, the message %q: publish it on %s%s, or correct %s in the message", f.subject, f.message, requestPrefix, inside, f.name)}
		}
	}
	return runner.Wakeup{Key: key, Kind: runner.WakeRequest, Request: request, Trace: Traceparent(header(h, "traceparent")), Asked: asked(h, stored)}, nil
}

// asked is when a request was first stored: what a replay says of its original,
// if that can be, or else when it was stored itself.
func asked(h nats.Header, stored time.Time) time.Time {
	if at, err := time.Parse(time.RFC3339Nano, h.Get(headerAsked)); err == nil && !at.IsZero() && at.Before(stored) {
		return at.UTC()
	}
	return stored.UTC()
}

// decodeRequest reads protobuf, bare or with CloudEvents headers, or protobuf's
// JSON if the headers say so.
func decodeRequest(m *campaignv1.CampaignRequested, h nats.Header, data []byte) error {
	media, _, _ := strings.Cut(strings.ToLower(header(h, "content-type")), ";")
	if media == "" {
		media, _, _ = strings.Cut(strings.ToLower(header(h, "ce-datacontenttype")), ";")
	}
	media = strings.TrimSpace(media)
	want := string(m.ProtoReflect().Descriptor().FullName())
	if have := header(h, "ce-type"); have != "" && have != want {
		return &unreadable{reason: reasonEventType, fields: []string{"ce-type"}, note: fmt.Sprintf("want %s, got %s", want, clip(have, 200))}
	}
	reason, read := reasonProtobuf, readProtobuf
	switch media {
	case "", contentProtobuf, "application/x-protobuf", "application/vnd.google.protobuf":
	case "application/json":
		reason, read = reasonJSON, ReadJSON
	default:
		if strings.HasPrefix(media, "application/cloudevents") {
			return &unreadable{reason: reasonStructured, note: "a structured CloudEvent: send binary mode, the attributes as ce- headers and the protobuf as the payload"}
		}
		return &unreadable{reason: reasonContentType, fields: []string{"content-type"}, note: fmt.Sprintf("want %s or application/json, got %s", contentProtobuf, clip(media, 200))}
	}
	var f *Fault
	if err := read(data, m); errors.As(err, &f) {
		u := &unreadable{reason: reason, note: clip(f.Note, 1000)}
		if f.Field != "" {
			u.fields = []string{f.Field}
		}
		return u
	}
	return nil
}

// header reads a header whatever its case: the CloudEvents binding calls names
// insensitive, the client's own lookup is not.
func header(h nats.Header, name string) string {
	if v := h.Get(name); v != "" {
		return v
	}
	for k, v := range h {
		if len(v) > 0 && strings.EqualFold(k, name) {
			return v[0]
		}
	}
	return ""
}

// clip shortens text from outside to at most n characters.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
