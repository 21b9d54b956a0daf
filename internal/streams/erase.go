package streams

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Erasable are the streams that hold what a request says, beside the record.
func Erasable() []string { return []string{Requests, DeadLetters} }

// Erase erases the messages of a subject that a stream holds now, up to a sequence;
// zero: all. It goes by what the leader says: what a replica has not heard of yet would
// stay for ever.
func Erase(ctx context.Context, js jetstream.JetStream, name string, subject string, last uint64) (erased int, err error) {
	s, err := js.Stream(ctx, name)
	if err != nil {
		return 0, err
	}
	ask := func(q question) (*jetstream.RawStreamMsg, error) {
		m, err := askLeader(ctx, js.Conn(), apiPrefix(js), name, q)
		if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
			err = fmt.Errorf("%s: %w", name, err)
		}
		return m, err
	}
	if last == 0 {
		switch m, err := ask(question{Last: subject}); {
		case errors.Is(err, jetstream.ErrMsgNotFound):
			return 0, nil
		case err != nil:
			return 0, err
		default:
			last = m.Sequence
		}
	}
	for seq := uint64(1); seq <= last; seq++ {
		m, err := ask(question{Seq: seq, Next: subject})
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return erased, nil
		}
		if err != nil {
			return erased, err
		}
		if seq = m.Sequence; seq > last {
			return erased, nil
		}
		if err := s.SecureDeleteMsg(ctx, seq); err != nil {
			return erased, fmt.Errorf("message %d of %s: %w", seq, name, err)
		}
		erased++
	}
	return erased, nil
}

// EraseMessage erases one message of a stream. One that is not there is erased.
func EraseMessage(ctx context.Context, js jetstream.JetStream, name string, seq uint64) error {
	s, err := js.Stream(ctx, name)
	if err != nil {
		return err
	}
	err = s.SecureDeleteMsg(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("message %d of %s: %w", seq, name, err)
	}
	return nil
}

// Last is the last message of a subject, as the leader says.
func Last(ctx context.Context, js jetstream.JetStream, name, subject string) (*jetstream.RawStreamMsg, error) {
	return askLeader(ctx, js.Conn(), apiPrefix(js), name, question{Last: subject})
}

// EraseCall is where JetStream is asked to erase a message of a stream.
const EraseCall = "$JS.API.STREAM.MSG.DELETE."
