package query

import (
	"encoding/json"
	"time"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/schedule"
)

// Record is a campaign as it is stored.
type Record struct {
	Key    string          `json:"key"`
	Stored time.Time       `json:"stored"`
	Record json.RawMessage `json:"record"`

	// What follows answers a question that had a request.
	Known   string         `json:"known,omitempty"`   // [Known] or [Conflict]
	State   campaign.State `json:"state,omitempty"`   // of the campaign
	Differs []string       `json:"differs,omitempty"` // of a conflict, the fields; none: it was cancelled before it was asked for
}

// What a request is to the campaign of its name.
const (
	Known    = "known"    // it asks for the same: nothing happens if it is published
	Conflict = "conflict" // it asks for something else: the first one stands
)

// Campaigns are a page of campaigns. Those whose records were saved last come last, or
// first if the newest are asked for.
type Campaigns struct {
	Campaigns []Campaign `json:"campaigns"`
	Next      string     `json:"next,omitempty"` // the value of after for the next page; empty: this is the last page
	Cut       bool       `json:"cut,omitempty"`  // of the newest: fewer than were asked for, and there may be more
}

// Campaign is a summary of one campaign, without its record.
type Campaign struct {
	Key     string         `json:"key"`
	State   campaign.State `json:"state"`
	Since   time.Time      `json:"since"`
	Saved   time.Time      `json:"saved"`
	Next    time.Time      `json:"next,omitzero"` // when the campaign is looked at again
	Waiting string         `json:"waiting,omitempty"`
	campaign.Summary
}

// atMost is the greatest length that the campaign can have in JSON. To measure it by
// encoding each of 100,000 once more took a tenth of the processor time.
func (c Campaign) atMost() int {
	const instant = len("2026-11-27T09:00:00.123456789+01:00")
	n := len(`{"key":"","state":"","since":"","saved":""},`) + len(c.Key) + len(c.State) + 2*instant
	for _, at := range [...]time.Time{c.Next, c.Asked, c.When} {
		if !at.IsZero() {
			n += len(`"asked":"",`) + instant
		}
	}
	for _, text := range [...]string{c.Waiting, c.Name} {
		if text != "" {
			n += len(`"waiting":"",`) + quoted(text)
		}
	}
	for _, count := range [...]int64{c.Recipients, c.Sent, c.Total, c.Delivered, c.PerMinute} {
		if count != 0 {
			n += len(`"recipients":,`) + digits(count)
		}
	}
	if c.Cost != nil {
		n += len(`"cost":{"amount":"","currency":""},`) + len(c.Cost.Amount.String()) + quoted(c.Cost.Currency)
	}
	if c.Reason != "" {
		n += len(`"reason":"",`) + len(c.Reason)
	}
	if c.Simulation {
		n += len(`"simulation":true,`)
	}
	if c.Account != "" {
		n += len(`"account":"",`) + quoted(c.Account)
	}
	if len(c.Labels) > 0 {
		n += len(`"labels":{},`)
	}
	for name, value := range c.Labels {
		n += len(`"":"",`) + quoted(name) + quoted(value)
	}
	return n
}

// quoted is the greatest length that a text can have in JSON: a byte that is no plain
// character becomes six.
func quoted(text string) int {
	n := len(text)
	for _, b := range []byte(text) {
		if b < ' ' || b >= 0x7f || b == '"' || b == '\\' || b == '<' || b == '>' || b == '&' {
			n += 5
		}
	}
	return n
}

// digits is how many characters a whole number has, with its sign.
func digits(n int64) int {
	count := 1
	if n < 0 {
		count++
	}
	for ; n >= 10 || n <= -10; n /= 10 {
		count++
	}
	return count
}

// asked is when the campaign was asked for, or the latest that it can have been.
func (c Campaign) asked() time.Time {
	if c.Asked.IsZero() {
		return c.Saved
	}
	return c.Asked
}

// Overdue says that a campaign was not looked at when it was due.
func (c Campaign) Overdue(now time.Time) bool {
	return !c.Next.IsZero() && now.Sub(c.Next) > time.Minute
}

// Events are a page of events, in the order of their stream.
type Events struct {
	Events []Event `json:"events"`
	Next   string  `json:"next,omitempty"`
}

// Event is a CloudEvent in JSON, whose data is the message as protobuf maps it to JSON.
type Event struct {
	SpecVersion  string `json:"specversion"`
	ID           string `json:"id"`
	Source       string `json:"source"`
	Type         string `json:"type"`
	Subject      string `json:"subject"` // it names the campaign
	Time         string `json:"time,omitempty"`
	TraceParent  string `json:"traceparent,omitempty"`
	Gateway      string `json:"gateway,omitempty"`
	Account      string `json:"account,omitempty"`
	DataSchema   string `json:"dataschema,omitempty"`
	PartitionKey string `json:"partitionkey,omitempty"`
	TraceState   string `json:"tracestate,omitempty"`
	// Ordinal is the attribute sequence of the CloudEvent: it orders the events of one
	// campaign. The name sequence was given to the place in the stream before.
	Ordinal         string          `json:"ordinal,omitempty"`
	Sequence        uint64          `json:"sequence,omitempty"` // in the stream; absent: the event came from a subscription, not from the stream
	Stored          time.Time       `json:"stored"`
	DataContentType string          `json:"datacontenttype,omitempty"`
	Data            json.RawMessage `json:"data,omitempty"` // absent: the service that answers does not know the type
}

// Letters are a page of dead letters, the oldest first; or one whole dead letter.
type Letters struct {
	Letters []Letter `json:"letters"`
	Next    string   `json:"next,omitempty"`
}

// Letter is a dead letter.
type Letter struct {
	ID       uint64              `json:"id"`
	Key      string              `json:"key,omitempty"` // empty: its subject names no campaign
	Kind     string              `json:"kind"`
	Reason   string              `json:"reason"`
	Fields   []string            `json:"fields,omitempty"`
	Note     string              `json:"note,omitempty"`
	PutAside time.Time           `json:"put_aside"`
	ReplayOf uint64              `json:"replay_of,omitempty"`
	Replayed *time.Time          `json:"replayed,omitempty"`
	Subject  string              `json:"subject"`
	Stream   string              `json:"stream"`
	Sequence uint64              `json:"sequence"`
	Stored   time.Time           `json:"stored"`
	Header   map[string][]string `json:"header,omitempty"`
	Size     int                 `json:"size"`
	// Only in an answer about one letter: the payload in JSON if it can be read,
	// otherwise the reason why not, and the payload as it is.
	Payload    json.RawMessage `json:"payload,omitempty"`
	Unreadable string          `json:"unreadable,omitempty"`
	Raw        []byte          `json:"payload_base64,omitempty"`
}

// Budgets are a page of budgets: that of all sources, then by account, then by source.
type Budgets struct {
	Budgets []Budget `json:"budgets"`
	Next    string   `json:"next,omitempty"`
}

// Budget is a budget in a period.
type Budget struct {
	Budget   string         `json:"budget"` // a source, * for all together, or @ and one of several accounts
	Period   string         `json:"period"`
	Zone     string         `json:"zone"`
	Limit    campaign.Money `json:"limit"`
	Spent    campaign.Money `json:"spent"`
	Reserved campaign.Money `json:"reserved"`
	Left     campaign.Money `json:"left"`
	UnderWay int            `json:"under_way"`
	// Foreign are the campaigns that were charged in another currency.
	Foreign *budget.Foreign `json:"foreign,omitempty"`
}

// BudgetHistory is a page of changes of budgets, which come as in [Budgets].
// The changes of one budget are in order, the latest last.
type BudgetHistory struct {
	Changes []BudgetChange `json:"changes"`
	Next    string         `json:"next,omitempty"`
}

// BudgetChange is one change of a budget.
type BudgetChange struct {
	Budget string `json:"budget"` // a source, * for all together, or @ and one of several accounts
	budget.Change
}

// Schedules are a page of schedules as they are stored. Those that were saved last come
// last.
type Schedules struct {
	Schedules []schedule.Record `json:"schedules"`
	Next      string            `json:"next,omitempty"`
}

// Audiences are a page of what is published under names, by key.
type Audiences struct {
	Audiences []Audience `json:"audiences"`
	Next      string     `json:"next,omitempty"`
}

// Audience is the list that was published last under a name. Nobody in it is named.
type Audience struct {
	Key       string          `json:"key"` // the source and the name: studio-bianchi.this-week
	SHA256    string          `json:"sha256,omitempty"`
	Size      int64           `json:"size,omitempty"` // bytes
	Chunks    int             `json:"chunks,omitempty"`
	Missing   int             `json:"missing,omitempty"` // chunks that are not there
	Format    campaign.Format `json:"format,omitempty"`
	AsOf      time.Time       `json:"as_of,omitzero"` // from when its age is counted
	Published time.Time       `json:"published"`
	Kept      int             `json:"kept"`            // how many lists of that name are kept, this one too
	Wrong     string          `json:"wrong,omitempty"` // why it cannot be read; the fields before are empty then
}

// Outcome is what became of a standing order.
type Outcome struct {
	Sequence uint64   `json:"sequence"`
	Subject  string   `json:"subject,omitempty"`
	Outcome  string   `json:"outcome"`          // done, refused, or waiting
	Type     string   `json:"type,omitempty"`   // done: the type of the event
	Event    []byte   `json:"event,omitempty"`  // done: the event, in protobuf
	Letter   uint64   `json:"letter,omitempty"` // refused: the dead letter
	Reason   string   `json:"reason,omitempty"`
	Fields   []string `json:"fields,omitempty"`
	Note     string   `json:"note,omitempty"`
}

// What an [Outcome] can be.
const (
	OutcomeDone    = "done"
	OutcomeRefused = "refused"
	OutcomeWaiting = "waiting"
)

// Checked is what would become of a request.
type Checked struct {
	// Accepted says that nothing known speaks against it: there is no problem.
	Accepted bool           `json:"accepted"`
	Known    string         `json:"known"`             // new, known, or conflict
	State    campaign.State `json:"state,omitempty"`   // not new: where the campaign stands
	Differs  []string       `json:"differs,omitempty"` // conflict: the fields in which the first request is another one
	Problems []Problem      `json:"problems"`
	Notes    []Note         `json:"notes,omitempty"`

	// Only with price.
	Quote   *campaign.Quote `json:"quote,omitempty"`    // as in the record; there may be one beside a problem
	QuoteID string          `json:"quote_id,omitempty"` // what agreed_quote_id of the request may be
	Left    *LeftDraft      `json:"left,omitempty"`     // a draft that the gateway did not delete
}

// What Known of [Checked] can be.
const (
	KnownNew      = "new"      // nobody has asked for it
	KnownSame     = "known"    // it was asked for, with the same content: to ask again changes nothing
	KnownConflict = "conflict" // it was asked for, with other content: the first request stands
)

// Problem is why a request would not be sent.
type Problem struct {
	Field  string `json:"field,omitempty"` // of the request, or the gateway's name for it; empty: none in particular
	Reason string `json:"reason"`          // as the event or the dead letter would have it: text_not_gsm7, invalid, …
	Text   string `json:"text"`            // what is wrong
	Remedy string `json:"remedy"`          // what to do
}

// Note is what does not speak against a request, and is good to know before.
type Note struct {
	Kind  string    `json:"kind"` // window, approval, credit, hold, gateway, known, intake
	Text  string    `json:"text"`
	Until time.Time `json:"until,omitzero"` // when the wait ends: it starts then, or is rejected unless somebody acts before
}

// LeftDraft is a draft that a check has made and the gateway did not delete. It is never
// sent.
type LeftDraft struct {
	CampaignID int64  `json:"campaign_id"` // the gateway's number; 0: its create was not answered, so there may be none
	Mark       string `json:"mark"`        // in its description
	Text       string `json:"text"`
}

// Health is the health of the service that answered. A source only learns whether it is
// ready.
type Health struct {
	Ready   bool    `json:"ready"`
	Version string  `json:"version,omitempty"`
	Checks  []Check `json:"checks,omitempty"`
}

// Check is one thing that readiness depends on, or one thing for information.
type Check struct {
	Name     string `json:"name"`
	OK       bool   `json:"ok"`
	How      string `json:"how"`
	Optional bool   `json:"optional,omitempty"` // readiness does not depend on it
}
