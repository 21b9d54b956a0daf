package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/campaign"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Letter is one dead letter: a message that nobody could act on, whole, and why.
type Letter struct {
	ID     uint64       // its sequence in CAMPAIGN_DEAD_LETTERS
	Key    campaign.Key // zero: the subject names no campaign
	Buried time.Time
	Reason string // from a closed set: not_protobuf, invalid, conflicting_duplicate …
	Fields []string
	Note   string
	Replay uint64 // of which letter the message was a replay; zero: of none

	// The message itself.
	Subject  string
	Stream   string
	Sequence uint64
	Stored   time.Time
	Header   nats.Header // its own, as they were
	Data     []byte
	Size     int // of Data, which a list leaves out
	LeftOut  int // how many values of Header found no room in the letter
}

// Reasons are all the reasons of dead letters: of what could not be read, and those
// of the runner. A test compares them with docs/operations.md.
var Reasons = []string{
	reasonInvalid, reasonJSON, reasonProtobuf, reasonContentType, reasonEventType, reasonStructured, reasonMismatch,
	"conflicting_duplicate", "cancelled_before", "too_many", reasonSubject, reasonCommand, "refused_command", "unknown_campaign",
}

// LetterFilter chooses dead letters. The zero value: all.
type LetterFilter struct {
	Source string
	Key    campaign.Key
	After  uint64 // only those behind this id
}

// ErrNoLetter means that there is no dead letter of that id, or no more: they
// are kept for 90 days.
var ErrNoLetter = errors.New("there is no such dead letter")

// Letters yields dead letters, the oldest first, without their payloads. It
// ends at the first error.
func (c *Client) Letters(ctx context.Context, f LetterFilter) iter.Seq2[Letter, error] {
	return func(yield func(Letter, error) bool) {
		cfg := behind(f.After)
		switch {
		case f.Key != (campaign.Key{}):
			cfg.FilterSubject = deadPrefix + f.Key.String()
		case f.Source != "":
			cfg.FilterSubject = deadPrefix + f.Source + ".*"
		}
		cfg.HeadersOnly = true
		for l, err := range lettersOf(c.walk(ctx, StreamDeadLetters, cfg)) {
			if err != nil {
				err = fmt.Errorf("list dead letters: %w", err)
			}
			if !yield(l, err) {
				return
			}
		}
	}
}

// walkLetters yields letters without their payloads, and ends at the first error.
func walkLetters(ctx context.Context, js jetstream.JetStream, cfg jetstream.ConsumerConfig) iter.Seq2[Letter, error] {
	cfg.HeadersOnly = true
	return lettersOf(walk(ctx, js, StreamDeadLetters, cfg))
}

func lettersOf(walk iter.Seq2[jetstream.Msg, error]) iter.Seq2[Letter, error] {
	return func(yield func(Letter, error) bool) {
		for m, err := range walk {
			var l Letter
			if err == nil {
				var meta *jetstream.MsgMetadata
				if meta, err = m.Metadata(); err == nil {
					l = letterOf(m.Subject(), m.Headers(), nil, meta.Sequence.Stream, meta.Timestamp)
				}
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
	}
}

// Letter returns one dead letter, whole; not found is [ErrNoLetter].
func (c *Client) Letter(ctx context.Context, id uint64) (Letter, error) {
	ctx, done := c.rights.heed(ctx, StreamDeadLetters)
	defer done()
	s, err := c.js.Stream(ctx, StreamDeadLetters)
	if err != nil {
		return Letter{}, fmt.Errorf("dead letter %d: %w", id, unread(ctx, c.js, StreamDeadLetters, err))
	}
	m, err := s.GetMsg(ctx, id)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Letter{}, fmt.Errorf("dead letter %d: %w", id, ErrNoLetter)
	}
	if err != nil {
		return Letter{}, fmt.Errorf("dead letter %d: %w", id, unread(ctx, c.js, StreamDeadLetters, err))
	}
	return letterOf(m.Subject, m.Header, m.Data, m.Sequence, m.Time), nil
}

// AwaitLetter waits until a message becomes a dead letter. It ends with an error
// when the context does.
func (c *Client) AwaitLetter(ctx context.Context, key campaign.Key, p Placed) (Letter, error) {
	ctx, done := c.rights.heed(ctx, StreamDeadLetters)
	defer done()
	wrong := func(err error) (Letter, error) {
		return Letter{}, fmt.Errorf("dead letters of %s: %w", key, unread(ctx, c.js, StreamDeadLetters, err))
	}
	cons, err := c.js.OrderedConsumer(ctx, StreamDeadLetters, jetstream.OrderedConsumerConfig{FilterSubjects: []string{deadPrefix + key.String()}})
	if err != nil {
		return wrong(err)
	}
	feed, err := cons.Messages()
	if err != nil {
		return wrong(err)
	}
	defer feed.Stop()
	for {
		m, err := feed.Next(jetstream.NextContext(ctx))
		if err != nil {
			return wrong(err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return wrong(err)
		}
		if l := letterOf(m.Subject(), m.Headers(), m.Data(), meta.Sequence.Stream, meta.Timestamp); l.Stream == p.Stream && l.Sequence == p.Sequence {
			return l, nil
		}
	}
}

// letterOf takes apart what bury put together.
func letterOf(subject string, h nats.Header, data []byte, id uint64, buried time.Time) Letter {
	l := Letter{
		ID: id, Buried: buried.UTC(), Reason: h.Get(headerReason), Fields: h[headerField], Note: h.Get(headerNote),
		Subject: h.Get(headerSubject), Stream: h.Get(headerStream), Header: nats.Header{}, Data: data, Size: len(data),
	}
	// A subject that names no campaign leaves the key zero.
	l.Key, _, _ = splitSubject(subject, deadPrefix)
	l.Sequence, _ = strconv.ParseUint(h.Get(headerSequence), 10, 64)
	l.Replay, _ = strconv.ParseUint(h.Get(headerReplay), 10, 64)
	l.LeftOut, _ = strconv.Atoi(h.Get(headerLeftOut))
	l.Stored, _ = time.Parse(time.RFC3339Nano, h.Get(headerStored))
	if n, err := strconv.Atoi(h.Get(nats.MsgSize)); err == nil && data == nil {
		l.Size = n
	}
	for name, values := range h {
		if original, ok := strings.CutPrefix(name, headerOriginal); ok {
			l.Header[original] = values
		} else if !strings.HasPrefix(name, headerOurs) && !strings.HasPrefix(name, "Nats-") {
			l.Header[name] = values
		}
	}
	return l
}

// headerOurs begins every header that we add to a message of somebody else.
const headerOurs = "Staffetta-"

// What a letter's message was, by its subject.
const (
	LetterRequest = "request"
	LetterCommand = "command"
	LetterTimer   = "timer"
	LetterOther   = "other" // its subject says nothing
)

// Kind is what the message was.
func (l Letter) Kind() string {
	switch {
	case strings.HasPrefix(l.Subject, requestPrefix):
		return LetterRequest
	case strings.HasPrefix(l.Subject, commandPrefix):
		return LetterCommand
	case strings.HasPrefix(l.Subject, wakeupPrefix):
		return LetterTimer
	}
	return LetterOther
}

// Payload is the payload in JSON, if people can read it: a request as protobuf
// maps it to JSON, a command as it is. Headers that say something else do not
// matter, nor does JSON that is no request: whoever looks wants to correct it.
// The error says why it cannot be read.
func (l Letter) Payload() (json.RawMessage, error) {
	legible := utf8.Valid(l.Data) && json.Valid(l.Data)
	if l.Kind() == LetterCommand && legible {
		return json.RawMessage(l.Data), nil
	}
	var m campaignv1.CampaignRequested
	if err := decodeRequest(&m, l.Header, l.Data); err != nil {
		if legible {
			return json.RawMessage(l.Data), nil
		}
		if proto.Unmarshal(l.Data, &m) != nil || len(l.Data) == 0 || len(m.ProtoReflect().GetUnknown()) > 0 {
			return nil, err
		}
	}
	return protojson.MarshalOptions{EmitUnpopulated: false}.Marshal(&m)
}
