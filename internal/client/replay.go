package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Replay is a dead letter's message as it would be published again: on the
// same subject, hence under the same key, so that the record decides what it
// means. Nothing has been published yet.
type Replay struct {
	Letter  contract.Letter
	Subject string
	Header  nats.Header
	Data    []byte
	// Before is where an earlier replay of the letter lies; zero: there is none.
	Before Placed
	// Again says why the message would become a dead letter again; empty: as
	// far as can be told from here it would not.
	Again string
	// Note is something else worth knowing before.
	Note string

	stream string // where the message is published
	last   uint64 // the last message on the subject when the plan was made
}

// ErrNotReplayable means that publishing the message again cannot help.
var ErrNotReplayable = errors.New("it cannot be replayed")

// ErrMoved means that somebody published on the subject after the plan was made.
var ErrMoved = errors.New("somebody has published there meanwhile: look at it again")

// PlanReplay says what a replay would publish, and what is known to come of
// it. With edited, in JSON, that is the payload instead of the letter's. The
// key stays: a payload for another one is refused.
func (c *Client) PlanReplay(ctx context.Context, id uint64, edited []byte) (Replay, error) {
	l, err := c.Letter(ctx, id)
	if err != nil {
		return Replay{}, err
	}
	r := Replay{Letter: l, Subject: l.Subject, Header: nats.Header{}, Data: l.Data}
	if err := replayable(l); err != nil {
		return r, fmt.Errorf("dead letter %d: %w", id, err)
	}
	for name, values := range l.Header {
		// Orders to a stream were for the first time. A trace, a CloudEvent's
		// id and the like belong to the message.
		if !strings.HasPrefix(name, "Nats-") {
			r.Header[name] = values
		}
	}
	r.Header.Set(contract.HeaderReplay, strconv.FormatUint(id, 10))
	if l.Kind() == contract.LetterRequest {
		// The letter of a replay has the header, and the replay of that keeps it.
		r.Header.Set(contract.HeaderAsked, contract.RequestedAt(l.Header, l.Stored).Format(time.RFC3339Nano))
	}
	if edited != nil {
		if err := r.edit(edited); err != nil {
			return r, fmt.Errorf("dead letter %d: the corrected payload: %w", id, err)
		}
	}
	if l.Kind() == contract.LetterCommand {
		// Whoever replays it says it.
		_, verb, _ := contract.SplitSubject(l.Subject, streams.CommandPrefix)
		verb, _, _ = strings.Cut(verb, ".")
		if r.Subject, err = c.speakAs(ctx, l.Key, verb); err != nil {
			return r, fmt.Errorf("dead letter %d: %w", id, err)
		}
	}
	if err := c.lookBack(ctx, &r); err != nil {
		return r, fmt.Errorf("dead letter %d: %w", id, err)
	}
	if err := c.forecast(ctx, &r); err != nil {
		return r, fmt.Errorf("dead letter %d: %w", id, err)
	}
	return r, nil
}

// replayable says what to do instead, if a letter is not.
func replayable(l contract.Letter) error {
	switch kind := l.Kind(); {
	case kind == contract.LetterTimer:
		return fmt.Errorf("%w: it is a timer, which the service sets for itself, and a sweep finds every campaign that a lost one would strand: there is nothing to do", ErrNotReplayable)
	case contract.IsStanding(l.Subject):
		return fmt.Errorf("%w: it is a standing order, and much may have changed since: say it again with staffetta hold, release, budget or schedule", ErrNotReplayable)
	case kind == contract.LetterOther, l.Key == (campaign.Key{}):
		return fmt.Errorf("%w: its subject %s names no campaign, and published there again it would fail again; if the payload is a request, ask for it under its own name: staffetta dlq show %d --payload | staffetta request -f -", ErrNotReplayable, l.Subject, l.ID)
	}
	return nil
}

// edit puts a corrected payload in the place of the letter's.
func (r *Replay) edit(edited []byte) error {
	if r.Letter.Kind() == contract.LetterCommand {
		if !json.Valid(edited) {
			return errors.New("it is not JSON")
		}
		r.Data = edited
		return nil
	}
	var m campaignv1.CampaignRequested
	if err := contract.ReadJSON(edited, &m); err != nil {
		return err
	}
	if inside := (campaign.Key{Source: m.GetSource(), RequestID: m.GetRequestId()}); inside != r.Letter.Key {
		return fmt.Errorf("it asks for %s, the letter is about %s: a replay keeps the key; for another one use staffetta request", inside, r.Letter.Key)
	}
	var err error
	if r.Data, err = proto.Marshal(&m); err != nil {
		return err
	}
	for name := range r.Header {
		switch strings.ToLower(name) {
		case "content-type", "ce-datacontenttype", "ce-type":
			delete(r.Header, name)
		}
	}
	r.Header.Set("content-type", contract.ContentProtobuf)
	r.Header.Set("ce-type", string(m.ProtoReflect().Descriptor().FullName()))
	return nil
}

// lookBack finds an earlier replay of the letter, and what the replay will be
// held against: the last message on its subject.
func (c *Client) lookBack(ctx context.Context, r *Replay) error {
	r.stream = streams.Requests
	if r.Letter.Kind() == contract.LetterCommand {
		var err error
		if r.stream, err = c.commandStream(ctx); err != nil {
			return err
		}
	}
	ctx, done := c.rights.Watch(ctx, r.stream)
	defer done()
	s, err := c.js.Stream(ctx, r.stream)
	if err != nil {
		return streams.ExplainReadError(ctx, c.js, r.stream, err)
	}
	last, err := s.GetLastMsgForSubject(ctx, r.Subject)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound) && r.Subject == r.Letter.Subject:
		return nil // it has aged out, and so has whatever came after it
	case errors.Is(err, jetstream.ErrMsgNotFound): // this user has never said it
	case err != nil:
		return streams.ExplainReadError(ctx, c.js, r.stream, err)
	default:
		r.last = last.Sequence
	}
	filter := r.Subject
	if r.Letter.Kind() == contract.LetterCommand {
		filter = contract.CommandSubject(r.Letter.Key, ">") // somebody else may have replayed it
	}
	cfg := jetstream.ConsumerConfig{FilterSubject: filter, HeadersOnly: true,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: r.Letter.Sequence + 1}
	for m, err := range c.walk(ctx, r.stream, cfg) {
		if err != nil {
			return err
		}
		if m.Headers().Get(contract.HeaderReplay) != r.Header.Get(contract.HeaderReplay) {
			continue
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		r.Before = Placed{Subject: r.Subject, Stream: r.stream, Sequence: meta.Sequence.Stream, Stored: meta.Timestamp.UTC()}
	}
	return nil
}

// replays are the replays published since a moment that the streams still hold
// (30 days, of commands 7), by the letter that they repeat; of one source if it is not
// empty.
func (c *Client) replays(ctx context.Context, source string, since time.Time) (map[uint64]Placed, error) {
	found := map[uint64]Placed{}
	if source == "" {
		source = "*"
	}
	for _, from := range []struct{ stream, filter string }{
		{streams.Requests, streams.RequestPrefix + source + ".*"}, {streams.Wakeups, streams.CommandPrefix + source + ".>"}, {streams.Commands, streams.CommandPrefix + source + ".>"},
	} {
		cfg := jetstream.ConsumerConfig{FilterSubject: from.filter, HeadersOnly: true, DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since}
		for m, err := range c.walk(ctx, from.stream, cfg) {
			if from.stream == streams.Commands && errors.Is(err, jetstream.ErrStreamNotFound) {
				break // they lie beside the timers
			}
			if err != nil {
				return nil, fmt.Errorf("replays: %w", err)
			}
			id, err := strconv.ParseUint(m.Headers().Get(contract.HeaderReplay), 10, 64)
			if err != nil {
				continue
			}
			meta, err := m.Metadata()
			if err != nil {
				return nil, fmt.Errorf("replays: %w", err)
			}
			found[id] = Placed{Subject: m.Subject(), Stream: from.stream, Sequence: meta.Sequence.Stream, Stored: meta.Timestamp.UTC()}
		}
	}
	return found, nil
}

// forecast reads the message as the service will.
func (c *Client) forecast(ctx context.Context, r *Replay) error {
	rec, _, err := c.Get(ctx, r.Letter.Key)
	if err != nil && !errors.Is(err, ErrNoRecord) {
		return err
	}
	known := err == nil
	if r.Letter.Kind() == contract.LetterCommand {
		if _, err := contract.ReadCommand(r.Subject, r.Header, r.Data, false); err != nil {
			r.Again = again(err)
		} else if !known {
			r.Note = fmt.Sprintf("there is no campaign %s: the command waits for its request, for up to %d days", r.Letter.Key, runner.RequestMayCome/streams.Day)
		}
		return nil
	}
	in := contract.Reader{Rules: c.rules}
	w, err := in.ReadRequest(r.Subject, r.Header, r.Data, r.Letter.Stored)
	if err != nil {
		r.Again = again(err)
		return nil
	}
	if !known {
		return nil
	}
	if fields := rec.Request.Diff(w.Request); len(fields) > 0 {
		r.Again = fmt.Sprintf("%s: %s: the campaign %s was asked for with other content, and the first request stands; to send this one too, ask for it under a new request id", deadletter.Conflicting, strings.Join(fields, ", "), r.Letter.Key)
		return nil
	}
	r.Note = fmt.Sprintf("the campaign %s exists, with this very content, and is %s: replaying changes nothing", r.Letter.Key, rec.State)
	return nil
}

// again is why a message cannot be acted on: its note names the fields.
func again(err error) string {
	if u, ok := errors.AsType[*contract.Unreadable](err); ok {
		return string(u.Reason) + ": " + u.Note
	}
	return err.Error()
}

// Replay publishes what was planned, unless something was published on the
// subject since the plan was made ([ErrMoved]): of two replays at the same
// time one is refused, and a later one finds the first ([Replay.Before]). That
// holds for as long as the stream keeps the replay (30 days, a command 7);
// after that the record decides, as it does for every duplicate.
func (c *Client) Replay(ctx context.Context, r Replay) (Placed, error) {
	what := fmt.Sprintf("replay dead letter %d", r.Letter.ID)
	if r.Before.Sequence != 0 {
		return r.Before, fmt.Errorf("%s: it was replayed before", what)
	}
	m := nats.NewMsg(r.Subject)
	m.Header, m.Data = r.Header, r.Data
	o := []jetstream.PublishOpt{
		jetstream.WithExpectLastSequencePerSubject(r.last),
		streams.NoRetry(),
	}
	if r.stream == streams.Wakeups {
		o = append(o, jetstream.WithMsgTTL(streams.CommandLife))
	}
	placed, err := c.publish(ctx, m, what, o...)
	switch streams.SortWrite(err) {
	case streams.Exists, streams.Contended:
		return Placed{}, fmt.Errorf("%s: %w", what, ErrMoved)
	}
	return placed, err
}
