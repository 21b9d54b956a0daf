package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// unobeyed is the dead letter of an order that is not obeyed.
func unobeyed(r *loop.Refusal) loop.Verdict {
	v := loop.Verdict{Do: loop.Bury, Reason: deadletter.Refused, Note: r.Note}
	if r.Field != "" {
		v.Fields = []string{r.Field}
	}
	return v
}

// obey has a standing order carried out. What it came to is told before the message is
// acknowledged: after a crash in between it comes again, and is found to be obeyed.
func (l *lane) obey(ctx context.Context, f *delivery) loop.Verdict {
	o, err := l.j.intake.ReadOrder(f.msg.Subject(), f.msg.Headers(), f.msg.Data())
	o.Stream, o.Sequence, o.Stored = f.meta.Stream, f.meta.Sequence.Stream, f.meta.Timestamp.UTC()
	if u, ok := errors.AsType[*contract.Unreadable](err); ok {
		return u.Verdict()
	}
	trouble := func(err error) loop.Verdict {
		l.j.options.Log.Warn("a standing order is not carried out yet", "subject", f.msg.Subject(), "error", err)
		return loop.Verdict{Do: loop.Retry, Note: err.Error()}
	}
	if err != nil {
		return trouble(err)
	}
	if _, err := (eventReader{l.j.nc, l.j.events}).last(ctx, contract.AnswerSubject(o, "*")); err == nil {
		return loop.Verdict{Do: loop.Ack}
	} else if !errors.Is(err, jetstream.ErrMsgNotFound) {
		return trouble(err)
	}
	// A consumer that was lost and made again brings what was refused as if it were new. By
	// now it might be obeyed, which whoever gave it was told that it is not.
	switch refused, err := l.j.hasLetter(ctx, f.msg.Subject(), f.meta); {
	case err != nil:
		return trouble(err)
	case refused:
		return loop.Verdict{Do: loop.Ack}
	}
	answer, err := l.handlers.Standing(ctx, o)
	var no *loop.Refusal
	switch {
	case errors.As(err, &no):
		return unobeyed(no)
	case err == nil:
		err = l.j.answer(ctx, o, answer)
	}
	if err != nil {
		return trouble(err)
	}
	l.j.options.Log.Info("a standing order was carried out", "subject", f.msg.Subject(), "by", o.By, "actor", o.Actor)
	return loop.Verdict{Do: loop.Ack}
}

// answer tells what an order came to, once.
func (j *Journal) answer(ctx context.Context, o contract.Order, body proto.Message) error {
	return j.tell(ctx, contract.AnswerSubject(o, contract.AnswerType(body)), contract.Scope(o.Source), o.Stored, body)
}

// tell tells something beyond single campaigns, once.
func (j *Journal) tell(ctx context.Context, subject, scope string, at time.Time, body proto.Message) error {
	if err := j.promise.Validate(body); err != nil {
		return fmt.Errorf("what is told on %s breaks the contract: %w", subject, err)
	}
	name := body.ProtoReflect().Descriptor()
	m := &nats.Msg{Subject: subject, Header: contract.Headers(
		"ce-specversion", "1.0",
		"ce-id", strings.TrimPrefix(subject, streams.EventPrefix),
		"ce-source", "staffetta",
		"ce-type", string(name.FullName()),
		"ce-subject", scope,
		"ce-time", at.UTC().Format(time.RFC3339Nano),
		"content-type", contract.ContentProtobuf,
	)}
	var err error
	if m.Data, err = (proto.MarshalOptions{Deterministic: true}).Marshal(body); err != nil {
		return err
	}
	return j.createOnly(ctx, m)
}
