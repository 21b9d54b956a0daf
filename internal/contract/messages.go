package contract

import (
	"fmt"
	"reflect"
	"time"

	"github.com/shopspring/decimal"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/sms"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// message is how events of one type stand in the contract: made of an event, and read
// back into one. What every event says of its campaign is none of its business.
type message struct {
	kind protoreflect.MessageType
	to   func(campaign.Campaign, campaign.Event) (proto.Message, error)
	from func(proto.Message, *campaign.Event)
	own  own
}

// own is where a Go type of the contract has the fields that every event has. Protobuf's own reflection would make a value on the heap for each.
type own struct{ source, requestID, campaignID, version, simulation []int }

// ownOf finds them. A type that lacks one is no event, and is found at the start.
func ownOf(t reflect.Type) own {
	at := func(name string) []int {
		field, there := t.FieldByName(name)
		if !there {
			panic(fmt.Sprintf("%s has no %s, as every event has", t, name))
		}
		return field.Index
	}
	return own{at("Source"), at("RequestId"), at("CampaignId"), at("Version"), at("Simulation")}
}

// say sets what every event says of its campaign.
func (o own) say(m proto.Message, c campaign.Campaign, e campaign.Event) {
	said := reflect.ValueOf(m).Elem()
	said.FieldByIndex(o.source).SetString(c.Key.Source)
	said.FieldByIndex(o.requestID).SetString(c.Key.RequestID)
	said.FieldByIndex(o.campaignID).SetInt(e.CampaignID)
	said.FieldByIndex(o.version).SetInt(int64(e.N))
	said.FieldByIndex(o.simulation).SetBool(c.Request.Simulation)
}

// messages has a row for each of [campaign.EventTypes]: a test holds it to that, and to
// the contract.
var messages = map[campaign.EventType]message{
	campaign.EventAudiencePrepared: messageOf(toAudiencePrepared, fromAudiencePrepared),
	campaign.EventCostCalculated:   messageOf(toCostCalculated, fromCostCalculated),
	campaign.EventApprovalRequired: messageOf(toApprovalRequired, fromApprovalRequired),
	campaign.EventApproved:         messageOf(toApproved, fromApproved),
	campaign.EventDeferred:         messageOf(toDeferred, fromDeferred),
	campaign.EventConfirmed:        messageOf(toConfirmed, fromConfirmed),
	campaign.EventStats:            messageOf(toStats, fromStats),
	campaign.EventRejected:         messageOf(toRejected, fromRejected),
	campaign.EventCancelled:        messageOf(toCancelled, fromCancelled),
	campaign.EventFailed:           messageOf(toFailed, fromFailed),
	campaign.EventUnresolved:       messageOf(toUnresolved, fromUnresolved),
}

func messageOf[M proto.Message](to func(campaign.Campaign, campaign.Event) (M, error), from func(M, *campaign.Event)) message {
	var none M
	return message{
		kind: none.ProtoReflect().Type(),
		to:   func(c campaign.Campaign, e campaign.Event) (proto.Message, error) { return to(c, e) },
		from: func(m proto.Message, e *campaign.Event) { from(m.(M), e) },
		own:  ownOf(reflect.TypeFor[M]().Elem()),
	}
}

// ToProto is an event as the contract has it. Everything in it comes from the
// record, so that the same event is the same message whenever it is made.
func ToProto(c campaign.Campaign, e campaign.Event) (proto.Message, error) {
	row, known := messages[e.Type]
	if !known {
		return nil, fmt.Errorf("no message in the contract for an event of type %q", e.Type)
	}
	if e.Reason == nil && len(reasonsIn(e.Type)) > 0 {
		return nil, without(e, "reason")
	}
	m, err := row.to(c, e)
	if err != nil {
		return nil, err
	}
	row.own.say(m, c, e)
	said, fields := m.ProtoReflect(), row.kind.Descriptor().Fields()
	if e.Account != "" {
		said.Set(fields.ByName("account"), protoreflect.ValueOfString(e.Account))
	}
	for name, value := range c.Request.Labels {
		m.ProtoReflect().Mutable(row.kind.Descriptor().Fields().ByName("labels")).Map().Set(protoreflect.ValueOfString(name).MapKey(), protoreflect.ValueOfString(value))
	}
	return m, nil
}

// without is an event that lacks a part of its type: a mistake of the rules.
func without(e campaign.Event, part string) error {
	return fmt.Errorf("a %s event without its %s", e.Type, part)
}

func toAudiencePrepared(_ campaign.Campaign, e campaign.Event) (*campaignv1.CampaignAudiencePrepared, error) {
	if e.Prepared == nil {
		return nil, without(e, "figures")
	}
	p := e.Prepared
	m := &campaignv1.CampaignAudiencePrepared{
		PreparedAt: Stamp(e.At), Given: p.Given, Sent: p.Sent, Digest: p.Digest,
		Malformed: p.Malformed, Duplicates: p.Duplicate, Suppressed: p.Suppressed, Lacking: p.Lacking,
	}
	if v := p.Version; v != (campaign.Version{}) {
		m.VersionTaken = &campaignv1.TakenVersion{Name: v.Name, Sha256: v.Digest, AsOf: Stamp(v.AsOf)}
	}
	return m, nil
}

func fromAudiencePrepared(m *campaignv1.CampaignAudiencePrepared, e *campaign.Event) {
	e.Prepared = &campaign.Prepared{
		Given: m.GetGiven(), Sent: m.GetSent(), Digest: m.GetDigest(),
		Malformed: m.GetMalformed(), Duplicate: m.GetDuplicates(), Suppressed: m.GetSuppressed(), Lacking: m.GetLacking(),
	}
	if v := m.GetVersionTaken(); v != nil {
		e.Prepared.Version = campaign.Version{Name: v.GetName(), Digest: v.GetSha256(), AsOf: v.GetAsOf().AsTime()}
	}
}

func toCostCalculated(_ campaign.Campaign, e campaign.Event) (*campaignv1.CampaignCostCalculated, error) {
	if e.Quote == nil {
		return nil, without(e, "quote")
	}
	goal, price := e.Quote.Goal, e.Quote.Price
	return &campaignv1.CampaignCostCalculated{
		CalculatedAt:    Stamp(e.Quote.At),
		TotalRecipients: goal.Total, ValidRecipients: goal.Valid, InvalidRecipients: goal.Invalid, Parts: goal.Parts,
		PricePerMessage: money(price.PerMessage), Total: money(price.Total),
		AvailableCredit: money(price.Available), Sufficient: price.Sufficient,
		QuoteId: e.QuoteID, Text: textReport(e.Text),
	}, nil
}

func fromCostCalculated(m *campaignv1.CampaignCostCalculated, e *campaign.Event) {
	e.Quote = &campaign.Quote{
		N: e.N, At: instant(m.GetCalculatedAt()),
		Goal: campaign.Goal{Total: m.GetTotalRecipients(), Valid: m.GetValidRecipients(), Invalid: m.GetInvalidRecipients(), Parts: m.GetParts()},
		Price: campaign.Price{PerMessage: amount(m.GetPricePerMessage()), Total: amount(m.GetTotal()),
			Available: amount(m.GetAvailableCredit()), Sufficient: m.GetSufficient()},
	}
	e.QuoteID = m.GetQuoteId()
	if t := m.GetText(); t != nil {
		e.Text = &campaign.TextReport{
			Encoding: sms.Encoding(t.GetEncoding()), Units: int(t.GetUnits()), Parts: int(t.GetParts()),
			Odd: t.GetOddCharacter(), Position: int(t.GetOddPosition()), Substitute: t.GetSubstitute(), Differs: t.GetDiffers(),
			Advice: t.GetAdvice(), Placeholders: t.GetPlaceholders(), Lookalikes: t.GetLookalikes(),
		}
	}
}

func toApprovalRequired(_ campaign.Campaign, e campaign.Event) (*campaignv1.CampaignApprovalRequired, error) {
	if e.Quote == nil || e.Need == nil {
		return nil, without(e, "quote or hold")
	}
	return &campaignv1.CampaignApprovalRequired{
		AskedAt: Stamp(e.Need.Since), Until: Stamp(e.Need.Until), QuoteId: e.QuoteID, Why: e.Need.Why,
		Recipients: e.Quote.Goal.Valid, Parts: e.Quote.Goal.Parts,
		PricePerMessage: money(e.Quote.Price.PerMessage), Total: money(e.Quote.Price.Total),
	}, nil
}

func fromApprovalRequired(m *campaignv1.CampaignApprovalRequired, e *campaign.Event) {
	e.QuoteID = m.GetQuoteId()
	e.Quote = &campaign.Quote{
		Goal:  campaign.Goal{Valid: m.GetRecipients(), Parts: m.GetParts()},
		Price: campaign.Price{PerMessage: amount(m.GetPricePerMessage()), Total: amount(m.GetTotal())},
	}
	e.Need = &campaign.Need{For: campaign.NeedApproval, Why: m.GetWhy(), Since: instant(m.GetAskedAt()), Until: instant(m.GetUntil())}
}

func toApproved(_ campaign.Campaign, e campaign.Event) (*campaignv1.CampaignApproved, error) {
	if e.Approval == nil {
		return nil, without(e, "approval")
	}
	a := e.Approval
	return &campaignv1.CampaignApproved{
		ApprovedAt: Stamp(a.At), By: a.By, Actor: a.Actor, QuoteId: a.QuoteID,
		Recipients: a.Quote.Goal.Valid, Parts: a.Quote.Goal.Parts, Total: money(a.Quote.Price.Total),
		ProofRequestId: a.Proof,
	}, nil
}

func fromApproved(m *campaignv1.CampaignApproved, e *campaign.Event) {
	e.QuoteID = m.GetQuoteId()
	e.Approval = &campaign.Approval{QuoteID: e.QuoteID, By: m.GetBy(), Actor: m.GetActor(), At: instant(m.GetApprovedAt()), Proof: m.GetProofRequestId(), Quote: campaign.Quote{
		Goal: campaign.Goal{Valid: m.GetRecipients(), Parts: m.GetParts()}, Price: campaign.Price{Total: amount(m.GetTotal())}}}
}

func toDeferred(_ campaign.Campaign, e campaign.Event) (*campaignv1.CampaignDeferred, error) {
	if e.Need == nil {
		return nil, without(e, "hold")
	}
	waitsFor, err := wordOf(waits, e.Need.For)
	return &campaignv1.CampaignDeferred{
		DeferredAt: Stamp(e.Need.Since), Until: Stamp(e.Need.Until), WaitsFor: waitsFor, Why: e.Need.Why,
	}, err
}

func fromDeferred(m *campaignv1.CampaignDeferred, e *campaign.Event) {
	e.Need = &campaign.Need{For: codeOf(waits, m.GetWaitsFor()), Why: m.GetWhy(), Since: instant(m.GetDeferredAt()), Until: instant(m.GetUntil())}
}

func toConfirmed(_ campaign.Campaign, e campaign.Event) (*campaignv1.CampaignConfirmed, error) {
	if e.Confirmed == nil {
		return nil, without(e, "confirmation")
	}
	m := &campaignv1.CampaignConfirmed{
		ConfirmedAt: Stamp(e.Confirmed.At),
		Start:       &campaignv1.CampaignConfirmed_Immediate{Immediate: true},
	}
	if q := e.Quote; q != nil { // a power cut can take the quote back, not the confirm
		m.Recipients, m.Total = q.Goal.Valid, money(q.Price.Total)
	}
	if a := e.Approval; a != nil {
		m.ApprovedBy, m.ApprovedActor, m.ApprovedQuoteId = a.By, a.Actor, a.QuoteID
	}
	if at := e.Confirmed.For; !at.IsZero() {
		m.Start = &campaignv1.CampaignConfirmed_ScheduledFor{ScheduledFor: Stamp(at)}
	}
	return m, nil
}

func fromConfirmed(m *campaignv1.CampaignConfirmed, e *campaign.Event) {
	e.Confirmed = &campaign.Confirmation{At: instant(m.GetConfirmedAt()), For: instant(m.GetScheduledFor())}
	e.Quote = &campaign.Quote{Goal: campaign.Goal{Valid: m.GetRecipients()}, Price: campaign.Price{Total: amount(m.GetTotal())}}
	if by := m.GetApprovedBy(); by != "" {
		e.Approval = &campaign.Approval{By: by, Actor: m.GetApprovedActor(), QuoteID: m.GetApprovedQuoteId()}
	}
}

func toStats(_ campaign.Campaign, e campaign.Event) (*campaignv1.CampaignStats, error) {
	if e.Stats == nil {
		return nil, without(e, "statistics")
	}
	s := e.Stats
	if s.Uncounted { // whatever the record remembers, nobody said it
		s = &campaign.Stats{Status: s.Status, Uncounted: true, DeliveryRate: s.DeliveryRate, Cost: s.Cost, CompletedAt: s.CompletedAt}
	}
	return &campaignv1.CampaignStats{
		ReadAt: Stamp(e.At), Status: statuses[s.Status],
		Total: s.Total, Sent: s.Sent, Delivered: s.Delivered, Undelivered: s.Undelivered, Pending: s.Pending,
		DeliveryRate: percentage(s.DeliveryRate), Cost: money(s.Cost), CompletedAt: Stamp(s.CompletedAt),
		Last: e.Last, Reconciled: s.Reconciled() && e.Differs == "", Differs: e.Differs, Uncounted: s.Uncounted,
	}, nil
}

func fromStats(m *campaignv1.CampaignStats, e *campaign.Event) {
	rate, err := decimal.NewFromString(m.GetDeliveryRate())
	e.Last, e.Differs = m.GetLast(), m.GetDiffers()
	e.Stats = &campaign.Stats{
		Status: statusOf(m.GetStatus()), Uncounted: m.GetUncounted(), Total: m.GetTotal(), Sent: m.GetSent(), Delivered: m.GetDelivered(),
		Undelivered: m.GetUndelivered(), Pending: m.GetPending(), DeliveryRate: decimal.NullDecimal{Decimal: rate, Valid: err == nil}, Cost: amount(m.GetCost()),
		CompletedAt: instant(m.GetCompletedAt()),
	}
}

func toRejected(_ campaign.Campaign, e campaign.Event) (*campaignv1.CampaignRejected, error) {
	why := e.Reason
	reason, err := wordOf(rejections, why.Code)
	return &campaignv1.CampaignRejected{
		RejectedAt: Stamp(e.At), Reason: reason, Step: steps[why.Step],
		Field: why.Field, Message: why.Message, GatewayMessage: why.Gateway, HttpStatus: int32(why.HTTP),
	}, err
}

func fromRejected(m *campaignv1.CampaignRejected, e *campaign.Event) {
	e.Reason = &campaign.Reason{Code: codeOf(rejections, m.GetReason()), Step: stepOf(m.GetStep()), Field: m.GetField(),
		Message: m.GetMessage(), Gateway: m.GetGatewayMessage(), HTTP: int(m.GetHttpStatus())}
}

func toCancelled(c campaign.Campaign, e campaign.Event) (*campaignv1.CampaignCancelled, error) {
	m := &campaignv1.CampaignCancelled{CancelledAt: Stamp(e.At), By: e.Reason.By, Actor: e.Reason.Actor}
	if c.Cancel != nil {
		m.Reason = c.Cancel.Why
	}
	return m, nil
}

func fromCancelled(m *campaignv1.CampaignCancelled, e *campaign.Event) {
	e.Reason = &campaign.Reason{Code: campaign.ReasonCancelled, By: m.GetBy(), Actor: m.GetActor(), Message: m.GetReason()}
}

func toFailed(_ campaign.Campaign, e campaign.Event) (*campaignv1.CampaignFailed, error) {
	why := e.Reason
	reason, err := wordOf(failures, why.Code)
	return &campaignv1.CampaignFailed{FailedAt: Stamp(e.At), Reason: reason, Message: why.Message}, err
}

func fromFailed(m *campaignv1.CampaignFailed, e *campaign.Event) {
	e.Reason = &campaign.Reason{Code: codeOf(failures, m.GetReason()), Message: m.GetMessage()}
}

func toUnresolved(c campaign.Campaign, e campaign.Event) (*campaignv1.CampaignUnresolved, error) {
	return &campaignv1.CampaignUnresolved{
		UnresolvedAt: Stamp(e.At), Since: Stamp(firstConfirm(c, e)), Message: e.Reason.Message,
		WhatToDo: fmt.Sprintf("Look at campaign %s on the gateway's own page. If it was sent, or is being sent, say so: staffetta resolve %[2]s --sent --by YOUR-NAME. If it was not, delete it there and say that: staffetta resolve %[2]s --not-sent --by YOUR-NAME.", numbered(e.CampaignID, c.Key), c.Key),
	}, nil
}

func fromUnresolved(m *campaignv1.CampaignUnresolved, e *campaign.Event) {
	e.Reason = &campaign.Reason{Code: campaign.ReasonUnverifiable, Message: m.GetMessage()}
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
