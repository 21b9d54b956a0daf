package journal

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// headerResend on a wake-up names the request, by its sequence, that must be
// handled again because it has no record.
const headerResend = "Staffetta-Request-Sequence"

// messageReader turns messages of the streams into wake-ups.
type messageReader struct {
	contract.Reader
	request func(ctx context.Context, seq uint64) (*jetstream.RawStreamMsg, error)
}

func newMessageReader(request func(context.Context, uint64) (*jetstream.RawStreamMsg, error)) (*messageReader, error) {
	v, err := contract.NewValidator()
	if err != nil {
		return nil, err
	}
	return &messageReader{contract.Reader{Rules: v}, request}, nil
}

// read turns one message into the wake-up of a campaign. An *unreadable error is final, any
// other is worth another try.
func (in *messageReader) read(ctx context.Context, m jetstream.Msg) (runner.Wakeup, error) {
	subject := m.Subject()
	switch {
	case strings.HasPrefix(subject, streams.RequestPrefix):
		meta, err := m.Metadata()
		if err != nil {
			return runner.Wakeup{}, err
		}
		w, err := in.ReadRequest(subject, m.Headers(), m.Data(), meta.Timestamp)
		return storedAt(w, meta.Sequence.Stream), err
	case strings.HasPrefix(subject, streams.CommandPrefix):
		return in.ReadCommand(subject, m.Headers(), m.Data())
	default:
		return in.readTimer(ctx, subject, m.Headers())
	}
}

// readTimer reads a fired timer, or the sweep's wish that a request be handled
// again.
func (in *messageReader) readTimer(ctx context.Context, subject string, h nats.Header) (runner.Wakeup, error) {
	key, rest, err := contract.SplitSubject(subject, streams.WakeupPrefix)
	if err != nil || rest != "" {
		return runner.Wakeup{}, &contract.Unreadable{Reason: deadletter.BadSubject, Note: "want " + streams.WakeupPrefix + "<source>.<request id>"}
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
	w, err := in.ReadRequest(m.Subject, m.Header, m.Data, m.Time)
	return storedAt(w, m.Sequence), err
}

// storedAt notes where the recipients in a request are read again.
func storedAt(w runner.Wakeup, sequence uint64) runner.Wakeup {
	if a := w.Request.Audience; a != nil && a.InRequest() {
		a.Stored = sequence
	}
	return w
}

// resent is the request that the sweep names by its sequence.
func (in *messageReader) resent(ctx context.Context, sequence string) (*jetstream.RawStreamMsg, error) {
	seq, err := strconv.ParseUint(sequence, 10, 64)
	if err != nil {
		return nil, &contract.Unreadable{Reason: deadletter.BadCommand, Note: headerResend + " is not a number"}
	}
	return in.request(ctx, seq)
}
