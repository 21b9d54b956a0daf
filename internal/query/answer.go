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
}

// Campaigns are a page of campaigns, those whose records moved last come last.
type Campaigns struct {
	Campaigns []Campaign `json:"campaigns"`
	Next      string     `json:"next,omitempty"` // ask for the next page after this; empty: it was the last
}

// Campaign is what is known of one without its record.
type Campaign struct {
	Key     string         `json:"key"`
	State   campaign.State `json:"state"`
	Since   time.Time      `json:"since"`
	Saved   time.Time      `json:"saved"`
	Next    time.Time      `json:"next,omitzero"` // when it is looked at again
	Waiting string         `json:"waiting,omitempty"`
}

// Overdue says that nobody looked at a campaign when it was due.
func (c Campaign) Overdue(now time.Time) bool {
	return !c.Next.IsZero() && now.Sub(c.Next) > time.Minute
}

// Letters are a page of dead letters, the oldest first; or one of them, whole.
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
	// Of one letter only: the payload in JSON if it can be read, else why not, and as
	// it is.
	Payload    json.RawMessage `json:"payload,omitempty"`
	Unreadable string          `json:"unreadable,omitempty"`
	Raw        []byte          `json:"payload_base64,omitempty"`
}

// Budgets are a page of budgets, the account's first, then by source.
type Budgets struct {
	Budgets []Budget `json:"budgets"`
	Next    string   `json:"next,omitempty"`
}

// Budget is a budget in a period.
type Budget struct {
	Budget   string         `json:"budget"` // a source, or * for the account
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

// Schedules are a page of schedules as they are stored, those that moved last come
// last.
type Schedules struct {
	Schedules []schedule.Record `json:"schedules"`
	Next      string            `json:"next,omitempty"`
}

// Health is how the service that answered is. A source is told whether it is ready.
type Health struct {
	Ready   bool    `json:"ready"`
	Version string  `json:"version,omitempty"`
	Checks  []Check `json:"checks,omitempty"`
}

// Check is one thing that readiness depends on, or that is good to know.
type Check struct {
	Name     string `json:"name"`
	OK       bool   `json:"ok"`
	How      string `json:"how"`
	Optional bool   `json:"optional,omitempty"` // readiness does not depend on it
}
