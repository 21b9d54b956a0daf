package campaign

import (
	"fmt"
	"time"

	"github.com/shopspring/decimal"
)

// Status is the gateway's own word for where its campaign stands.
type Status string

const (
	StatusUnconfirmed Status = "UNCONFIRMED" // DRAFT, CONFIGURED, COST_CALCULATED, or 0
	StatusConfirmed   Status = "CONFIRMED"   // or 1
	StatusSending     Status = "SENDING"     // or 2
	StatusCompleted   Status = "COMPLETED"   // or 3
	StatusFailed      Status = "FAILED"      // or 4
	StatusUnknown     Status = "UNKNOWN"     // a word or number that is not documented
)

// Statuses lists every status.
var Statuses = []Status{StatusUnconfirmed, StatusConfirmed, StatusSending, StatusCompleted, StatusFailed, StatusUnknown}

// Stats is the gateway's statistic of one campaign at one moment.
type Stats struct {
	Status       Status              `json:"status"`
	Uncounted    bool                `json:"uncounted,omitempty"` // the gateway gave no counts: the next five fields mean nothing
	Total        int64               `json:"total"`
	Sent         int64               `json:"sent"`
	Delivered    int64               `json:"delivered"`
	Undelivered  int64               `json:"undelivered"`
	Pending      int64               `json:"pending"`
	DeliveryRate decimal.NullDecimal `json:"delivery_rate,omitzero"` // percent, 97.06; null: the gateway did not say
	Cost         Money               `json:"cost"`                   // without currency: the gateway did not say
	CompletedAt  time.Time           `json:"completed_at,omitzero"`
}

// Reconciled says that the statistic accounts for every recipient: each one
// was delivered or not delivered, and nothing is pending.
func (s Stats) Reconciled() bool {
	return !s.Uncounted && s.Pending == 0 && s.Delivered+s.Undelivered == s.Total
}

// Differs says how a statistic disagrees with the quote or with itself; empty: it does
// not. A nil quote is not known.
func (s Stats) Differs(q *Quote) string {
	sum := s.Delivered + s.Undelivered + s.Pending
	switch {
	case s.Uncounted:
		return "" // nothing to disagree with
	case q != nil && s.Total != q.Goal.Valid:
		return fmt.Sprintf("the gateway counts %d recipients, the quote had %d", s.Total, q.Goal.Valid)
	case sum != s.Total:
		return fmt.Sprintf("delivered, undelivered and pending are %d together, the total is %d", sum, s.Total)
	}
	return ""
}

// before says that a statistic is older than another one of the campaign:
// what was sent stays sent.
func (s Stats) before(o Stats) bool {
	return s.Sent < o.Sent || s.Delivered+s.Undelivered < o.Delivered+o.Undelivered ||
		s.Status == StatusConfirmed && o.Status != StatusConfirmed
}

// Same says that two statistics have nothing different to publish.
func (s Stats) Same(o Stats) bool {
	return s.Status == o.Status && s.Uncounted == o.Uncounted && s.Total == o.Total && s.Sent == o.Sent &&
		s.Delivered == o.Delivered && s.Undelivered == o.Undelivered && s.Pending == o.Pending &&
		s.DeliveryRate.Valid == o.DeliveryRate.Valid && s.DeliveryRate.Decimal.Equal(o.DeliveryRate.Decimal) && s.Cost.Equal(o.Cost) && s.CompletedAt.Equal(o.CompletedAt)
}
