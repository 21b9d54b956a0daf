package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/streams"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Letter is one dead letter: a message that nobody could act on, whole, and why.
type Letter struct {
	ID     uint64       // its sequence in CAMPAIGN_DEAD_LETTERS
	Key    campaign.Key // zero: the subject names no campaign
	Buried time.Time
	Reason string // one of deadletter.Reasons, or of a later version
	Fields []string
	Note   string
	Replay uint64 // of which letter the message was a replay; zero: of none

	// The message itself.
	Subject  string
	Stream   string
	Sequence uint64
	Stored   time.Time
	Header   Header // its own, as they were
	Data     []byte
	Size     int // of Data, which a list leaves out
	LeftOut  int // how many values of Header found no room in the letter
}

// LetterOf takes apart what bury put together.
func LetterOf(subject string, h Header, data []byte, id uint64, buried time.Time) Letter {
	l := Letter{
		ID: id, Buried: buried.UTC(), Reason: get(h, headerReason), Fields: h[headerField], Note: get(h, headerNote),
		Subject: get(h, headerSubject), Stream: get(h, HeaderStream), Header: Header{}, Data: data, Size: len(data),
	}
	// A subject that names no campaign leaves the key zero.
	l.Key, _, _ = SplitSubject(subject, streams.DeadPrefix)
	l.Sequence, _ = strconv.ParseUint(get(h, headerSequence), 10, 64)
	l.Replay, _ = strconv.ParseUint(get(h, HeaderReplay), 10, 64)
	l.LeftOut, _ = strconv.Atoi(get(h, headerLeftOut))
	l.Stored, _ = time.Parse(time.RFC3339Nano, get(h, headerStored))
	if n, err := strconv.Atoi(get(h, headerLength)); err == nil && data == nil {
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
	case strings.HasPrefix(l.Subject, streams.RequestPrefix):
		return LetterRequest
	case strings.HasPrefix(l.Subject, streams.CommandPrefix):
		return LetterCommand
	case strings.HasPrefix(l.Subject, streams.WakeupPrefix):
		return LetterTimer
	}
	return LetterOther
}

// Payload is the Payload in JSON, if people can read it: a request as protobuf
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

// Headers of a dead letter, beside those of the message itself.
const (
	headerReason   = "Staffetta-Reason"   // typed, from a closed set
	headerField    = "Staffetta-Field"    // path of a field at fault; repeated
	headerNote     = "Staffetta-Note"     // in words
	headerSubject  = "Staffetta-Subject"  // of the message itself
	HeaderStream   = "Staffetta-Stream"   // where it lies, or lay
	headerSequence = "Staffetta-Sequence" // its sequence there
	headerStored   = "Staffetta-Stored"   // when the stream stored it, RFC 3339
	headerOriginal = "Staffetta-Original-"
	headerLeftOut  = "Staffetta-Left-Out" // how many of its headers found no room; absent: none
	headerMsgID    = "Nats-Msg-Id"        // by which the stream drops a second letter of the same message
	headerLength   = "Nats-Msg-Size"      // of the payload, where the stream leaves it out
)

// maxHeader is what a stream takes of headers in one message. A letter has those
// of the message and ours, and must be written all the same: one that never can be
// is a message that comes back for ever.
const maxHeader = 64<<10 - 1

// Origin is where a message lies, or lay.
type Origin struct {
	Stream   string
	Sequence uint64
	Stored   time.Time
}

// DeadLetter is the letter of a message: it whole, and why nobody could act on it.
func DeadLetter(subject string, h Header, data []byte, from Origin, v loop.Verdict) Envelope {
	letter := Envelope{DeadSubject(subject), Header{}, data}
	letter.Header[headerReason] = []string{string(v.Reason)}
	letter.Header[headerNote] = []string{OneLine(v.Note)}
	for _, f := range v.Fields[:min(len(v.Fields), 32)] {
		letter.Header[headerField] = append(letter.Header[headerField], Clip(OneLine(f), 200))
	}
	letter.Header[headerSubject] = []string{subject}
	letter.Header[HeaderStream] = []string{from.Stream}
	letter.Header[headerSequence] = []string{strconv.FormatUint(from.Sequence, 10)}
	letter.Header[headerStored] = []string{from.Stored.UTC().Format(time.RFC3339Nano)}
	// A stream that was lost counts anew: the sequence alone is no name.
	letter.Header[headerMsgID] = []string{fmt.Sprintf("%s-%d-%d", from.Stream, from.Sequence, from.Stored.UnixNano())}
	copyHeaders(letter.Header, h)
	return letter
}

// copyHeaders adds the message's own headers to those of its letter, as far as
// there is room, and says how many there was none for. The payload, which decides,
// is always whole.
func copyHeaders(letter, own Header) {
	const frame = len("NATS/1.0\r\n") + len("\r\n") + len(headerLeftOut+": 65535\r\n")
	room, leftOut := maxHeader-frame-headerSize(letter), 0
	for _, name := range slices.Sorted(maps.Keys(own)) {
		values, kept := own[name], name
		if strings.HasPrefix(name, "Nats-") || strings.HasPrefix(name, headerOurs) && name != HeaderReplay {
			// These are orders to a stream, and this is not the stream they
			// were for; or words of ours in somebody else's mouth.
			kept = headerOriginal + name
		}
		size := headerSize(Header{kept: values})
		if size > room {
			leftOut += len(values)
			continue
		}
		room -= size
		letter[kept] = values
	}
	if leftOut > 0 {
		letter[headerLeftOut] = []string{strconv.Itoa(leftOut)}
	}
}

// headerSize is how many bytes the lines of headers take on the wire.
func headerSize(h Header) (n int) {
	for name, values := range h {
		for _, value := range values {
			n += len(name) + len(": \r\n") + len(value)
		}
	}
	return n
}

// DeadSubject files a letter under its campaign, if its subject names one, or with the
// standing orders of its source.
func DeadSubject(subject string) string {
	for _, prefix := range []string{streams.RequestPrefix, streams.WakeupPrefix, streams.CommandPrefix} {
		if key, _, err := SplitSubject(subject, prefix); err == nil {
			return LetterSubject(key)
		}
	}
	if source, _, ok := SplitStanding(subject, streams.CommandPrefix); ok {
		return streams.DeadPrefix + source + "." + streams.Standing
	}
	return streams.DeadUnnamed
}

// OneLine makes text fit to be a header's value, and to be printed: what senders
// write is repeated in it, and a terminal must not obey them.
func OneLine(s string) string {
	printable := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return utf8.RuneError
		}
		return r
	}, strings.Join(strings.Fields(s), " "))
	return Clip(printable, 1000)
}
