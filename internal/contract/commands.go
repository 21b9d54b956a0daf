package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// What people tell a campaign to do, on campaign.v1.command.<source>.<request
// id>.<verb>.<actor> with a small JSON body. Verb and actor are in the subject, so that
// NATS permissions say who may tell what, and who may speak as whom. Without an actor
// it is read as well, and nobody proves who said it.
const (
	VerbCancel  = streams.CancelVerb //  {"by":"anna","why":"wrong price"}
	VerbResolve = "resolve"          // {"by":"anna","sent":true,"why":"seen on the gateway's page"}
	VerbApprove = "approve"          // {"quote_id":"0123456789abcdef","by":"anna"}
	VerbProof   = "proof"            // {"quote_id":"0123456789abcdef","n":1,"by":"anna","people":"…","size":80,"phones":1}
	VerbDecline = "decline"          // {"quote_id":"0123456789abcdef","by":"anna","why":"wrong list"}
	VerbFollow  = "follow"           // {"by":"anna"}
	VerbForget  = "forget"           // {"by":"anna"}
)

// verbs is how each command is read. A new one is a line here and a body below.
var verbs = map[string]command{
	VerbCancel:  {`{"by":"…","why":"…"}`, CancelBody{}, readCancel},
	VerbResolve: {`{"by":"…","sent":true or false,"why":"…"}`, ResolveBody{}, readResolve},
	VerbApprove: {`{"quote_id":"…","by":"…"}`, ApproveBody{}, readApprove},
	VerbProof:   {`{"quote_id":"…","n":1,"by":"…","people":"…","size":80,"phones":1}`, ProofBody{}, readProof},
	VerbDecline: {`{"quote_id":"…","by":"…","why":"…"}`, DeclineBody{}, readDecline},
	VerbFollow:  {`{"by":"…"}`, FollowBody{}, readFollow},
	VerbForget:  {`{"by":"…"}`, FollowBody{}, readForget},
}

// command is one verb: what its body looks like, and how it is read. An
// *unreadable error names the fields at fault; any other says what is not JSON.
type command struct {
	form string
	body any // its type, for whoever describes it
	read func(body []byte, s speaker) (campaign.Input, error)
}

// CancelBody is what the command cancel says.
type CancelBody struct {
	By  string `json:"by"`
	Why string `json:"why,omitempty"`
}

// readCancel turns nothing away for a missing signature: a cancel is urgent.
func readCancel(body []byte, s speaker) (campaign.Input, error) {
	var b CancelBody
	if err := readBody(body, &b); err != nil {
		return nil, err
	}
	if b.By = s.by(b.By); b.By == "" {
		b.By = "unknown"
	}
	return campaign.Cancel{By: Clip(b.By, maxBy), Actor: s.actor(), Why: Clip(b.Why, maxWhy)}, nil
}

// ResolveBody is what the command resolve says.
type ResolveBody struct {
	By   string `json:"by"`
	Sent *bool  `json:"sent"`
	Why  string `json:"why,omitempty"`
}

// readResolve insists: a false that nobody wrote would be somebody's word that
// a campaign was not sent.
func readResolve(body []byte, s speaker) (campaign.Input, error) {
	var b ResolveBody
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
		return nil, &Unreadable{Reason: deadletter.BadCommand, fields: missing, Note: "say who looked at the gateway (by), and whether it was sent (sent: true or false)"}
	}
	return campaign.Resolved{By: Clip(b.By, maxBy), Actor: s.actor(), Sent: *b.Sent, Why: Clip(b.Why, maxWhy)}, nil
}

// FollowBody is what the commands follow and forget say.
type FollowBody struct {
	By string `json:"by"`
}

func readFollow(body []byte, s speaker) (campaign.Input, error) {
	var b FollowBody
	if err := readBody(body, &b); err != nil {
		return nil, err
	}
	if b.By = s.by(b.By); b.By == "" {
		return nil, &Unreadable{Reason: deadletter.BadCommand, fields: []string{"by"}, Note: "say who has it followed again (by)"}
	}
	return campaign.Follow{By: Clip(b.By, maxBy), Actor: s.actor()}, nil
}

func readForget(body []byte, s speaker) (campaign.Input, error) {
	var b FollowBody
	if err := readBody(body, &b); err != nil {
		return nil, err
	}
	if b.By = s.by(b.By); b.By == "" {
		return nil, &Unreadable{Reason: deadletter.BadCommand, fields: []string{"by"}, Note: "say who has it forgotten (by)"}
	}
	return campaign.Forget{By: Clip(b.By, maxBy), Actor: s.actor()}, nil
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

func byASchedule() error {
	return &Unreadable{Reason: deadletter.BadCommand, Note: "a schedule of the server publishes it, so nobody knows who said it: publish the command itself"}
}

// ReadCommand reads what somebody tells a campaign to do. proven says that the subject
// proves who said it.
func ReadCommand(subject string, h Header, data []byte, proven bool) (runner.Wakeup, error) {
	if get(h, headerOrder) != "" || get(h, headerScheduler) != "" {
		return runner.Wakeup{}, byASchedule()
	}
	key, verb, err := SplitSubject(subject, streams.CommandPrefix)
	verb, name, named := strings.Cut(verb, ".")
	if err != nil || named && !IsToken(name) {
		return runner.Wakeup{}, &Unreadable{Reason: deadletter.BadSubject, Note: "want " + streams.CommandPrefix + "<source>.<request id>.<verb>.<actor>"}
	}
	c, known := verbs[verb]
	if !known {
		all := strings.Join(slices.Sorted(maps.Keys(verbs)), ", ")
		return runner.Wakeup{}, &Unreadable{Reason: deadletter.BadCommand, Note: fmt.Sprintf("unknown verb %q, want one of %s", Clip(verb, 100), all)}
	}
	in, err := c.read(data, speaker{name, proven})
	if _, said := errors.AsType[*Unreadable](err); said {
		return runner.Wakeup{}, err
	}
	if err != nil {
		u := &Unreadable{Reason: deadletter.BadCommand, Note: "want " + c.form}
		if other := (*json.UnmarshalTypeError)(nil); errors.As(err, &other) && other.Field != "" {
			u.fields, u.Note = []string{other.Field}, u.Note+", got a "+other.Value
		} else if !json.Valid(bytes.TrimPrefix(data, byteOrderMark)) {
			u.Note += ": " + brokenOff(data)
		}
		return runner.Wakeup{}, u
	}
	return runner.Wakeup{Key: key, Kind: runner.WakeCommand, Command: in}, nil
}
