package journal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/runner"
)

// Headers of a dead letter, beside those of the message itself.
const (
	headerReason   = "Staffetta-Reason"   // typed, from a closed set
	headerField    = "Staffetta-Field"    // path of a field at fault; repeated
	headerNote     = "Staffetta-Note"     // in words
	headerSubject  = "Staffetta-Subject"  // of the message itself
	headerStream   = "Staffetta-Stream"   // where it lies, or lay
	headerSequence = "Staffetta-Sequence" // its sequence there
	headerStored   = "Staffetta-Stored"   // when the stream stored it, RFC 3339
	headerOriginal = "Staffetta-Original-"
	headerLeftOut  = "Staffetta-Left-Out" // how many of its headers found no room; absent: none
)

// maxHeader is what a stream takes of headers in one message. A letter has those
// of the message and ours, and must be written all the same: one that never can be
// is a message that comes back for ever.
const maxHeader = 64<<10 - 1

// bury writes the dead letter of a message and returns when it is stored. Only
// then may the message be terminated: after a crash in between it comes back, and
// its letter is found. Two who write it at once are told apart by the stream, which
// drops the second one by its id.
func (j *Journal) bury(ctx context.Context, m jetstream.Msg, meta *jetstream.MsgMetadata, v runner.Verdict) error {
	subject, h, data := m.Subject(), m.Headers(), m.Data()
	again := meta.NumDelivered > 1
	if asks := h.Get(headerResend); asks != "" {
		// The sweep's wish says nothing; what cannot be acted on is the request. By
		// its letter the next sweep knows that it is done with.
		switch request, err := j.intake.resent(ctx, asks); {
		case err == nil:
			subject, h, data = request.Subject, request.Header, request.Data
			meta = &jetstream.MsgMetadata{Stream: StreamRequests, Timestamp: request.Time}
			meta.Sequence.Stream, again = request.Sequence, true
		case !errors.As(err, new(*unreadable)) && !errors.Is(err, jetstream.ErrMsgNotFound):
			return fmt.Errorf("dead letter of %s: %w", subject, err)
		}
	}
	if again {
		if written, err := j.hasLetter(ctx, subject, meta); err != nil || written {
			return err
		}
	}
	letter := deadLetter(subject, h, data, meta, v)
	err := j.repeat(ctx, func(within time.Duration) error {
		ctx, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		_, err := j.js.PublishMsg(ctx, letter, noRetry)
		return err
	})
	if err != nil {
		return fmt.Errorf("dead letter of %s: %w", subject, err)
	}
	return nil
}

// hasLetter says that a message became a dead letter before.
func (j *Journal) hasLetter(ctx context.Context, subject string, meta *jetstream.MsgMetadata) (bool, error) {
	from := meta.Timestamp.Add(-lookBack) // the letters' leader may have another clock
	for l, err := range walkLetters(ctx, j.js, jetstream.ConsumerConfig{
		FilterSubject: deadSubject(subject), DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &from,
	}) {
		if err != nil {
			return false, fmt.Errorf("dead letters of %s: %w", subject, err)
		}
		if l.Stream == meta.Stream && l.Sequence == meta.Sequence.Stream && l.Stored.Equal(meta.Timestamp) {
			return true, nil
		}
	}
	return false, nil
}

func deadLetter(subject string, h nats.Header, data []byte, meta *jetstream.MsgMetadata, v runner.Verdict) *nats.Msg {
	letter := nats.NewMsg(deadSubject(subject))
	letter.Data = data
	letter.Header.Set(headerReason, v.Reason)
	letter.Header.Set(headerNote, oneLine(v.Note))
	for _, f := range v.Fields[:min(len(v.Fields), 32)] {
		letter.Header.Add(headerField, clip(oneLine(f), 200))
	}
	letter.Header.Set(headerSubject, subject)
	letter.Header.Set(headerStream, meta.Stream)
	letter.Header.Set(headerSequence, strconv.FormatUint(meta.Sequence.Stream, 10))
	letter.Header.Set(headerStored, meta.Timestamp.UTC().Format(time.RFC3339Nano))
	// A stream that was lost counts anew: the sequence alone is no name.
	letter.Header.Set(jetstream.MsgIDHeader, fmt.Sprintf("%s-%d-%d", meta.Stream, meta.Sequence.Stream, meta.Timestamp.UnixNano()))
	copyHeaders(letter.Header, h)
	return letter
}

// copyHeaders adds the message's own headers to those of its letter, as far as
// there is room, and says how many there was none for. The payload, which decides,
// is always whole.
func copyHeaders(letter, own nats.Header) {
	const frame = len("NATS/1.0\r\n") + len("\r\n") + len(headerLeftOut+": 65535\r\n")
	room, leftOut := maxHeader-frame-headerSize(letter), 0
	for _, name := range slices.Sorted(maps.Keys(own)) {
		values, kept := own[name], name
		if strings.HasPrefix(name, "Nats-") || strings.HasPrefix(name, headerOurs) && name != headerReplay {
			// These are orders to a stream, and this is not the stream they
			// were for; or words of ours in somebody else's mouth.
			kept = headerOriginal + name
		}
		size := headerSize(nats.Header{kept: values})
		if size > room {
			leftOut += len(values)
			continue
		}
		room -= size
		letter[kept] = values
	}
	if leftOut > 0 {
		letter.Set(headerLeftOut, strconv.Itoa(leftOut))
	}
}

// headerSize is how many bytes the lines of headers take on the wire.
func headerSize(h nats.Header) (n int) {
	for name, values := range h {
		for _, value := range values {
			n += len(name) + len(": \r\n") + len(value)
		}
	}
	return n
}

// deadSubject files a letter under its campaign, if its subject names one.
func deadSubject(subject string) string {
	for _, prefix := range []string{requestPrefix, wakeupPrefix, commandPrefix} {
		if key, _, err := splitSubject(subject, prefix); err == nil {
			return deadPrefix + key.String()
		}
	}
	return deadUnnamed
}

// oneLine makes text fit to be a header's value, and to be printed: what senders
// write is repeated in it, and a terminal must not obey them.
func oneLine(s string) string {
	printable := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return utf8.RuneError
		}
		return r
	}, strings.Join(strings.Fields(s), " "))
	return clip(printable, 1000)
}
