package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// What goes over the wire, in the words of UC-006.

type createBody struct {
	Name        string `json:"name"`
	Channel     string `json:"channel"`
	Description string `json:"description"`
	Simulation  bool   `json:"simulation,omitempty"`
}

type configureBody struct {
	Sender     string `json:"sender"`
	Text       string `json:"text"`
	ListID     int64  `json:"contactListId"`
	Unicode    bool   `json:"unicode"`
	Simulation bool   `json:"simulation,omitempty"`
}

type confirmBody struct {
	Immediately bool   `json:"sendImmediately,omitempty"`
	Scheduled   string `json:"scheduledDate,omitempty"`
	Simulation  bool   `json:"simulation,omitempty"`
}

// encode writes JSON without the escapes that only a browser needs.
func encode(v any) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // strings, numbers and booleans: there is nothing to refuse
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

// created is the answer to create.
type created struct {
	ID int64 `json:"id"`
}

func (a *created) decode(body []byte, _ int64) error {
	if err := json.Unmarshal(body, a); err != nil {
		*a = created{}
		return err
	}
	if a.ID <= 0 {
		a.ID = 0
		return errors.New("it names no campaign id")
	}
	return nil
}

// accepted is the answer to configure, confirm and delete, from which nothing is
// needed: the 2xx says that it happened, and a body that is empty or cannot be
// read does not unsay it. One that can be read and contradicts it does, and a web
// page is the 2xx of somebody else: a proxy or a portal on the way.
type accepted struct {
	ID          int64           `json:"id"`
	Status      json.RawMessage `json:"status"`
	ConfirmedAt instant         `json:"confirmedAt"`
}

func (a *accepted) decode(body []byte, id int64) error {
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		return errors.New("it is a web page, which the gateway does not answer with")
	}
	if json.Unmarshal(body, a) != nil {
		*a = accepted{}
		return nil
	}
	if s := string(a.Status); s == `"fail"` || s == `"error"` {
		return errors.New("a success whose body says " + s)
	}
	return sameCampaign(a.ID, id)
}

// goal is the answer to calculate. Every count starts at -1: absent is not zero.
type goal struct {
	ID      int64 `json:"id"`
	Total   int64 `json:"totalRecipients"` // everything in the list
	Valid   int64 `json:"validRecipients"`
	Invalid int64 `json:"invalidRecipients"`
	Parts   int64 `json:"estimatedParts"`
}

func (a *goal) decode(body []byte, id int64) error {
	if err := json.Unmarshal(body, a); err != nil {
		return err
	}
	if a.Total < 0 || a.Valid < 0 || a.Invalid < 0 || a.Parts < 0 {
		return errors.New("it lacks totalRecipients, validRecipients, invalidRecipients or estimatedParts")
	}
	return sameCampaign(a.ID, id)
}

// price is the answer to price. Its totalRecipients are the valid ones, unlike
// those of goal, and are not read.
type price struct {
	ID         int64  `json:"id"`
	PerMessage amount `json:"pricePerMessage"`
	Total      amount `json:"totalPrice"`
	Currency   string `json:"currency"`
	Available  amount `json:"availableCredit"`
	Sufficient *bool  `json:"sufficient"`
}

func (a *price) decode(body []byte, id int64) error {
	if err := json.Unmarshal(body, a); err != nil {
		return err
	}
	switch {
	case !a.PerMessage.given, !a.Total.given, !a.Available.given, a.Sufficient == nil, a.Currency == "":
		return errors.New("it lacks pricePerMessage, totalPrice, currency, availableCredit or sufficient")
	case a.PerMessage.IsNegative(), a.Total.IsNegative():
		return errors.New("it has a negative price")
	}
	return sameCampaign(a.ID, id)
}

func (a *price) money(m amount) campaign.Money {
	return campaign.Money{Amount: m.Decimal, Currency: a.Currency}
}

// standing is what a status read needs of a campaign, or of its statistics.
type standing struct {
	ID         int64  `json:"id"`
	CampaignID int64  `json:"campaignId"`
	Status     status `json:"status"`
}

func (a *standing) decode(body []byte, id int64) error {
	*a = standing{}
	err := json.Unmarshal(body, a)
	if err == nil && a.Status.Status == "" {
		err = errors.New("it lacks the status")
	}
	if err == nil {
		err = errors.Join(sameCampaign(a.ID, id), sameCampaign(a.CampaignID, id))
	}
	if err != nil {
		*a = standing{}
	}
	return err
}

// statistics is the answer to stats. Before anything is sent the counts may be
// missing altogether; some of them may never be missing among the others.
type statistics struct {
	ID     int64  `json:"campaignId"`
	Status status `json:"status"`
	Counts *struct {
		counts
		Rate amount `json:"deliveryRate"`
	} `json:"stats"`
	Cost struct {
		Total    amount `json:"totalCredits"`
		Currency string `json:"currency"`
	} `json:"cost"`
	CompletedAt instant `json:"completedAt"`
}

type counts struct {
	Total       *int64 `json:"total"`
	Sent        *int64 `json:"sent"`
	Delivered   *int64 `json:"delivered"`
	Undelivered *int64 `json:"undelivered"`
	Pending     *int64 `json:"pending"`
}

func (a *statistics) decode(body []byte, id int64) error {
	if err := json.Unmarshal(body, a); err != nil {
		return err
	}
	switch {
	case a.Status.Status == "":
		return errors.New("it lacks the status")
	case a.Counts == nil && a.Status.Status == campaign.StatusCompleted:
		return errors.New("it lacks the counts of a completed campaign")
	case a.Counts != nil:
		for _, n := range []*int64{a.Counts.Total, a.Counts.Sent, a.Counts.Delivered, a.Counts.Undelivered, a.Counts.Pending} {
			if n == nil || *n < 0 {
				return errors.New("it lacks total, sent, delivered, undelivered or pending")
			}
		}
	}
	return sameCampaign(a.ID, id)
}

func (a *statistics) stats() campaign.Stats {
	s := campaign.Stats{Status: a.Status.Status, CompletedAt: a.CompletedAt.Time}
	if c := a.Cost; c.Total.given && c.Currency != "" && !c.Total.IsNegative() {
		s.Cost = campaign.Money{Amount: c.Total.Decimal, Currency: c.Currency} // else none was said
	}
	if n := a.Counts; n != nil {
		s.Total, s.Sent, s.Delivered = *n.Total, *n.Sent, *n.Delivered
		s.Undelivered, s.Pending, s.DeliveryRate = *n.Undelivered, *n.Pending, decimal.NullDecimal{Decimal: n.Rate.Decimal, Valid: n.Rate.given}
	}
	return s
}

// sameCampaign refuses an answer that names somebody else.
func sameCampaign(named, asked int64) error {
	if named != 0 && named != asked {
		return fmt.Errorf("it is about campaign %d, not %d", named, asked)
	}
	return nil
}
