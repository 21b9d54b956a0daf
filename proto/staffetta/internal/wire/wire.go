// Package wire is what the client needs of a message system, and all of it: a request is
// stored, a question is answered, a subject is listened to, a durable reader is read. NATS
// is one of them, the test kit is the other one.
package wire

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Header is the header lines of a message.
type Header = map[string][]string

// Get reads a header whatever its case: CloudEvents calls names insensitive.
func Get(h Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	for k, v := range h {
		if len(v) > 0 && strings.EqualFold(k, name) {
			return v[0]
		}
	}
	return ""
}

// Msg is a message as it came.
type Msg struct {
	Subject  string
	Header   Header
	Data     []byte
	Sequence uint64    // in its stream; 0: it was heard, not read
	Stored   time.Time // zero: it was heard, not read
	Tries    int       // how often it was delivered, this time too; 0: it was heard
}

// Conn is a connection.
type Conn interface {
	// Store publishes a message and returns when a stream has it, with its sequence. One
	// that shall be the first of its subject, by its header, and is not, is ErrExists.
	Store(ctx context.Context, subject string, h Header, data []byte) (uint64, error)
	// Ask sends a question and returns the answer. Nobody there is ErrNobody.
	Ask(ctx context.Context, subject string, question []byte) (Header, []byte, error)
	// Listen hears what is published on a subject from now on.
	Listen(ctx context.Context, subject string) (Live, error)
	// Durable reads a stream's events with a reader that remembers, under its name, what
	// was acknowledged. The filter is what it shall read if it is made anew.
	Durable(ctx context.Context, name, filter string) (Durable, error)
}

// Live is a subject that is listened to.
type Live interface {
	// Next waits for the next message. ErrGap: some may have been missed before it.
	Next(ctx context.Context) (Msg, error)
	Stop()
}

// Durable is a reader that remembers.
type Durable interface {
	// Next waits for the next message. ErrEnded: there are no more, after Stop.
	Next(ctx context.Context) (Delivery, error)
	// Wait is how long a message may go without a word before it is delivered again.
	Wait() time.Duration
	// Stop asks for no more; Next still returns what has come already.
	Stop()
}

// Delivery is a message that wants to be acknowledged.
type Delivery interface {
	Msg() Msg
	Ack() error
	Working() error // not yet: do not deliver it to anybody else
	Back() error    // at once to whoever reads next
}

var (
	// ErrNobody means that nobody answers a question.
	ErrNobody = errors.New("nobody answers")
	// ErrExists means that a subject has a message already.
	ErrExists = errors.New("it is there already")
	// ErrGap means that messages may have been missed.
	ErrGap = errors.New("messages may have been missed")
	// ErrEnded means that a reader was stopped and has no more.
	ErrEnded = errors.New("the reader has ended")
)
