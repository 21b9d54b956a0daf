package staffetta

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Known says whether a campaign had been asked for before.
type Known string

const (
	// FirstAsked: the service knew no such campaign; the request was published.
	FirstAsked Known = "new"
	// AskedBefore: the same campaign was asked for before; nothing was published.
	AskedBefore Known = "known"
	// Unseen: no service answered whether it knows the campaign, or this user may not ask.
	// The request was published and waits in its stream. If the campaign was known, nothing
	// happens twice; if the first request was another one, that one stands, and this one
	// becomes a dead letter.
	Unseen Known = "unseen"
)

// Placed says what became of a request.
type Placed struct {
	Key   string // <source>.<request id>: the campaign's name, for ever
	Known Known
	State string // of a campaign that was known: sending, completed …; empty: it was not
	// Sequence is the request's place in the stream of requests; 0: it was not published.
	Sequence uint64
	Unasked  error // why nobody said whether it was known; nil: somebody did
}

// Conflict is a request that has another one's name: a campaign was asked for under this
// source and request id, and it stands. Nothing was published.
type Conflict struct {
	Key     string
	State   string   // of the campaign that stands
	Differs []string // fields in which the requests differ; empty: it was cancelled before it was asked for
}

// Error says which fields differ, and what to do.
func (e *Conflict) Error() string {
	if len(e.Differs) == 0 {
		return fmt.Sprintf("%s was cancelled before it was asked for: to send it after all, give it a new request id", e.Key)
	}
	return fmt.Sprintf("%s was already asked for, with other content (%s); the first request stands, and is %s: to send this one too, give it a new request id", e.Key, strings.Join(e.Differs, ", "), e.State)
}

// RequestOption is an option of [Client.Request].
type RequestOption func(h map[string][]string)

// TraceParent has every event of the campaign carry a W3C trace context.
func TraceParent(value string) RequestOption {
	return func(h map[string][]string) { h["traceparent"] = []string{value} }
}

// TraceState has them carry what tracing systems wrote beside it.
func TraceState(value string) RequestOption {
	return func(h map[string][]string) { h["tracestate"] = []string{value} }
}

// Request asks for a campaign, once: source and request id name it for ever, and to ask
// for the same again is harmless. It is checked before anything leaves. When Request
// returns without an error, the request is stored, or was before.
//
// Errors: [*Invalid], with the fields, if the service would refuse the request; [*Conflict]
// if its name belongs to another request; anything else if it is not known whether it was
// stored: ask again. Two programs that ask at the same time for different campaigns of the
// same name may both be told [FirstAsked]: one of the requests stands, the other one becomes a
// dead letter, which [Client.Letters] shows.
func (c *Client) Request(ctx context.Context, m *campaignv1.CampaignRequested, options ...RequestOption) (Placed, error) {
	return c.request(ctx, m, func() error { return nil }, options)
}

// request asks for a campaign; what it needs beside it is laid down before it is published.
func (c *Client) request(ctx context.Context, m *campaignv1.CampaignRequested, layDown func() error, options []RequestOption) (Placed, error) {
	placed := Placed{Key: m.GetSource() + "." + m.GetRequestId(), Known: FirstAsked}
	if err := Validate(m); err != nil {
		return placed, fmt.Errorf("request %s: %w", placed.Key, err)
	}
	known, err := c.known(ctx, m)
	switch {
	case ctx.Err() != nil:
		return placed, fmt.Errorf("request %s: %w", placed.Key, ctx.Err())
	case IsCode(err, NotFound):
	case IsCode(err, NotYours):
		return placed, fmt.Errorf("request %s: %w", placed.Key, err)
	case err != nil:
		placed.Known, placed.Unasked = Unseen, err
	case known.Known == "conflict":
		return placed, &Conflict{Key: placed.Key, State: known.State, Differs: known.Differs}
	default:
		placed.Known, placed.State = AskedBefore, known.State
		return placed, nil
	}
	// Only now: the same request, made again when its instant is over, is harmless.
	if err := Hopeless(m, c.now()); err != nil {
		return placed, fmt.Errorf("request %s: %w", placed.Key, err)
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return placed, fmt.Errorf("request %s: %w", placed.Key, err)
	}
	h := map[string][]string{
		"ce-specversion": {"1.0"},
		"ce-id":          {placed.Key},
		"ce-source":      {m.GetSource()},
		"ce-type":        {string(m.ProtoReflect().Descriptor().FullName())},
		"ce-subject":     {placed.Key},
		"content-type":   {"application/protobuf"},
	}
	for _, o := range options {
		o(h)
	}
	if err := layDown(); err != nil {
		return placed, fmt.Errorf("request %s: %w", placed.Key, err)
	}
	if placed.Sequence, err = c.conn.Store(ctx, requestPrefix+placed.Key, h, data); err != nil {
		return placed, fmt.Errorf("request %s: %w", placed.Key, err)
	}
	return placed, nil
}

// before is what the service says of a request: whether its campaign was asked for before.
type before struct {
	Known   string   `json:"known"`   // known or conflict
	State   string   `json:"state"`   // of the campaign
	Differs []string `json:"differs"` // of a conflict; none: it was cancelled before it was asked for
}

// known asks the service whether a campaign of this name was asked for before, and how
// this request differs. That there is none is [NotFound].
func (c *Client) known(ctx context.Context, m *campaignv1.CampaignRequested) (before, error) {
	request, err := protojson.Marshal(m)
	if err != nil {
		return before{}, err
	}
	var answer before
	question := struct {
		Key     string          `json:"key"`
		Request json.RawMessage `json:"request"`
	}{m.GetSource() + "." + m.GetRequestId(), request}
	err = c.Query(ctx, "get", question, &answer)
	return answer, err
}
