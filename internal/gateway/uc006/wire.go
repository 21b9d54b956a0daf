package uc006

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

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
	ID wholeNumber `json:"id"`
}

func (a *created) decode(body []byte, _ int64) error {
	if err := json.Unmarshal(body, a); err != nil {
		*a = created{}
		return err
	}
	if a.ID.n <= 0 {
		*a = created{}
		return errors.New("it names no campaign id")
	}
	return nil
}

// accepted is the answer to configure, confirm and delete. The 2xx says that the call
// was taken, perhaps by a proxy; only the body can say what became of the campaign. A
// body that is empty or cannot be read says nothing. One that contradicts the 2xx is no
// success. A web page is the 2xx of a proxy or a portal on the way.
type accepted struct {
	ID          json.RawMessage `json:"id"`
	CampaignID  json.RawMessage `json:"campaignId"`
	Status      json.RawMessage `json:"status"`
	ConfirmedAt instant         `json:"confirmedAt"`

	// What configure was told, in the words of UC-006 and of the vendor's reference.
	Sender    maybe[string]        `json:"sender"`
	SMSSender maybe[string]        `json:"smsSender"`
	Text      maybe[string]        `json:"text"`
	SMSBody   maybe[string]        `json:"smsBody"`
	ListID    maybe[wholeNumber]   `json:"contactListId"`
	ListIDs   maybe[[]wholeNumber] `json:"contactListIds"`

	stands campaign.Status // empty: it does not say
}

func (a *accepted) decode(body []byte, id int64) error {
	if err := notAPage(body); err != nil {
		return err
	}
	if json.Unmarshal(body, a) != nil {
		*a = accepted{}
		return nil
	}
	if said := text(a.Status); strings.EqualFold(said, "fail") || strings.EqualFold(said, "error") {
		return errors.New("a success whose body says " + said)
	}
	for _, raw := range []json.RawMessage{a.ID, a.CampaignID} {
		var named wholeNumber
		if raw != nil && unmarshal(raw, &named) != nil {
			*a = accepted{} // it does not say which campaign it is about
			return nil
		}
		if err := sameCampaign(named, id); err != nil {
			return err
		}
	}
	var s status
	if a.Status != nil && unmarshal(a.Status, &s) == nil {
		a.stands = s.Status
	}
	return nil
}

// echo is what the answer repeats of what configure was told; nil: nothing.
func (a *accepted) echo() *campaign.Echo {
	e := campaign.Echo{Sender: a.Sender.pointer(), Text: a.Text.pointer()}
	if e.Sender == nil {
		e.Sender = a.SMSSender.pointer()
	}
	if e.Text == nil {
		e.Text = a.SMSBody.pointer()
	}
	switch ids := a.ListIDs.value; {
	case a.ListID.given:
		e.ListID = &a.ListID.value.n
	case len(ids) == 1 && ids[0].given:
		e.ListID = &ids[0].n
	}
	if e == (campaign.Echo{}) {
		return nil
	}
	return &e
}

// notAPage refuses a web page, which the gateway does not answer with.
func notAPage(body []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		return errors.New("it is a web page, which the gateway does not answer with")
	}
	return nil
}

// anyAnswer is the answer to the probe: from the gateway, whatever it says.
type anyAnswer struct{}

func (anyAnswer) decode(body []byte, _ int64) error { return notAPage(body) }

// goal is the answer to calculate.
type goal struct {
	ID      wholeNumber `json:"id"`
	Total   wholeNumber `json:"totalRecipients"` // everything in the list
	Valid   wholeNumber `json:"validRecipients"`
	Invalid wholeNumber `json:"invalidRecipients"`
	Parts   wholeNumber `json:"estimatedParts"`
}

func (a *goal) decode(body []byte, id int64) error {
	if err := json.Unmarshal(body, a); err != nil {
		return err
	}
	for _, n := range []wholeNumber{a.Total, a.Valid, a.Invalid, a.Parts} {
		if !n.given || n.n < 0 {
			return errors.New("it lacks totalRecipients, validRecipients, invalidRecipients or estimatedParts")
		}
	}
	return sameCampaign(a.ID, id)
}

// price is the answer to price. Its totalRecipients are the valid ones, unlike those of
// goal. An account that pays by invoice may have no credit to show: what counts is
// whether it is sufficient.
type price struct {
	ID         wholeNumber        `json:"id"`
	PerMessage amount             `json:"pricePerMessage"`
	Total      amount             `json:"totalPrice"`
	Currency   maybe[string]      `json:"currency"`
	Available  maybe[amount]      `json:"availableCredit"`
	Sufficient *bool              `json:"sufficient"`
	Recipients maybe[wholeNumber] `json:"totalRecipients"`

	offer campaign.Price
}

func (a *price) decode(body []byte, id int64) error {
	if err := json.Unmarshal(body, a); err != nil {
		return err
	}
	switch {
	case !a.PerMessage.given, !a.Total.given, a.Sufficient == nil, a.Currency.value == "":
		return errors.New("it lacks pricePerMessage, totalPrice, currency or sufficient")
	case a.PerMessage.IsNegative(), a.Total.IsNegative():
		return errors.New("it has a negative price")
	}
	a.offer.Sufficient = *a.Sufficient
	var err error
	if a.offer.PerMessage, err = campaign.NewMoney(a.PerMessage.Decimal, a.Currency.value); err != nil {
		return err
	}
	if a.offer.Total, err = campaign.NewMoney(a.Total.Decimal, a.Currency.value); err != nil {
		return err
	}
	if a.Available.value.given {
		a.offer.Available, _ = campaign.NewMoney(a.Available.value.Decimal, a.Currency.value) // otherwise it was not said
	}
	return sameCampaign(a.ID, id)
}

// standing is what a status read needs of a campaign, or of its statistics.
type standing struct {
	ID          wholeNumber   `json:"id"`
	CampaignID  wholeNumber   `json:"campaignId"`
	Status      status        `json:"status"`
	Name        maybe[string] `json:"name"`
	Description maybe[string] `json:"description"`

	read bool // there was an answer, whatever it shows
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
	a.read = true
	return err
}

// statistics is the answer to stats. Only the status is needed: what else cannot
// be read was not said. The counts are used all together or not at all.
type statistics struct {
	ID         wholeNumber   `json:"id"`
	CampaignID wholeNumber   `json:"campaignId"`
	Name       maybe[string] `json:"name"`
	Status     status        `json:"status"`
	Counts     maybe[counts] `json:"stats"`
	Cost       maybe[struct {
		Total    maybe[amount] `json:"totalCredits"`
		Currency maybe[string] `json:"currency"`
	}] `json:"cost"`
	CompletedAt instant `json:"completedAt"`
}

type counts struct {
	Total       maybe[wholeNumber] `json:"total"`
	Sent        maybe[wholeNumber] `json:"sent"`
	Delivered   maybe[wholeNumber] `json:"delivered"`
	Undelivered maybe[wholeNumber] `json:"undelivered"`
	Pending     maybe[wholeNumber] `json:"pending"`
	Rate        maybe[amount]      `json:"deliveryRate"`
}

func (a *statistics) decode(body []byte, id int64) error {
	if err := json.Unmarshal(body, a); err != nil {
		return err
	}
	if a.Status.Status == "" {
		return errors.New("it lacks the status")
	}
	return errors.Join(sameCampaign(a.ID, id), sameCampaign(a.CampaignID, id))
}

func (a *statistics) stats() campaign.Stats {
	s := campaign.Stats{Status: a.Status.Status, CompletedAt: a.CompletedAt.Time}
	if total := a.Cost.value.Total.value; total.given && !total.IsNegative() {
		s.Cost, _ = campaign.NewMoney(total.Decimal, a.Cost.value.Currency.value) // otherwise none was said
	}
	n := a.Counts.value
	for _, count := range []struct {
		said maybe[wholeNumber]
		into *int64
	}{{n.Total, &s.Total}, {n.Sent, &s.Sent}, {n.Delivered, &s.Delivered}, {n.Undelivered, &s.Undelivered}, {n.Pending, &s.Pending}} {
		if !count.said.given || count.said.value.n < 0 {
			s.Uncounted = true
		}
		*count.into = count.said.value.n
	}
	if s.Uncounted {
		s.Total, s.Sent, s.Delivered, s.Undelivered, s.Pending = 0, 0, 0, 0, 0
	}
	if rate := n.Rate.value; rate.given && !rate.IsNegative() && !rate.GreaterThan(decimal.NewFromInt(100)) {
		s.DeliveryRate = decimal.NewNullDecimal(rate.Decimal)
	}
	return s
}

// sameCampaign refuses an answer that names another campaign.
func sameCampaign(named wholeNumber, asked int64) error {
	if named.given && named.n != 0 && named.n != asked {
		return fmt.Errorf("it is about campaign %d, not %d", named.n, asked)
	}
	return nil
}
