package recipes

import "slices"

// What a recipe adds is called dummy. Its rule is met only by a campaign of that name, so
// that nothing else moves.
var recipes = []recipe{
	{
		heading: "A reason why a campaign is not sent",
		steps: []step{
			{file: "internal/campaign/reason.go", after: `ReasonGaveUp       ReasonCode =`, add: `	ReasonDummy        ReasonCode = "dummy"`},
			{file: "internal/campaign/reason.go", after: `{ReasonGaveUp, EventRejected},`, add: `	{ReasonDummy, EventRejected},`},
			{file: "internal/campaign/drafting.go", after: `func (t *transition) mustNotSend() *Reason {`, add: `	if t.c.Request.Name == "dummy" {
		return &Reason{Code: ReasonDummy, Field: "name", Message: "it is a dummy"}
	}`},
			{file: "proto/staffetta/campaign/v1/campaign_rejected.proto", after: `REASON_NOT_AS_ASKED = 16;`, add: `    // It is a dummy.
    REASON_DUMMY = 99;`},
			{file: "internal/runner/endings_test.go", after: `{name: "completed"},`, add: `	{name: "dummy", ask: func(r *campaign.Request) { r.Name = "dummy" }},`},
			{file: "proto/staffetta/staffettatest/ending.go", after: `Ending = "not_sent"`, add: `	Dummy Ending = "dummy"`},
		},
		written: [][]string{{"go", "test", "./internal/runner", "-run", "TheKit", "-rewrite"}},
		checks:  checks,
	},
	{
		heading: "An event",
		steps: []step{
			{file: "internal/campaign/event.go", after: `EventDeferred         EventType =`, add: `	EventDummy            EventType = "dummy"`},
			{file: "internal/campaign/event.go", after: `EventCostCalculated, EventApprovalRequired, EventApproved, EventDeferred,`, add: `	EventDummy,`},
			{file: "internal/campaign/drafting.go", after: `func (t *transition) mustNotSend() *Reason {`, add: `	if t.c.Request.Name == "dummy" {
		t.emit(Event{Type: EventDummy, N: 1})
	}`},
			{file: "proto/staffetta/campaign/v1/campaign_dummy.proto", add: `syntax = "proto3";

package staffetta.campaign.v1;

import "buf/validate/validate.proto";

option go_package = "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1;campaignv1";

// CampaignDummy tells nothing.
message CampaignDummy {
  // Who asked, as in the request.
  string source = 1 [(buf.validate.field).cel = {
    id: "key.token"
    message: "must be 1 to 64 letters, digits, '_' or '-'"
    expression: "this.matches('^[A-Za-z0-9_-]{1,64}$')"
  }];
  // The caller's own id, as in the request.
  string request_id = 2 [(buf.validate.field).cel = {
    id: "key.token"
    message: "must be 1 to 64 letters, digits, '_' or '-'"
    expression: "this.matches('^[A-Za-z0-9_-]{1,64}$')"
  }];
  // The gateway's id of the campaign; 0 when the gateway did not know of it yet.
  int64 campaign_id = 3 [(buf.validate.field).int64.gte = 0];
  // The ordinal of this event among those of its type for this campaign, from 1.
  int32 version = 4 [(buf.validate.field).int32.gt = 0];
  // The campaign only pretends: nothing is sent, nothing is paid.
  bool simulation = 5;
}
`},
			{file: "proto/staffetta/campaign/v1/doc.go", after: `types     cost_calculated`, add: `//	          dummy`},
			{file: "internal/contract/messages.go", after: `messageOf(toDeferred, fromDeferred),`, add: `	campaign.EventDummy: messageOf(toDummy, fromDummy),`},
			{file: "internal/contract/messages.go", after: `campaignv1 "github.com/`, add: `)

func toDummy(campaign.Campaign, campaign.Event) (*campaignv1.CampaignDummy, error) {
	return &campaignv1.CampaignDummy{}, nil
}

func fromDummy(*campaignv1.CampaignDummy, *campaign.Event) {}

const (`},
			{file: "internal/why/event.go", after: `var renderings = map[campaign.EventType]rendering{`, add: `	campaign.EventDummy: {
		func(campaign.Event) bool { return true },
		func(_ campaign.Event, say sayer) { say("a dummy") },
		func(*teller, campaign.Event) string { return "A dummy." },
	},`},
			{file: "internal/contract/event_test.go", after: `return map[string]proto.Message{`, add: `		"campaign_dummy": &campaignv1.CampaignDummy{Source: "shop-italia", RequestId: "dummy", Version: 1},`},
			{file: "internal/journal/messages_test.go", after: `{Type: campaign.EventDeferred, N: 1, Need:`, add: `		{Type: campaign.EventDummy, N: 1},`},
			{file: "proto/staffetta/handlers.go", after: `	Deferred         func(`, add: `	Dummy func(context.Context, Event, *campaignv1.CampaignDummy) error`},
			{file: "proto/staffetta/handlers.go", after: `switch m := e.Message.(type) {`, add: `	case *campaignv1.CampaignDummy:
		return call(ctx, h, h.Dummy, e, m)`},
			{file: "internal/journal/testdata/events/dummy/dummy.dummy.1.json", written: true, add: `{
  "subject": "campaign.v1.event.torture.dummy.dummy.1",
  "header": {
    "ce-time": ["2026-11-26T23:44:05Z"],
    "ce-type": ["staffetta.campaign.v1.CampaignDummy"]
  },
  "data": "Cgd0b3J0dXJlEgVkdW1teSAB"
}
`},
		},
		written: [][]string{{"go", "test", "./internal/contract", "-run", "Golden", "-write"}},
		checks:  checks,
	},
	{
		heading: "A call to the gateway",
		steps: []step{
			{file: "internal/campaign/call.go", after: `OpWitness Op = "witness"`, add: `	OpDummy   Op = "dummy"`},
			{file: "internal/campaign/call.go", after: `OpLook, OpCreate, OpConfigure, OpCalculate, OpPrice, OpRoom, OpReserve, OpAdmit, OpConfirm,`, add: `	OpDummy,`},
			{file: "internal/campaign/drafting.go", after: `func (t *transition) mustNotSend() *Reason {`, add: `	if t.c.Request.Name == "dummy" {
		_ = t.call(OpDummy)
	}`},
			{file: "internal/gateway/uc006/uc006.go", after: `switch id := call.CampaignID; call.Op {`, add: `	case campaign.OpDummy:
		return c.Price(ctx, id)`},
			{file: "internal/why/calls.go", after: `campaign.OpPrice:     "asking for the price",`, add: `	campaign.OpDummy:     "asking the dummy",`},
			{file: "internal/runner/runnertest/gateway_draft.go", after: `	switch call.Op {`, add: `	case campaign.OpDummy:
		return g.price(d)`},
		},
		checks: checks,
	},
	{
		heading: "A field of CampaignRequested",
		steps: []step{
			{file: "proto/staffetta/campaign/v1/campaign_requested.proto", after: `message CampaignRequested {`, add: `  // It is a dummy.
  string dummy = 99;
`},
			{file: "internal/campaign/limits.go", after: `type Limits struct {`, add: "	Dummy string `json:\"dummy,omitempty\"`"},
			{file: "internal/campaign/limits.go", after: `func (l Limits) diff(`, add: `	differ("dummy", l.Dummy == o.Dummy)`},
			{file: "internal/contract/requested.go", after: `m := &campaignv1.CampaignRequested{`, add: `		Dummy: l.Dummy,`},
			{file: "internal/contract/requested.go", after: `l := campaign.Limits{`, add: `		Dummy: m.GetDummy(),`},
			{file: "internal/cli/example.go", after: `var examples = map[string]string{`, add: `	"dummy":                "# dummy",`},
		},
		checks: append(slices.Clone(checks), []string{"go", "test", "./internal/cli", "-run", "WholeExample"}),
	},
	{
		heading: "A reason why a message is put aside",
		steps: []step{
			{file: "internal/deadletter/deadletter.go", after: `TooMany     Reason =`, add: `	Dummy       Reason = "dummy"`},
			{file: "internal/deadletter/deadletter.go", after: `{TooMany, "Its source`, add: `	{Dummy, "It is a dummy." + replay, ""},`},
			{file: "internal/runner/runner.go", after: `func (r *run) trouble(err error) loop.Verdict {`, add: `	if err.Error() == "dummy" {
		return loop.Verdict{Do: loop.Bury, Reason: deadletter.Dummy}
	}`},
			{file: "docs/operations.md", after: "| `too_many` |", add: "| `dummy` | a dummy | nothing |"},
		},
		checks: checks,
	},
}

// checks are what each recipe must pass: everything is built, and what goes over closed
// sets is tried, the quickest first.
var checks = [][]string{
	{"go", "build", "./..."},
	{"go", "test", "./test/recipes", "./internal/campaign", "./internal/contract", "./internal/why", "./internal/deadletter", "-run", "Table|Word|Diff|Package|Golden|Remedy|Explains|EveryCall"},
	{"go", "test", "./internal/journal", "./internal/contract", "-run", "Message|Reason|Word|Golden|Retold|Requested|Field"},
	{"go", "test", "./internal/runner", "./proto/staffetta", "./proto/staffetta/staffettatest", "-run", "TheKit|Handler|Ending"},
}
