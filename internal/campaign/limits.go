package campaign

import (
	"time"

	"github.com/shopspring/decimal"
)

// Choice is what a request wants to be done when one of its own limits is reached.
type Choice string

const (
	Reject Choice = "reject" // the default: say no, and why
	Ask    Choice = "ask"    // wait for an approval
	Wait   Choice = "wait"   // wait until it is better, with a deadline
)

// Choices lists every choice.
var Choices = []Choice{Reject, Ask, Wait}

// Limits are the conditions of a request: what it may cost, whether it needs an
// approval, and until when it is worth sending. The zero Limits are no conditions.
type Limits struct {
	MaxTotal  Money  `json:"max_total,omitzero"`
	OnOverMax Choice `json:"on_over_max,omitempty"` // reject or ask
	MaxParts  int    `json:"max_parts,omitempty"`   // of one message; zero: any

	Approval       bool          `json:"approval,omitempty"`        // an approval is needed in any case
	ApprovalWithin time.Duration `json:"approval_within,omitempty"` // zero: the rules' own

	OnNoCredit   Choice        `json:"on_no_credit,omitempty"`  // reject or wait
	CreditWithin time.Duration `json:"credit_within,omitempty"` // zero: the rules' own

	MaxLateness time.Duration `json:"max_lateness,omitempty"` // zero: the rules' own if it has an instant, and no limit if it has none
	OnLate      Choice        `json:"on_late,omitempty"`      // reject or ask

	Agreed string `json:"agreed_quote_id,omitempty"` // the quote that was agreed on; any other needs an approval; empty: none was

	Window string `json:"window,omitempty"` // name of a send window; empty: the source's, if it has one
}

// diff names the fields in which two differ, as the contract spells them.
func (l Limits) diff(o Limits, differ func(name string, same bool)) {
	differ("max_total", l.MaxTotal.Equal(o.MaxTotal))
	differ("on_over_max", l.OnOverMax == o.OnOverMax)
	differ("max_parts_per_message", l.MaxParts == o.MaxParts)
	differ("needs_approval", l.Approval == o.Approval)
	differ("approval_within", l.ApprovalWithin == o.ApprovalWithin)
	differ("on_insufficient_credit", l.OnNoCredit == o.OnNoCredit)
	differ("credit_within", l.CreditWithin == o.CreditWithin)
	differ("max_lateness", l.MaxLateness == o.MaxLateness)
	differ("on_late", l.OnLate == o.OnLate)
	differ("send_window", l.Window == o.Window)
	differ("agreed_quote_id", l.Agreed == o.Agreed)
}

// Policy is what the operator lays down for the campaigns of a source.
type Policy struct {
	// ApproveAbove is the total above which an approval is needed. Zero: none.
	ApproveAbove Money
	// Window is the send window of requests that name none. Empty: none.
	Window string
}

// Window says when messages may be sent. It is the port of the send windows: a window
// is data with a source and a date, not law in code.
type Window interface {
	// Open is the first instant, not before from, at which a sending of that length
	// fits whole. Why is a sentence that says why it is not from. An error says that it
	// never fits.
	Open(from time.Time, lasts time.Duration) (at time.Time, why string, err error)
}

// PolicyOf is the policy of the source, or else the one for all sources, "*".
func (r Rules) PolicyOf(source string) Policy {
	if p, ok := r.Policies[source]; ok {
		return p
	}
	return r.Policies["*"]
}

// within says that a quote costs no more than an amount in the same currency.
// Amounts in two currencies cannot be compared, so the answer is no.
func (m Money) within(limit Money) bool {
	return m.Currency == limit.Currency && m.Amount.LessThanOrEqual(limit.Amount)
}

func (m Money) none() bool { return m.Currency == "" && m.Amount.Equal(decimal.Zero) }
