package staffetta

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Checked is what would become of a request.
type Checked struct {
	// Accepted says that nothing known speaks against it: there is no problem.
	Accepted bool      `json:"accepted"`
	Known    string    `json:"known"`   // new; known: asked for before; conflict: another request has this name
	State    string    `json:"state"`   // not new: of the campaign that stands
	Differs  []string  `json:"differs"` // conflict: the fields that differ
	Problems []Problem `json:"problems"`
	Notes    []Note    `json:"notes"`

	// Only with [WithPrice].
	Quote   *Quote     `json:"quote"`    // nil: none was asked for, or none was given
	QuoteID string     `json:"quote_id"` // what agreed_quote_id of the request may be
	Left    *LeftDraft `json:"left"`     // a draft that the gateway did not delete; nil: none
}

// Problem is why a request would not be sent.
type Problem struct {
	Field  string `json:"field"`  // of the request, or the gateway's name for it; empty: none in particular
	Reason string `json:"reason"` // as the event or the dead letter would have it: text_not_gsm7, invalid …
	Text   string `json:"text"`   // what is wrong
	Remedy string `json:"remedy"` // what to do
}

// Note is what does not speak against a request, and is good to know before.
type Note struct {
	Kind  string    `json:"kind"` // window, approval, credit, hold, gateway, known, intake, suppression
	Text  string    `json:"text"`
	Until time.Time `json:"until"` // when the wait ends; zero: nobody knows
}

// Quote is what the gateway asks for it.
type Quote struct {
	At   time.Time `json:"at"`
	Goal struct {
		Total   int64 `json:"total"` // contacts of the list
		Valid   int64 `json:"valid"` // that would get a message
		Invalid int64 `json:"invalid"`
		Parts   int64 `json:"parts"` // SMS, all messages together
	} `json:"goal"`
	Price struct {
		PerMessage Amount `json:"per_message"`
		Total      Amount `json:"total"`
		Available  Amount `json:"available"`  // credit of the account
		Sufficient bool   `json:"sufficient"` // the credit is
	} `json:"price"`
}

// Amount is an amount of money, exact.
type Amount struct {
	Amount   string `json:"amount"`   // decimal: 344.09
	Currency string `json:"currency"` // ISO 4217
}

// LeftDraft is a draft that a check has made and that is still there. It is never sent.
type LeftDraft struct {
	CampaignID int64  `json:"campaign_id"` // the gateway's number; 0: there may be none
	Mark       string `json:"mark"`        // in its description
	Text       string `json:"text"`
}

// CheckOption is an option of [Client.Check].
type CheckOption func(*checkQuestion)

type checkQuestion struct {
	Request json.RawMessage `json:"request"`
	Price   bool            `json:"price,omitempty"`
}

// WithPrice has the service ask the gateway for a quote, on a draft that it deletes. It
// takes up to a minute, and calls of the account.
func WithPrice() CheckOption { return func(q *checkQuestion) { q.Price = true } }

// Check asks the service what would become of a request, and uses no request id up; the
// id may be empty. A no is an answer, with its problems, and not an error. Errors are those
// of [Client.Query]; of a price that cannot be had now the code is unpriced.
func (c *Client) Check(ctx context.Context, m *campaignv1.CampaignRequested, options ...CheckOption) (Checked, error) {
	var checked Checked
	request, err := protojson.Marshal(m)
	if err != nil {
		return checked, fmt.Errorf("check: %w", err)
	}
	q := checkQuestion{Request: request}
	for _, o := range options {
		o(&q)
	}
	err = c.ask(ctx, "check", q, &checked, checkedWithin)
	return checked, err
}

// checkedWithin is how long an answer to a check is waited for: the service takes a minute
// at most.
const checkedWithin = 65 * time.Second
