package campaign

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Summary is what a list says of a campaign beside its state. It follows from the
// record alone, and is stored beside it, so that a list reads no record.
type Summary struct {
	Name       string    `json:"name,omitempty"` // as it was asked for; cut short in a list
	Asked      time.Time `json:"asked,omitzero"` // when the request was first stored
	When       time.Time `json:"when,omitzero"`  // when it was, or is to be, sent; zero: at once, and it is not confirmed yet
	Recipients int64     `json:"recipients,omitempty"`
	Cost       *Money    `json:"cost,omitempty"` // what the gateway counted, or else the quote; nil: not known yet
	// Sent of Total messages have left; Total is zero as long as nothing is known of it.
	Sent       int64      `json:"sent,omitempty"`
	Total      int64      `json:"total,omitempty"`
	Delivered  int64      `json:"delivered,omitempty"`
	PerMinute  int64      `json:"per_minute,omitempty"` // messages, while it is being sent
	Reason     ReasonCode `json:"reason,omitempty"`
	Simulation bool       `json:"simulation,omitempty"` // nobody gets a message
	Account    string     `json:"account,omitempty"`    // where there are several, once it has a draft

	Labels map[string]string `json:"labels,omitempty"` // of the request
}

// Summary is the campaign's.
func (c Campaign) Summary() Summary {
	s := Summary{Name: c.Request.Name, Asked: c.RequestedAt, When: c.Request.At, Simulation: c.Request.Simulation, Account: c.Account, Labels: c.Request.Labels}
	if !c.NotBefore.IsZero() {
		s.When = c.NotBefore
	}
	if c.Confirmed != nil {
		if s.When = c.Confirmed.For; s.When.IsZero() {
			s.When = c.Confirmed.At
		}
	}
	if q := c.Quote; q != nil {
		s.Recipients = q.Goal.Valid
		if q.Price.Total.Currency != "" {
			s.Cost = &q.Price.Total
		}
	}
	if st := c.Stats; st != nil {
		if !st.Uncounted {
			s.Sent, s.Total, s.Delivered = st.Sent, st.Total, st.Delivered
		}
		// What a simulation cost is nothing; what it would have cost says the quote.
		if st.Cost.Currency != "" && !s.Simulation {
			s.Cost = &st.Cost
		}
	}
	if p := c.Progress; p != nil && c.State == Sending {
		s.PerMinute = p.PerMinute
	}
	if c.Reason != nil {
		s.Reason = c.Reason.Code
	}
	return s
}

// Line is the summary on one line, as it stands beside the record: names and values,
// those that are zero left out, the campaign's name last because it may have spaces. JSON
// takes nine times as long to read, and a list reads a million.
func (s Summary) Line() string {
	b := make([]byte, 0, 256)
	instant := func(name string, at time.Time) {
		if !at.IsZero() {
			b = append(append(b, name...), '=')
			b = append(at.UTC().AppendFormat(b, time.RFC3339Nano), ' ')
		}
	}
	count := func(name string, n int64) {
		if n != 0 {
			b = append(append(b, name...), '=')
			b = append(strconv.AppendInt(b, n, 10), ' ')
		}
	}
	instant("asked", s.Asked)
	instant("when", s.When)
	count("recipients", s.Recipients)
	if s.Cost != nil {
		b = fmt.Appendf(b, "cost=%s%s ", s.Cost.Amount, s.Cost.Currency)
	}
	count("sent", s.Sent)
	count("total", s.Total)
	count("delivered", s.Delivered)
	count("per_minute", s.PerMinute)
	if s.Reason != "" {
		b = fmt.Appendf(b, "reason=%s ", s.Reason)
	}
	if s.Account != "" {
		b = append(append(append(b, "account="...), s.Account...), ' ')
	}
	if s.Simulation {
		b = append(b, "simulation=yes "...)
	}
	if len(s.Labels) > 0 {
		b = append(append(append(b, "labels="...), encoded(s.Labels)...), ' ')
	}
	if s.Name != "" {
		b = append(append(b, "name="...), s.Name...)
	}
	return strings.TrimSuffix(string(b), " ")
}

// encoded writes labels without a space, in the order of their names.
func encoded(labels map[string]string) string {
	values := url.Values{}
	for name, value := range labels {
		values.Set(name, value)
	}
	return values.Encode()
}

// decoded reads what encoded wrote.
func decoded(text string) (map[string]string, error) {
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, err
	}
	labels := make(map[string]string, len(values))
	for name := range values {
		labels[name] = values.Get(name)
	}
	return labels, nil
}

// ParseSummary reads what Line wrote, of a later version too: it passes over names that
// it does not know.
func ParseSummary(line string) (s Summary, err error) {
	for line != "" && err == nil {
		var name, value string
		name, line, _ = strings.Cut(line, "=")
		if name == "name" {
			s.Name = line
			return s, nil
		}
		value, line, _ = strings.Cut(line, " ")
		switch name {
		case "asked":
			s.Asked, err = time.Parse(time.RFC3339Nano, value)
		case "when":
			s.When, err = time.Parse(time.RFC3339Nano, value)
		case "recipients":
			s.Recipients, err = strconv.ParseInt(value, 10, 64)
		case "cost":
			// A currency is three letters.
			at := max(0, len(value)-3)
			s.Cost = &Money{Currency: value[at:]}
			s.Cost.Amount, err = decimal.NewFromString(value[:at])
		case "sent":
			s.Sent, err = strconv.ParseInt(value, 10, 64)
		case "total":
			s.Total, err = strconv.ParseInt(value, 10, 64)
		case "delivered":
			s.Delivered, err = strconv.ParseInt(value, 10, 64)
		case "per_minute":
			s.PerMinute, err = strconv.ParseInt(value, 10, 64)
		case "reason":
			s.Reason = ReasonCode(value)
		case "account":
			s.Account = value
		case "labels":
			s.Labels, err = decoded(value)
		case "simulation":
			s.Simulation = value == "yes"
		}
	}
	if err != nil {
		return s, fmt.Errorf("the summary of a record: %w", err)
	}
	return s, nil
}
