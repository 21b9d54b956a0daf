package journal

import (
	"fmt"
	"time"

	"github.com/shopspring/decimal"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/internal/campaign"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// toProto is an event as the contract has it. Everything in it comes from the
// record, so that the same event is the same message whenever it is made.
func toProto(c campaign.Campaign, e campaign.Event) (proto.Message, error) {
	key, version, simulation := c.Key, int32(e.N), c.Request.Simulation
	missing := func(part string) error { return fmt.Errorf("a %s event without its %s", e.Type, part) }
	switch e.Type {
	case campaign.EventCostCalculated:
		if e.Quote == nil {
			return nil, missing("quote")
		}
		goal, price := e.Quote.Goal, e.Quote.Price
		return &campaignv1.CampaignCostCalculated{
			Source: key.Source, RequestId: key.RequestID, CampaignId: e.CampaignID, Version: version, Simulation: simulation,
			CalculatedAt:    stamp(e.Quote.At),
			TotalRecipients: goal.Total, ValidRecipients: goal.Valid, InvalidRecipients: goal.Invalid, Parts: goal.Parts,
			PricePerMessage: money(price.PerMessage), Total: money(price.Total),
			AvailableCredit: money(price.Available), Sufficient: price.Sufficient,
			QuoteId: e.QuoteID, Text: textReport(e.Text),
		}, nil
	case campaign.EventApprovalRequired:
		if e.Quote == nil || e.Hold == nil {
			return nil, missing("quote or hold")
		}
		return &campaignv1.CampaignApprovalRequired{
			Source: key.Source, RequestId: key.RequestID, CampaignId: e.CampaignID, Version: version, Simulation: simulation,
			AskedAt: stamp(e.Hold.Since), Until: stamp(e.Hold.Until), QuoteId: e.QuoteID, Why: e.Hold.Why,
			Recipients: e.Quote.Goal.Valid, Parts: e.Quote.Goal.Parts,
			PricePerMessage: money(e.Quote.Price.PerMessage), Total: money(e.Quote.Price.Total),
		}, nil
	case campaign.EventApproved:
		if e.Approval == nil {
			return nil, missing("approval")
		}
		a := e.Approval
		return &campaignv1.CampaignApproved{
			Source: key.Source, RequestId: key.RequestID, CampaignId: e.CampaignID, Version: version, Simulation: simulation,
			ApprovedAt: stamp(a.At), By: a.By, Actor: a.Actor, QuoteId: a.QuoteID,
			Recipients: a.Quote.Goal.Valid, Parts: a.Quote.Goal.Parts, Total: money(a.Quote.Price.Total),
		}, nil
	case campaign.EventDeferred:
		if e.Hold == nil {
			return nil, missing("hold")
		}
		return &campaignv1.CampaignDeferred{
			Source: key.Source, RequestId: key.RequestID, CampaignId: e.CampaignID, Version: version, Simulation: simulation,
			DeferredAt: stamp(e.Hold.Since), Until: stamp(e.Hold.Until), WaitsFor: waits[e.Hold.For], Why: e.Hold.Why,
		}, nil
	case campaign.EventConfirmed:
		if e.Confirmed == nil {
			return nil, missing("confirmation")
		}
		m := &campaignv1.CampaignConfirmed{
			Source: key.Source, RequestId: key.RequestID, CampaignId: e.CampaignID, Version: version, Simulation: simulation,
			ConfirmedAt: stamp(e.Confirmed.At),
			Start:       &campaignv1.CampaignConfirmed_Immediate{Immediate: true},
		}
		if q := e.Quote; q != nil { // a power cut can take the quote back, not the confirm
			m.Recipients, m.Total = q.Goal.Valid, money(q.Price.Total)
		}
		if a := e.Approval; a != nil {
			m.ApprovedBy, m.ApprovedActor, m.ApprovedQuoteId = a.By, a.Actor, a.QuoteID
		}
		if at := e.Confirmed.For; !at.IsZero() {
			m.Start = &campaignv1.CampaignConfirmed_ScheduledFor{ScheduledFor: stamp(at)}
		}
		return m, nil
	case campaign.EventStats:
		if e.Stats == nil {
			return nil, missing("statistics")
		}
		s := e.Stats
		if s.Uncounted { // whatever the record remembers, nobody said it
			s = &campaign.Stats{Status: s.Status, Uncounted: true, DeliveryRate: s.DeliveryRate, Cost: s.Cost, CompletedAt: s.CompletedAt}
		}
		return &campaignv1.CampaignStats{
			Source: key.Source, RequestId: key.RequestID, CampaignId: e.CampaignID, Version: version, Simulation: simulation,
			ReadAt: stamp(e.At), Status: statuses[s.Status],
			Total: s.Total, Sent: s.Sent, Delivered: s.Delivered, Undelivered: s.Undelivered, Pending: s.Pending,
			DeliveryRate: percentage(s.DeliveryRate), Cost: money(s.Cost), CompletedAt: stamp(s.CompletedAt),
			Last: e.Last, Reconciled: s.Reconciled() && e.Differs == "", Differs: e.Differs, Uncounted: s.Uncounted,
		}, nil
	}
	if e.Reason == nil {
		return nil, missing("reason")
	}
	why := e.Reason
	switch e.Type {
	case campaign.EventRejected:
		return &campaignv1.CampaignRejected{
			Source: key.Source, RequestId: key.RequestID, CampaignId: e.CampaignID, Version: version, Simulation: simulation,
			RejectedAt: stamp(e.At), Reason: rejections[why.Code], Step: steps[why.Step],
			Field: why.Field, Message: why.Message, GatewayMessage: why.Gateway, HttpStatus: int32(why.HTTP),
		}, nil
	case campaign.EventCancelled:
		m := &campaignv1.CampaignCancelled{
			Source: key.Source, RequestId: key.RequestID, CampaignId: e.CampaignID, Version: version, Simulation: simulation,
			CancelledAt: stamp(e.At), By: why.By, Actor: why.Actor,
		}
		if c.Cancel != nil {
			m.Reason = c.Cancel.Why
		}
		return m, nil
	case campaign.EventFailed:
		return &campaignv1.CampaignFailed{
			Source: key.Source, RequestId: key.RequestID, CampaignId: e.CampaignID, Version: version, Simulation: simulation,
			FailedAt: stamp(e.At), Reason: failures[why.Code], Message: why.Message,
		}, nil
	case campaign.EventUnresolved:
		return &campaignv1.CampaignUnresolved{
			Source: key.Source, RequestId: key.RequestID, CampaignId: e.CampaignID, Version: version, Simulation: simulation,
			UnresolvedAt: stamp(e.At), Since: stamp(firstConfirm(c, e)), Message: why.Message,
			WhatToDo: fmt.Sprintf("Look at campaign %s on the gateway's own page. If it was sent, or is being sent, say so: staffetta resolve %[2]s --sent --by YOUR-NAME. If it was not, delete it there and say that: staffetta resolve %[2]s --not-sent --by YOUR-NAME.", numbered(e.CampaignID, key), key),
		}, nil
	}
	return nil, fmt.Errorf("no message in the contract for an event of type %q", e.Type)
}

// numbered is what to look for at the gateway: the campaign's number, or its mark
// where no number is known.
func numbered(id int64, key campaign.Key) string {
	if id == 0 {
		return campaign.Mark(key)
	}
	return fmt.Sprint(id)
}

// firstConfirm is the earliest instant at which the campaign may have been
// confirmed, as far as the record remembers.
func firstConfirm(c campaign.Campaign, e campaign.Event) time.Time {
	for _, a := range c.Attempts {
		if a.Op == campaign.OpConfirm {
			return a.At
		}
	}
	return e.At
}

var statuses = map[campaign.Status]campaignv1.CampaignStats_Status{
	campaign.StatusConfirmed: campaignv1.CampaignStats_STATUS_CONFIRMED,
	campaign.StatusSending:   campaignv1.CampaignStats_STATUS_SENDING,
	campaign.StatusCompleted: campaignv1.CampaignStats_STATUS_COMPLETED,
	campaign.StatusFailed:    campaignv1.CampaignStats_STATUS_FAILED,
	campaign.StatusUnknown:   campaignv1.CampaignStats_STATUS_UNKNOWN,
	// A confirmed campaign that reads as a draft again: nothing in the
	// contract says so, because nothing the gateway documents does.
	campaign.StatusUnconfirmed: campaignv1.CampaignStats_STATUS_UNKNOWN,
}

var rejections = map[campaign.ReasonCode]campaignv1.CampaignRejected_Reason{
	campaign.ReasonNotGSM7:  campaignv1.CampaignRejected_REASON_TEXT_NOT_GSM7,
	campaign.ReasonTooLate:  campaignv1.CampaignRejected_REASON_TOO_LATE,
	campaign.ReasonExpired:  campaignv1.CampaignRejected_REASON_EXPIRED,
	campaign.ReasonNoCredit: campaignv1.CampaignRejected_REASON_INSUFFICIENT_CREDIT,
	campaign.ReasonRefused:  campaignv1.CampaignRejected_REASON_REFUSED_BY_GATEWAY,
	campaign.ReasonGaveUp:   campaignv1.CampaignRejected_REASON_GAVE_UP,
	campaign.ReasonNotSent:  campaignv1.CampaignRejected_REASON_NOT_SENT,

	campaign.ReasonTooManyParts: campaignv1.CampaignRejected_REASON_TOO_MANY_PARTS,
	campaign.ReasonOverMax:      campaignv1.CampaignRejected_REASON_OVER_MAX_TOTAL,
	campaign.ReasonOverBudget:   campaignv1.CampaignRejected_REASON_OVER_BUDGET,
	campaign.ReasonDeclined:     campaignv1.CampaignRejected_REASON_DECLINED,
	campaign.ReasonUnapproved:   campaignv1.CampaignRejected_REASON_NOT_APPROVED_IN_TIME,
	campaign.ReasonNoWindow:     campaignv1.CampaignRejected_REASON_NO_SEND_WINDOW,
	campaign.ReasonNobody:       campaignv1.CampaignRejected_REASON_NO_VALID_RECIPIENT,
	campaign.ReasonDiffers:      campaignv1.CampaignRejected_REASON_NOT_AS_ASKED,
}

var failures = map[campaign.ReasonCode]campaignv1.CampaignFailed_Reason{
	campaign.ReasonGateway:  campaignv1.CampaignFailed_REASON_GATEWAY_FAILED,
	campaign.ReasonVanished: campaignv1.CampaignFailed_REASON_VANISHED,
}

var steps = map[campaign.Op]campaignv1.CampaignRejected_Step{
	"":                   campaignv1.CampaignRejected_STEP_REQUEST,
	campaign.OpCreate:    campaignv1.CampaignRejected_STEP_CREATE,
	campaign.OpConfigure: campaignv1.CampaignRejected_STEP_CONFIGURE,
	campaign.OpCalculate: campaignv1.CampaignRejected_STEP_CALCULATE,
	campaign.OpPrice:     campaignv1.CampaignRejected_STEP_PRICE,
	campaign.OpAdmit:     campaignv1.CampaignRejected_STEP_CONFIRM,
	campaign.OpConfirm:   campaignv1.CampaignRejected_STEP_CONFIRM,
	campaign.OpStatus:    campaignv1.CampaignRejected_STEP_CONFIRM,
	campaign.OpDelete:    campaignv1.CampaignRejected_STEP_CONFIRM,
	campaign.OpReserve:   campaignv1.CampaignRejected_STEP_PRICE,
}

// fromProto is a validated request as the rules know it.
func fromProto(m *campaignv1.CampaignRequested) (campaign.Key, campaign.Request) {
	r := campaign.Request{
		Name: m.GetName(), Description: m.GetDescription(), Sender: m.GetSender(), Text: m.GetText(),
		ListID: m.GetContactListId(), Unicode: m.GetUnicode(), Simulation: m.GetSimulation(),
	}
	if at := m.GetAt(); at != nil {
		r.At = at.AsTime()
	}
	if at := m.GetExpiresAt(); at != nil {
		r.ExpiresAt = at.AsTime()
	}
	r.Limits = limits(m)
	return campaign.Key{Source: m.GetSource(), RequestID: m.GetRequestId()}, r
}

// limits are what a validated request asks for beyond being sent.
func limits(m *campaignv1.CampaignRequested) campaign.Limits {
	l := campaign.Limits{
		OnOverMax: choices[m.GetOnOverMax()], MaxParts: int(m.GetMaxPartsPerMessage()),
		Approval: m.GetNeedsApproval(), ApprovalWithin: m.GetApprovalWithin().AsDuration(),
		OnNoCredit: choices[m.GetOnInsufficientCredit()], CreditWithin: m.GetCreditWithin().AsDuration(),
		MaxLateness: m.GetMaxLateness().AsDuration(), OnLate: choices[m.GetOnLate()],
		Window: m.GetSendWindow(),
		Agreed: m.GetAgreedQuoteId(),
	}
	if most := m.GetMaxTotal(); most != nil {
		// Its form was validated at the door.
		l.MaxTotal = campaign.Money{Amount: decimal.RequireFromString(most.GetAmount()), Currency: most.GetCurrency()}
	}
	return l
}

// choices are what can be done at a limit. Reject is the default and is not
// written down, so that saying it and not saying it are the same request.
var choices = map[campaignv1.OnLimit]campaign.Choice{
	campaignv1.OnLimit_ON_LIMIT_ASK:  campaign.Ask,
	campaignv1.OnLimit_ON_LIMIT_WAIT: campaign.Wait,
}

var waits = map[campaign.HoldKind]campaignv1.CampaignDeferred_WaitsFor{
	campaign.HoldWindow: campaignv1.CampaignDeferred_WAITS_FOR_WINDOW,
	campaign.HoldCredit: campaignv1.CampaignDeferred_WAITS_FOR_CREDIT,
}

func textReport(t *campaign.TextReport) *campaignv1.CampaignCostCalculated_TextReport {
	if t == nil {
		return nil
	}
	return &campaignv1.CampaignCostCalculated_TextReport{
		Encoding: string(t.Encoding), Units: int32(t.Units), Parts: int32(t.Parts),
		OddCharacter: t.Odd, OddPosition: int32(t.Position), Substitute: t.Substitute, Differs: t.Differs,
		Advice: t.Advice, Placeholders: t.Placeholders, Lookalikes: t.Lookalikes,
	}
}

// stamp is nil for the zero time: the contract says absent, not year 1.
func stamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// percentage is a rate as the contract has it, with at most four decimals; the
// record keeps all that the gateway said. It is cut off and not rounded: 100 is
// said of nothing that is less. What can be no percentage is left out.
func percentage(said decimal.NullDecimal) string {
	rate := said.Decimal
	if !said.Valid || rate.IsNegative() || rate.GreaterThan(decimal.NewFromInt(100)) {
		return ""
	}
	return rate.Truncate(4).String()
}

// money is exact, with the decimals that people expect of an amount and those
// it has beyond them: 1500.00, 344.09, 0.035. Nil when nothing was said: an amount
// of no currency is none.
func money(m campaign.Money) *campaignv1.Money {
	if m.Currency == "" {
		return nil
	}
	return &campaignv1.Money{Amount: campaign.Plain(m.Amount), Currency: m.Currency}
}
