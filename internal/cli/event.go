package cli

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/internal/app"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// figures is what an event says, in words and numbers for people.
func figures(e app.Event) string {
	var parts []string
	say := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	switch m := e.Message.(type) {
	case *campaignv1.CampaignCostCalculated:
		say("%s contacts, %s valid, %s invalid", thousands(m.TotalRecipients), thousands(m.ValidRecipients), thousands(m.InvalidRecipients))
		say("%s at %s each", plural(m.Parts, "part"), money(m.PricePerMessage))
		if m.AvailableCredit != nil {
			say("%s of %s available", money(m.Total), money(m.AvailableCredit))
		} else {
			say("%s", money(m.Total))
		}
		if !m.Sufficient {
			say("not enough credit")
		}
		if text := m.GetText(); text.GetOddCharacter() != "" {
			say("UCS-2 because of %q at position %d", text.OddCharacter, text.OddPosition)
			if text.Advice != "" {
				say("%s", text.Advice)
			}
		}
		if l := m.GetText().GetLookalikes(); len(l) > 0 {
			say("sent as they stand, and look like placeholders: %s", strings.Join(l, ", "))
		}
		if differs := m.GetText().GetDiffers(); differs != "" {
			say("%s", differs)
		}
	case *campaignv1.CampaignApprovalRequired:
		say("%s", m.Why)
		say("%s, %s, %s", plural(m.Recipients, "recipient"), plural(m.Parts, "part"), money(m.Total))
		say("quote %s", m.QuoteId)
		say("until %s", instant(m.Until))
	case *campaignv1.CampaignApproved:
		say("by %s", m.By)
		say("%s, %s, %s", plural(m.Recipients, "recipient"), plural(m.Parts, "part"), money(m.Total))
		say("quote %s", m.QuoteId)
	case *campaignv1.CampaignDeferred:
		say("waits for %s until %s", name(m.WaitsFor.String(), "WAITS_FOR_"), instant(m.Until))
		say("%s", m.Why)
	case *campaignv1.CampaignConfirmed:
		say("campaign %d", m.CampaignId)
		if at := m.GetScheduledFor(); at != nil {
			say("sends at %s", instant(at))
		} else {
			say("sends now")
		}
		if m.Total != nil {
			say("%s, %s", plural(m.Recipients, "recipient"), money(m.Total))
		}
		if m.ApprovedBy != "" {
			say("approved by %s", m.ApprovedBy)
		}
	case *campaignv1.CampaignStats:
		say("%s", status(m.Status))
		if m.Uncounted {
			say("not counted")
		} else {
			say("%s of %s sent", thousands(m.Sent), thousands(m.Total))
			say("%s delivered, %s undelivered", thousands(m.Delivered), thousands(m.Undelivered))
		}
		if m.Last && m.DeliveryRate != "" {
			say("%s %%", m.DeliveryRate)
		}
		if m.Last && m.Cost != nil {
			say("%s", money(m.Cost))
		}
		if m.Last {
			say("the last one")
		}
		if m.Last && !m.Reconciled && !m.Uncounted {
			// A campaign that failed half way adds up, and still nobody knows of some.
			if open := m.Total - m.Delivered - m.Undelivered; open > 0 {
				say("%s unaccounted for", thousands(open))
			} else {
				say("the figures do not add up")
			}
		}
		if m.Differs != "" {
			say("%s", m.Differs)
		}
	case *campaignv1.CampaignRejected:
		say("%s", name(m.Reason.String(), "REASON_"))
		if m.Field != "" {
			say("field %s", m.Field)
		}
		say("%s", m.Message)
		if m.GatewayMessage != "" {
			say("the gateway says: %s", m.GatewayMessage)
		}
	case *campaignv1.CampaignFailed:
		say("%s", name(m.Reason.String(), "REASON_"))
		say("%s", m.Message)
	case *campaignv1.CampaignCancelled:
		say("by %s", m.By)
		if m.Reason != "" {
			say("%s", m.Reason)
		}
	case *campaignv1.CampaignUnresolved:
		say("%s", m.Message)
		say("%s", m.WhatToDo)
	default:
		say("of a type that this version does not know: upgrade to read it")
	}
	if s, ok := e.Message.(interface{ GetSimulation() bool }); ok && s.GetSimulation() {
		say("simulation")
	}
	return strings.Join(strings.FieldsFunc(strings.Join(parts, " · "), func(r rune) bool { return r == '\n' }), " ") // one line, whatever others wrote
}

// outcome says whether an event is a campaign's last one, and how it ended.
func outcome(e app.Event) (ended bool, well bool) {
	switch m := e.Message.(type) {
	case *campaignv1.CampaignStats:
		// A failed campaign says so with an event of its own.
		return m.Last && m.Status != campaignv1.CampaignStats_STATUS_FAILED, m.Reconciled
	case *campaignv1.CampaignRejected, *campaignv1.CampaignFailed, *campaignv1.CampaignCancelled, *campaignv1.CampaignUnresolved:
		return true, false
	}
	return false, false
}

// exitOf is the exit code of whoever waited for a campaign and saw it end.
func exitOf(e app.Event) exitError {
	_, well := outcome(e)
	switch e.Message.(type) {
	case *campaignv1.CampaignRejected, *campaignv1.CampaignCancelled:
		return exitNot
	}
	if well {
		return exitOK
	}
	return exitUnknown
}

// title is the event's name in the contract: CampaignConfirmed.
func title(e app.Event) string {
	if e.Message == nil {
		return e.Type
	}
	return string(e.Message.ProtoReflect().Descriptor().Name())
}

func money(m *campaignv1.Money) string {
	if m == nil {
		return "unknown"
	}
	return amount(m) + " " + m.Currency
}

// amount has at least the two decimals that people expect of money.
func amount(m *campaignv1.Money) string {
	_, fraction, _ := strings.Cut(m.Amount, ".")
	switch len(fraction) {
	case 0:
		return grouped(strings.TrimSuffix(m.Amount, ".") + ".00")
	case 1:
		return grouped(m.Amount + "0")
	}
	return grouped(m.Amount)
}

func plural(n int64, what string) string {
	if n != 1 {
		what += "s"
	}
	return thousands(n) + " " + what
}

func instant(t *timestamppb.Timestamp) string { return t.AsTime().Format(time.RFC3339) }

func status(s campaignv1.CampaignStats_Status) string { return name(s.String(), "STATUS_") }

// name is an enum's value as a word: REASON_TOO_LATE is "too late".
func name(value, prefix string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(value, prefix)), "_", " ")
}
