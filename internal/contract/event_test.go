package contract_test

import (
	"strings"
	"testing"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

func instant(clock string) *timestamppb.Timestamp {
	at, err := time.Parse(time.TimeOnly, clock)
	if err != nil {
		panic(err)
	}
	return timestamppb.New(at.AddDate(2026, 3, 8)) // 2026-04-09, the day of UC-006
}

func euro(amount string) *campaignv1.Money {
	return &campaignv1.Money{Amount: amount, Currency: "EUR"}
}

// The events of UC-006's campaign, and what they might have been.

func costCalculated() *campaignv1.CampaignCostCalculated {
	return &campaignv1.CampaignCostCalculated{
		Source: "shop-italia", RequestId: "black-friday-2026", CampaignId: 1542, Version: 1,
		CalculatedAt:    instant("09:03:00"),
		TotalRecipients: 10247, ValidRecipients: 9831, InvalidRecipients: 416, Parts: 9831,
		PricePerMessage: euro("0.035"), Total: euro("344.09"), AvailableCredit: euro("1500.00"),
		Sufficient: true,
	}
}

func approvalRequired() *campaignv1.CampaignApprovalRequired {
	return &campaignv1.CampaignApprovalRequired{
		Source: "shop-italia", RequestId: "black-friday-2026", CampaignId: 1542, Version: 1,
		AskedAt: instant("09:03:00"), Until: instant("21:03:00"), QuoteId: "965266dd25f8002b",
		Recipients: 9831, Parts: 9831, PricePerMessage: euro("0.035"), Total: euro("344.09"),
		Why: "it costs 344.09 EUR, more than the request's max_total of 300.00 EUR",
	}
}

func approved() *campaignv1.CampaignApproved {
	return &campaignv1.CampaignApproved{
		Source: "shop-italia", RequestId: "black-friday-2026", CampaignId: 1542, Version: 1,
		ApprovedAt: instant("09:30:00"), By: "maria", QuoteId: "965266dd25f8002b",
		Recipients: 9831, Parts: 9831, Total: euro("344.09"),
	}
}

func audiencePrepared() *campaignv1.CampaignAudiencePrepared {
	return &campaignv1.CampaignAudiencePrepared{
		Source: "shop-italia", RequestId: "black-friday-2026", Version: 1, PreparedAt: instant("06:05:00"),
		Given: 1000, Sent: 990, Malformed: 4, Duplicates: 3, Suppressed: 2, Lacking: 1,
		Digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
	}
}

func audiencePreparedNamed() *campaignv1.CampaignAudiencePrepared {
	m := audiencePrepared()
	m.VersionTaken = &campaignv1.TakenVersion{Name: "this-week", Sha256: strings.Repeat("0f", 32), AsOf: instant("06:00:00")}
	return m
}

func deferred() *campaignv1.CampaignDeferred {
	return &campaignv1.CampaignDeferred{
		Source: "shop-italia", RequestId: "black-friday-2026", Version: 1,
		DeferredAt: instant("06:10:00"), Until: instant("08:00:00"), WaitsFor: campaignv1.CampaignDeferred_WAITS_FOR_WINDOW,
		Why: "quiet hours until 08:00",
	}
}

func confirmed() *campaignv1.CampaignConfirmed {
	return &campaignv1.CampaignConfirmed{
		Source: "shop-italia", RequestId: "black-friday-2026", CampaignId: 1542, Version: 1,
		ConfirmedAt: instant("09:05:00"),
		Start:       &campaignv1.CampaignConfirmed_Immediate{Immediate: true},
		Recipients:  9831, Total: euro("344.09"),
	}
}

func stats() *campaignv1.CampaignStats {
	return &campaignv1.CampaignStats{
		Source: "shop-italia", RequestId: "black-friday-2026", CampaignId: 1542, Version: 7,
		ReadAt: instant("09:47:10"), Status: campaignv1.CampaignStats_STATUS_COMPLETED,
		Total: 9831, Sent: 9831, Delivered: 9542, Undelivered: 289, DeliveryRate: "97.06",
		Cost: euro("344.09"), CompletedAt: instant("09:47:00"), Last: true, Reconciled: true,
	}
}

func rejected() *campaignv1.CampaignRejected {
	return &campaignv1.CampaignRejected{
		Source: "shop-italia", RequestId: "black-friday-2026", CampaignId: 1542, Version: 1,
		RejectedAt: instant("09:05:00"),
		Reason:     campaignv1.CampaignRejected_REASON_INSUFFICIENT_CREDIT,
		Step:       campaignv1.CampaignRejected_STEP_CONFIRM,
		Field:      "credit", Message: "The gateway refused to confirm: top up the credit.",
		GatewayMessage: "Insufficient credit. Required: 344.09, available: 120.00", HttpStatus: 402,
	}
}

func failed() *campaignv1.CampaignFailed {
	return &campaignv1.CampaignFailed{
		Source: "shop-italia", RequestId: "black-friday-2026", CampaignId: 1542, Version: 1,
		FailedAt: instant("09:20:00"), Reason: campaignv1.CampaignFailed_REASON_GATEWAY_FAILED,
		Message: "The gateway reports the campaign as failed.",
	}
}

func unresolved() *campaignv1.CampaignUnresolved {
	return &campaignv1.CampaignUnresolved{
		Source: "shop-italia", RequestId: "black-friday-2026", CampaignId: 1542, Version: 1,
		UnresolvedAt: instant("10:05:00"), Since: instant("09:05:00"),
		Message:  "The answer to confirm was lost, and the gateway does not say what became of it.",
		WhatToDo: "Look up campaign 1542 in the gateway's dashboard before asking for it again.",
	}
}

func cancelled() *campaignv1.CampaignCancelled {
	return &campaignv1.CampaignCancelled{
		Source: "shop-italia", RequestId: "black-friday-2026", CampaignId: 1542, Version: 1,
		CancelledAt: instant("09:04:00"), By: "maria", Reason: "wrong code in the text",
	}
}

// messages has one of each type, by the name of its golden file.
func messages() map[string]proto.Message {
	return map[string]proto.Message{
		"campaign_requested":         blackFriday(),
		"campaign_requested_people":  booked(),
		"campaign_requested_chunks":  unpaid(),
		"campaign_requested_named":   thisWeeks(),
		"campaign_cost_calculated":   costCalculated(),
		"campaign_confirmed":         confirmed(),
		"campaign_stats":             stats(),
		"campaign_rejected":          rejected(),
		"campaign_failed":            failed(),
		"campaign_unresolved":        unresolved(),
		"campaign_approval_required": approvalRequired(),
		"campaign_approved":          approved(),
		"campaign_audience_prepared": audiencePrepared(),

		"campaign_audience_prepared_named": audiencePreparedNamed(),
		"campaign_deferred":                deferred(),
		"campaign_cancelled":               cancelled(),
	}
}

func TestEventsOfTheSpecificationAreValid(t *testing.T) {
	t.Parallel()
	for name, m := range messages() {
		if err := protovalidate.Validate(m); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Who pays by invoice has no credit that a gateway could tell.
func TestAQuoteWithoutCreditIsValid(t *testing.T) {
	t.Parallel()
	m := costCalculated()
	m.AvailableCredit = nil
	if err := protovalidate.Validate(m); err != nil {
		t.Error(err)
	}
}

func TestEvent(t *testing.T) {
	t.Parallel()
	change := func(m proto.Message, f func()) proto.Message { f(); return m }
	q, c, s, r, f, u := costCalculated(), confirmed(), stats(), rejected(), failed(), unresolved()
	money := func(amount, currency string) proto.Message {
		return &campaignv1.Money{Amount: amount, Currency: currency}
	}
	tests := map[string]struct {
		m     proto.Message
		field string
		words string
	}{
		"RefusesAnExponentInMoney":   {money("1e3", "EUR"), "amount", "plain decimal"},
		"RefusesACommaInMoney":       {money("344,09", "EUR"), "amount", "plain decimal"},
		"RefusesNoAmount":            {money("", "EUR"), "amount", "plain decimal"},
		"RefusesALeadingZero":        {money("007", "EUR"), "amount", "plain decimal"},
		"RefusesASmallCurrency":      {money("7", "eur"), "currency", "ISO 4217"},
		"NamesThePathInsideAMessage": {change(q, func() { q.Total.Amount = "a lot" }), "total.amount", "plain decimal"},
		"RefusesNoInstant":           {change(c, func() { c.ConfirmedAt = nil }), "confirmed_at", "required"},
		"RefusesARateAboveHundred":   {change(s, func() { s.DeliveryRate = "100.01" }), "delivery_rate", "0 to 100"},
		"RefusesNoReason":            {change(r, func() { r.Reason = 0 }), "reason", ""},
		"RefusesNoVersion":           {change(f, func() { f.Version = 0 }), "version", "greater than 0"},
		"RefusesNoRemedy":            {change(u, func() { u.WhatToDo = "" }), "what_to_do", "1 character"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			field, words := violation(t, tt.m)
			if field != tt.field || !strings.Contains(words, tt.words) {
				t.Errorf("violation is %q: %q, want %q: …%s…", field, words, tt.field, tt.words)
			}
		})
	}
	for _, amount := range []string{"0", "-12.5", "344.09", "0.035", "1500.00", "999999999999999.999999999"} {
		if err := protovalidate.Validate(money(amount, "EUR")); err != nil {
			t.Errorf("%s EUR: %v", amount, err)
		}
	}
	for _, rate := range []string{"", "0", "0.00", "9.5", "97.06", "100", "100.00"} {
		m := stats()
		m.DeliveryRate = rate
		if err := protovalidate.Validate(m); err != nil {
			t.Errorf("%s %%: %v", rate, err)
		}
	}
}
