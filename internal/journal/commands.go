package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// What people tell a campaign to do, on campaign.v1.command.<source>.<request
// id>.<verb>.<actor> with a small JSON body. Verb and actor are in the subject, so that
// NATS permissions say who may tell what, and who may speak as whom. Without an actor
// it is read as well, and nobody proves who said it.
const (
	VerbCancel  = "cancel"  // {"by":"anna","why":"wrong price"}
	VerbResolve = "resolve" // {"by":"anna","sent":true,"why":"seen on the gateway's page"}
	VerbApprove = "approve" // {"quote_id":"0123456789abcdef","by":"anna"}
	VerbDecline = "decline" // {"quote_id":"0123456789abcdef","by":"anna","why":"wrong list"}
	VerbFollow  = "follow"  // {"by":"anna"}
	VerbForget  = "forget"  // {"by":"anna"}
)

// commandLife is how long a command waits for the service.
const commandLife = 7 * day

// verbs is how each command is read. A new one is a line here and a body below.
var verbs = map[string]command{
	VerbCancel:  {`{"by":"…","why":"…"}`, readCancel},
	VerbResolve: {`{"by":"…","sent":true or false,"why":"…"}`, readResolve},
	VerbApprove: {`{"quote_id":"…","by":"…"}`, readApprove},
	VerbDecline: {`{"quote_id":"…","by":"…","why":"…"}`, readDecline},
	VerbFollow:  {`{"by":"…"}`, readFollow},
	VerbForget:  {`{"by":"…"}`, readForget},
}

// command is one verb: what its body looks like, and how it is read. An
// *unreadable error names the fields at fault; any other says what is not JSON.
type command struct {
	form string
	read func(body []byte, s speaker) (campaign.Input, error)
}

type cancelBody struct {
	By  string `json:"by"`
	Why string `json:"why,omitempty"`
}

// readCancel turns nothing away for a missing signature: a cancel is urgent.
func readCancel(body []byte, s speaker) (campaign.Input, error) {
	var b cancelBody
	if err := readBody(body, &b); err != nil {
		return nil, err
	}
	if b.By = s.by(b.By); b.By == "" {
		b.By = "unknown"
	}
	return campaign.CancelAsked{By: clip(b.By, maxBy), Actor: s.actor(), Why: clip(b.Why, maxWhy)}, nil
}

type resolveBody struct {
	By   string `json:"by"`
	Sent *bool  `json:"sent"`
	Why  string `json:"why,omitempty"`
}

// readResolve insists: a false that nobody wrote would be somebody's word that
// a campaign was not sent.
func readResolve(body []byte, s speaker) (campaign.Input, error) {
	var b resolveBody
	if err := readBody(body, &b); err != nil {
		return nil, err
	}
	var missing []string
	if b.By = s.by(b.By); b.By == "" {
		missing = append(missing, "by")
	}
	if b.Sent == nil {
		missing = append(missing, "sent")
	}
	if len(missing) > 0 {
		return nil, &unreadable{reason: reasonCommand, fields: missing, note: "say who looked at the gateway (by), and whether it was sent (sent: true or false)"}
	}
	return campaign.Resolved{By: clip(b.By, maxBy), Actor: s.actor(), Sent: *b.Sent, Why: clip(b.Why, maxWhy)}, nil
}

type followBody struct {
	By string `json:"by"`
}

func readFollow(body []byte, s speaker) (campaign.Input, error) {
	var b followBody
	if err := readBody(body, &b); err != nil {
		return nil, err
	}
	if b.By = s.by(b.By); b.By == "" {
		return nil, &unreadable{reason: reasonCommand, fields: []string{"by"}, note: "say who has it followed again (by)"}
	}
	return campaign.Follow{By: clip(b.By, maxBy), Actor: s.actor()}, nil
}

func readForget(body []byte, s speaker) (campaign.Input, error) {
	var b followBody
	if err := readBody(body, &b); err != nil {
		return nil, err
	}
	if b.By = s.by(b.By); b.By == "" {
		return nil, &unreadable{reason: reasonCommand, fields: []string{"by"}, note: "say who has it forgotten (by)"}
	}
	return campaign.Forget{By: clip(b.By, maxBy), Actor: s.actor()}, nil
}

// What people say goes into the record and into events.
const maxBy, maxWhy = 200, 1000

// readBody reads JSON; nothing at all is a body without fields.
func readBody(data []byte, into any) error {
	data = bytes.TrimPrefix(data, byteOrderMark)
	if len(data) == 0 {
		return nil
	}
	return json.Unmarshal(data, into)
}

// In streams of layout 1 whoever may publish one command can schedule another one, of any
// campaign: headerOrder is on the order, headerScheduler on what it then publishes.
const headerOrder, headerScheduler = "Nats-Schedule", "Nats-Scheduler"

// readCommand reads what somebody tells a campaign to do. proven says that the subject
// proves who said it.
func readCommand(subject string, h nats.Header, data []byte, proven bool) (runner.Wakeup, error) {
	if h.Get(headerOrder) != "" || h.Get(headerScheduler) != "" {
		return runner.Wakeup{}, &unreadable{reason: reasonCommand, note: "a schedule of the server publishes it, so nobody knows who said it: publish the command itself"}
	}
	key, verb, err := splitSubject(subject, commandPrefix)
	verb, name, named := strings.Cut(verb, ".")
	if err != nil || named && !isToken(name) {
		return runner.Wakeup{}, &unreadable{reason: reasonSubject, note: "want " + commandPrefix + "<source>.<request id>.<verb>.<actor>"}
	}
	c, known := verbs[verb]
	if !known {
		all := strings.Join(slices.Sorted(maps.Keys(verbs)), ", ")
		return runner.Wakeup{}, &unreadable{reason: reasonCommand, note: fmt.Sprintf("unknown verb %q, want one of %s", clip(verb, 100), all)}
	}
	in, err := c.read(data, speaker{name, proven})
	if _, said := err.(*unreadable); said {
		return runner.Wakeup{}, err
	}
	if err != nil {
		u := &unreadable{reason: reasonCommand, note: "want " + c.form}
		if other := (*json.UnmarshalTypeError)(nil); errors.As(err, &other) && other.Field != "" {
			u.fields, u.note = []string{other.Field}, u.note+", got a "+other.Value
		} else if !json.Valid(bytes.TrimPrefix(data, byteOrderMark)) {
			u.note += ": " + brokenOff(data)
		}
		return runner.Wakeup{}, u
	}
	return runner.Wakeup{Key: key, Kind: runner.WakeCommand, Command: in}, nil
}

// Cancel tells the service that a campaign must not be sent. by may be empty if NATS knows
// who speaks.
func (c *Client) Cancel(ctx context.Context, key campaign.Key, by, why string) (Placed, error) {
	if by == "" {
		if me, err := c.Me(); err != nil || me.Actor == "" {
			return Placed{}, fmt.Errorf("cancel %s: say who cancels it", key)
		}
	}
	return c.Command(ctx, key, VerbCancel, cancelBody{By: by, Why: why})
}

// Resolve tells the service what somebody saw at the gateway of a campaign
// that nobody else could establish. by must not be empty.
func (c *Client) Resolve(ctx context.Context, key campaign.Key, by string, sent bool, why string) (Placed, error) {
	return c.Command(ctx, key, VerbResolve, resolveBody{By: by, Sent: &sent, Why: why})
}

// FollowAgain has a campaign followed again whose figures never added up. by must not
// be empty.
func (c *Client) FollowAgain(ctx context.Context, key campaign.Key, by string) (Placed, error) {
	return c.Command(ctx, key, VerbFollow, followBody{By: by})
}

// Command publishes a command, after reading it as the service will: what the
// service would put aside is an error here. It waits in the stream for up to a
// week. Stored is not obeyed: the record says what became of it.
func (c *Client) Command(ctx context.Context, key campaign.Key, verb string, body any) (Placed, error) {
	what := verb + " " + key.String()
	subject, err := c.speakAs(ctx, key, verb)
	if err != nil {
		return Placed{}, fmt.Errorf("%s: %w", what, err)
	}
	m := nats.NewMsg(subject)
	if m.Data, err = json.Marshal(body); err != nil {
		return Placed{}, fmt.Errorf("%s: %w", what, err)
	}
	if _, err := readCommand(m.Subject, m.Header, m.Data, false); err != nil {
		return Placed{}, fmt.Errorf("%s: %w", what, err)
	}
	m.Header.Set("content-type", "application/json")
	placed, err := c.publish(ctx, m, what, jetstream.WithExpectStream(StreamCommands))
	if code := (*jetstream.APIError)(nil); errors.As(err, &code) && code.ErrorCode == codeOtherStream {
		// Beside the timers, in streams that have not been upgraded, nothing has an end
		// unless it brings its own.
		m.Header.Del(jetstream.ExpectedStreamHeader)
		return c.publish(ctx, m, what, jetstream.WithMsgTTL(commandLife))
	}
	return placed, err
}

// codeOtherStream: the message expects to be stored in another stream.
const codeOtherStream = 10060
