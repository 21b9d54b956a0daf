package contract

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Unreadable is a message nobody can act on: a verdict to bury, as an error.
type Unreadable struct {
	Reason deadletter.Reason
	fields []string
	Note   string
}

// Error says why, which fields, and what to write instead.
func (u *Unreadable) Error() string {
	if len(u.fields) > 0 {
		return fmt.Sprintf("%s: %s: %s", u.Reason, strings.Join(u.fields, ", "), u.Note)
	}
	return string(u.Reason) + ": " + u.Note
}

// Verdict puts the message aside, with the reason.
func (u *Unreadable) Verdict() loop.Verdict {
	return loop.Verdict{Do: loop.Bury, Reason: u.Reason, Fields: u.fields, Note: u.Note}
}

// Reader reads what people ask for and tell, as the service does.
type Reader struct {
	Rules Validator

	Proven   bool // a command's subject proves who said it
	Required bool // one that nobody is proven to have given is refused
}

// ReadCommand reads what somebody tells a campaign to do.
func (in *Reader) ReadCommand(subject string, h Header, data []byte) (runner.Wakeup, error) {
	w, err := ReadCommand(subject, h, data, in.Proven)
	if err == nil && in.Required && (!in.Proven || strings.Count(subject, ".") < 6) {
		return runner.Wakeup{}, unnamed()
	}
	return w, err
}

// ReadOrder reads a standing order as the service does.
func (in *Reader) ReadOrder(subject string, h Header, data []byte) (Order, error) {
	o, err := ReadOrder(in.Rules, subject, h, data, in.Proven)
	if err == nil && in.Required && (!in.Proven || strings.Count(subject, ".") < 6) {
		err = unnamed()
	}
	return o, err
}

// ReadRequest reads a request that the stream stored at a moment.
func (in *Reader) ReadRequest(subject string, h Header, data []byte, stored time.Time) (runner.Wakeup, error) {
	key, rest, err := SplitSubject(subject, streams.RequestPrefix)
	if err != nil || rest != "" {
		return runner.Wakeup{}, &Unreadable{Reason: deadletter.BadSubject, Note: "want " + streams.RequestPrefix + "<source>.<request id>, each 1 to 64 letters, digits, _ or -"}
	}
	var m campaignv1.CampaignRequested
	if err := decodeRequest(&m, h, data); err != nil {
		return runner.Wakeup{}, err
	}
	if err := in.Rules.Validate(&m); err != nil {
		return runner.Wakeup{}, err
	}
	inside, request := FromProto(&m)
	for _, f := range []struct{ name, subject, message string }{
		{"source", key.Source, inside.Source}, {"request_id", key.RequestID, inside.RequestID},
	} {
		if f.subject != f.message {
			return runner.Wakeup{}, &Unreadable{Reason: deadletter.Mismatch, fields: []string{f.name}, Note: fmt.Sprintf(
				"the subject says %q, the message %q: publish it on %s%s, or correct %s in the message", f.subject, f.message, streams.RequestPrefix, inside, f.name)}
		}
	}
	trace, state := traceOf(h)
	return runner.Wakeup{Key: key, Kind: runner.WakeRequest, Request: request, Trace: trace, TraceState: state, RequestedAt: RequestedAt(h, stored)}, nil
}

// decodeRequest reads protobuf, bare or with CloudEvents headers, or protobuf's
// JSON if the headers say so.
func decodeRequest(m *campaignv1.CampaignRequested, h Header, data []byte) error {
	media, _, _ := strings.Cut(strings.ToLower(HeaderOf(h, "content-type")), ";")
	if media == "" {
		media, _, _ = strings.Cut(strings.ToLower(HeaderOf(h, "ce-datacontenttype")), ";")
	}
	media = strings.TrimSpace(media)
	want := string(m.ProtoReflect().Descriptor().FullName())
	if have := HeaderOf(h, "ce-type"); have != "" && have != want {
		return &Unreadable{Reason: deadletter.EventType, fields: []string{"ce-type"}, Note: fmt.Sprintf("want %s, got %s", want, Clip(have, 200))}
	}
	reason, read := deadletter.NotProtobuf, readProtobuf
	switch media {
	case "", ContentProtobuf, "application/x-protobuf", "application/vnd.google.protobuf":
	case "application/json":
		reason, read = deadletter.NotJSON, ReadJSON
	default:
		if strings.HasPrefix(media, "application/cloudevents") {
			return &Unreadable{Reason: deadletter.Structured, Note: "a structured CloudEvent: send binary mode, the attributes as ce- headers and the protobuf as the payload"}
		}
		return &Unreadable{Reason: deadletter.ContentType, fields: []string{"content-type"}, Note: fmt.Sprintf("want %s or application/json, got %s", ContentProtobuf, Clip(media, 200))}
	}
	var f *Fault
	if err := read(data, m); errors.As(err, &f) {
		u := &Unreadable{Reason: reason, Note: Clip(f.Note, 1000)}
		if f.Field != "" {
			u.fields = []string{f.Field}
		}
		return u
	}
	return nil
}

// Clip shortens text from outside to at most n characters.
func Clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
