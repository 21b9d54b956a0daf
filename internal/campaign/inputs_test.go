package campaign_test

import (
	"slices"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// The outcomes a gateway can give, by the words the table uses for them. The first
// one of each call is what it answers if all goes well.
func outcomes() []input {
	quote := campaign.Outcome{Op: campaign.OpPrice, Kind: campaign.OK, Price: campaign.Price{
		PerMessage: eur("0.035"), Total: eur("344.09"), Available: eur("1500"), Sufficient: true}}
	poor, others := quote, quote
	poor.Price.Available, poor.Price.Sufficient = eur("120"), false
	others.Recipients = new(int64(20_000))
	goal := campaign.Outcome{Op: campaign.OpCalculate, Kind: campaign.OK,
		Goal: campaign.Goal{Total: 10247, Valid: 9831, Invalid: 416, Parts: 9831}}
	nobody, wrong := goal, goal
	nobody.Goal = campaign.Goal{Total: 416, Invalid: 416}
	wrong.Goal.Total = 10
	stats := func(s campaign.Status, delivered, undelivered, pending int64) campaign.Outcome {
		return campaign.Outcome{Op: campaign.OpStats, Kind: campaign.OK, Stats: campaign.Stats{
			Status: s, Total: 9831, Sent: 9831 - pending, Delivered: delivered, Undelivered: undelivered, Pending: pending}}
	}
	theirs := stats(campaign.StatusCompleted, 7, 0, 0)
	theirs.Name = "Somebody else's"
	ok := func(op campaign.Op, s campaign.Status) campaign.Outcome {
		return campaign.Outcome{Op: op, Kind: campaign.OK, Status: s}
	}
	byID := func(s campaign.Status, description string) campaign.Outcome {
		return campaign.Outcome{Op: campaign.OpStatus, Kind: campaign.OK, Status: s, ByID: true, Description: description}
	}
	confirmed := ok(campaign.OpConfirm, campaign.StatusConfirmed)
	confirmed.ConfirmedAt = friday
	another := ok(campaign.OpConfigure, campaign.StatusUnconfirmed)
	another.Echo = &campaign.Echo{Text: new("Cyber Monday!")}

	list := []input{
		{"look ok", published()},
		{"create ok", campaign.Outcome{Op: campaign.OpCreate, Kind: campaign.OK, CampaignID: 1542}},
		{"configure ok", ok(campaign.OpConfigure, campaign.StatusUnconfirmed)},
		{"configure ok, without a word", ok(campaign.OpConfigure, "")},
		{"configure ok, CONFIRMED", ok(campaign.OpConfigure, campaign.StatusConfirmed)},
		{"configure ok, SENDING", ok(campaign.OpConfigure, campaign.StatusSending)},
		{"configure ok, another text", another},
		{"calculate ok", goal},
		{"calculate ok, nobody valid", nobody},
		{"calculate ok, sums disagree", wrong},
		{"price ok", quote},
		{"price ok, too little credit", poor},
		{"price ok, for another count", others},
		{"admit ok", campaign.Outcome{Op: campaign.OpAdmit, Kind: campaign.OK}},
		{"confirm ok", confirmed},
		{"confirm ok, SENDING", ok(campaign.OpConfirm, campaign.StatusSending)},
		{"confirm ok, without a word", ok(campaign.OpConfirm, "")},
		{"confirm ok, COST_CALCULATED", ok(campaign.OpConfirm, campaign.StatusUnconfirmed)},
		{"confirm ok, FAILED", ok(campaign.OpConfirm, campaign.StatusFailed)},
		{"confirm ok, UNKNOWN", ok(campaign.OpConfirm, campaign.StatusUnknown)},
		{"delete ok", campaign.Outcome{Op: campaign.OpDelete, Kind: campaign.OK}},
		{"stats CONFIRMED", stats(campaign.StatusConfirmed, 0, 0, 9831)},
		{"stats SENDING", stats(campaign.StatusSending, 5000, 100, 4731)},
		{"stats COMPLETED", stats(campaign.StatusCompleted, 9542, 289, 0)},
		{"stats COMPLETED, sums disagree", stats(campaign.StatusCompleted, 9000, 289, 0)},
		{"stats FAILED", stats(campaign.StatusFailed, 10, 0, 9821)},
		{"stats UNCONFIRMED", stats(campaign.StatusUnconfirmed, 0, 0, 9831)},
		{"stats UNKNOWN", stats(campaign.StatusUnknown, 0, 0, 9831)},
		{"stats COMPLETED, not ours", theirs},
	}
	for _, s := range []campaign.Status{campaign.StatusUnconfirmed, campaign.StatusConfirmed, campaign.StatusSending,
		campaign.StatusCompleted, campaign.StatusFailed, campaign.StatusUnknown} {
		list = append(list, input{"status " + string(s), ok(campaign.OpStatus, s)})
	}
	list = append(list,
		input{"status by id UNCONFIRMED", byID(campaign.StatusUnconfirmed, "[staffetta "+key.String()+"]")},
		input{"status by id CONFIRMED", byID(campaign.StatusConfirmed, "[staffetta "+key.String()+"]")},
		input{"status by id UNCONFIRMED, not ours", byID(campaign.StatusUnconfirmed, strangers)},
		input{"status by id COMPLETED, not ours", byID(campaign.StatusCompleted, strangers)},
		input{"status by id refused, not found", campaign.Outcome{Op: campaign.OpStatus, Kind: campaign.Refused, Cause: campaign.NotFound, ByID: true, Words: "the gateway's words"}},
		input{"witness ok", campaign.Outcome{Op: campaign.OpWitness, Kind: campaign.OK, ByID: true}},
		input{"witness refused, not found", campaign.Outcome{Op: campaign.OpWitness, Kind: campaign.Refused, Cause: campaign.NotFound}},
	)
	list = append(list, peopleOutcomes()...)
	const otherwise, notFound = campaign.Cause(""), campaign.NotFound
	refused := map[campaign.Op][]campaign.Cause{
		campaign.OpCreate: {otherwise}, campaign.OpConfigure: {otherwise, notFound}, campaign.OpCalculate: {otherwise}, campaign.OpPrice: {notFound},
		campaign.OpConfirm: {campaign.NoCredit, otherwise, notFound}, campaign.OpDelete: {notFound, campaign.Unsupported}, campaign.OpStatus: {notFound, otherwise}, campaign.OpStats: {notFound},
	}
	for _, op := range []campaign.Op{campaign.OpCreate, campaign.OpConfigure, campaign.OpCalculate, campaign.OpPrice, campaign.OpAdmit,
		campaign.OpConfirm, campaign.OpStatus, campaign.OpStats, campaign.OpDelete, campaign.OpWitness} {
		for _, cause := range refused[op] {
			name := string(op) + " refused"
			if cause != otherwise {
				name += ", " + strings.ReplaceAll(string(cause), "_", " ")
			}
			list = append(list, input{name, campaign.Outcome{Op: op, Kind: campaign.Refused, Cause: cause, Words: "the gateway's words"}})
		}
		if op != campaign.OpAdmit {
			list = append(list, input{string(op) + " unavailable", campaign.Outcome{Op: op, Kind: campaign.Unavailable, Cause: campaign.Failing}},
				input{string(op) + " unshaped", unshaped(op)})
		}
		list = append(list, input{string(op) + " not attempted", campaign.Outcome{Op: op, Kind: campaign.NotAttempted, RetryAfter: 30 * time.Second}})
	}
	for _, op := range []campaign.Op{campaign.OpCreate, campaign.OpCalculate} {
		o := unshaped(op)
		o.Answered = friday.Add(1000 * time.Hour)
		list = append(list, input{string(op) + " unshaped, others are answered", o})
		o = campaign.Outcome{Op: op, Kind: campaign.Unavailable, Cause: campaign.Failing, Answered: friday.Add(1000 * time.Hour)}
		list = append(list, input{string(op) + " unavailable, others are answered", o})
	}
	return slices.Concat(list, []input{
		{"look unavailable", campaign.Outcome{Op: campaign.OpLook, Kind: campaign.Unavailable}},
		{"look tells a cost of this draft", published(costTold(7, 1542))},
		{"look tells a cost of another draft", published(costTold(7, 1600))},
		{"look tells that it is confirmed", published(costTold(7, 1600), confirmedTold(1600, time.Time{}))},
		{"look tells that it is confirmed for later", published(costTold(7, 1600), confirmedTold(1600, friday.Add(48*time.Hour)))},
		{"look tells its last statistics", published(costTold(7, 1600), confirmedTold(1600, time.Time{}), campaign.Event{
			Type: campaign.EventStats, N: 3, CampaignID: 1600, Last: true, Stats: &campaign.Stats{Status: campaign.StatusCompleted, Total: 9831, Sent: 9831, Delivered: 9831}})},
		{"look tells that it is rejected", published(costTold(7, 1600), endTold(campaign.EventRejected))},
		{"look tells that it is cancelled", published(endTold(campaign.EventCancelled))},
		{"look tells that it is unresolved", published(costTold(7, 1600), endTold(campaign.EventUnresolved))},
		{"room ok", campaign.Outcome{Op: campaign.OpRoom, Kind: campaign.OK}},
		{"room refused", campaign.Outcome{Op: campaign.OpRoom, Kind: campaign.Refused, Words: "shop-italia has 100.00 EUR left today"}},
		{"room unavailable", campaign.Outcome{Op: campaign.OpRoom, Kind: campaign.Unavailable}},
		{"reserve ok", campaign.Outcome{Op: campaign.OpReserve, Kind: campaign.OK}},
		{"reserve refused", campaign.Outcome{Op: campaign.OpReserve, Kind: campaign.Refused, Words: "shop-italia has 100.00 EUR left today"}},
		{"reserve unavailable", campaign.Outcome{Op: campaign.OpReserve, Kind: campaign.Unavailable}},
		{"settle ok", campaign.Outcome{Op: campaign.OpSettle, Kind: campaign.OK}},
		{"settle unavailable", campaign.Outcome{Op: campaign.OpSettle, Kind: campaign.Unavailable}},
		{"configure throttled", campaign.Outcome{Op: campaign.OpConfigure, Kind: campaign.Throttled, RetryAfter: 12 * time.Second}},
		{"configure unauthorised", campaign.Outcome{Op: campaign.OpConfigure, Kind: campaign.Unauthorised, RetryAfter: 15 * time.Second}},
		{"confirm throttled", campaign.Outcome{Op: campaign.OpConfirm, Kind: campaign.Throttled, RetryAfter: 12 * time.Second}},
		{"confirm unauthorised", campaign.Outcome{Op: campaign.OpConfirm, Kind: campaign.Unauthorised, RetryAfter: 15 * time.Second}},
		{"delete throttled", campaign.Outcome{Op: campaign.OpDelete, Kind: campaign.Throttled, RetryAfter: 12 * time.Second}},
	})
}

// strangers is what a read by id shows of another customer's campaign.
const strangers = "Spring sale"

// unshaped is a refusal that may come from a proxy.
func unshaped(op campaign.Op) campaign.Outcome {
	return campaign.Outcome{Op: op, Kind: campaign.Unavailable, Cause: campaign.NotFound, Unshaped: true, Err: "html"}
}

// published is an answer with the published events.
func published(events ...campaign.Event) campaign.Outcome {
	return campaign.Outcome{Op: campaign.OpLook, Kind: campaign.OK, Events: events}
}

func costTold(n int, id int64) campaign.Event {
	return campaign.Event{Type: campaign.EventCostCalculated, N: n, At: friday, CampaignID: id, Quote: &campaign.Quote{N: n, At: friday,
		Goal: campaign.Goal{Total: 9831, Valid: 9831, Parts: 9831}, Price: campaign.Price{Total: eur("344.09")}}}
}

func confirmedTold(id int64, at time.Time) campaign.Event {
	return campaign.Event{Type: campaign.EventConfirmed, N: 1, At: friday, CampaignID: id, Confirmed: &campaign.Confirmation{At: friday, For: at}}
}

func endTold(as campaign.EventType) campaign.Event {
	return campaign.Event{Type: as, N: 1, At: friday, CampaignID: 1600, Reason: &campaign.Reason{Code: campaign.ReasonRefused}}
}

type input struct {
	name string
	in   campaign.Input
}

func inputs() []input {
	return append([]input{
		{"asked", campaign.Received{Key: key, Request: blackFriday()}},
		{"woken", campaign.Woken{}},
		{"cancel", campaign.Cancel{Key: key, By: "anna", Why: "wrong price"}},
		{"approve", campaign.Approve{QuoteID: quoteID, By: "carla"}},
		{"approve another quote", campaign.Approve{QuoteID: "0123456789abcdef", By: "carla"}},
		{"proof", campaign.Prove{QuoteID: quoteID, N: 1, By: "carla", Phones: 2, People: campaign.Audience{Digest: "cd", Size: 10, Chunks: 1}}},
		{"decline", campaign.Decline{QuoteID: quoteID, By: "carla", Why: "too dear"}},
		{"another cancel", campaign.Cancel{Key: key, By: "bruno"}},
		{"another approve", campaign.Approve{QuoteID: quoteID, By: "bruno"}},
		{"resolved, was sent", campaign.Resolved{By: "anna", Sent: true}},
		{"resolved, was not sent", campaign.Resolved{By: "anna"}},
		{"follow", campaign.Follow{By: "anna"}},
		{"forget", campaign.Forget{By: "anna"}},
		{"told otherwise", campaign.CostConflict{Event: costTold(7, 1600)}},
		{"delivered", campaign.Delivered{}},
	}, outcomes()...)
}
