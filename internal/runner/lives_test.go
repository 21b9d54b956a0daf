package runner_test

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// crashCase is a full story whose every point is broken in every way.
type crashCase struct {
	name  string
	rules campaign.Rules
	set   func(*service) // how the gateway is; nil: well
	live  func(*service)

	// points are the calls of the undisturbed story. A new call of the runner
	// changes the list, and so gets broken too.
	points string
	// ends are the states in which the story may end, and how many messages
	// each phone has got then.
	ends map[campaign.State]int
}

var crashCases = []crashCase{
	{
		name: "Immediate",
		live: func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, told, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, save completed`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		name:  "ConfirmLostThenAnotherDraft",
		rules: campaign.Rules{BackoffMin: time.Minute},
		set:   func(s *service) { s.gateway.Fault = first(confirms(runnertest.Fault{Break: runnertest.Lost})) },
		live:  func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, told, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, admit status, call status, save confirming, arm,
			load, admit status, call status, save confirming, arm,
			load, admit status, call status, save abandoning, told, admit status, call status, admit configure, call configure, save abandoning, admit delete,
			call delete,
			admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, save completed`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		// Without the answer to its delete, no cancelled event is published.
		name: "ScheduledThenCancelled",
		live: func(s *service) {
			r := blackFriday()
			r.At = time.Now().Add(48 * time.Hour)
			s.request(r)
			time.Sleep(24 * time.Hour)
			s.cancel()
			s.rest()
		},
		points: `load, told, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, save confirmed, arm,
			load, save cancelling, told, admit status, call status, save cancelling, admit delete, call delete, save cancelling, admit status, call status,
			save cancelling, arm,
			load, admit status, call status, admit witness, call witness, admit status, call status, save cancelled, publish cancelled, save cancelled,
			load`,
		ends: map[campaign.State]int{campaign.Cancelled: 0, campaign.Unresolved: 0},
	},
	{
		name:  "NoCreditAtTheConfirm",
		rules: campaign.Rules{BackoffMin: time.Minute},
		set:   func(s *service) { s.gateway.Fault = confirms(runnertest.Fault{Break: runnertest.Refused, HTTP: 402}) },
		live:  func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, told, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, admit status, call status, save confirming, arm,
			load, admit status, call status, save confirming, arm,
			load, admit status, call status, save rejecting, told, admit status, call status, admit configure, call configure, save rejecting, admit delete,
			call delete, save rejected, publish rejected, save rejected`,
		ends: map[campaign.State]int{campaign.Rejected: 0},
	},
	{
		name: "TheGatewaySaysFailed",
		set:  func(s *service) { s.gateway.Fails = true },
		live: func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, told, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save failed, publish stats, publish failed, save failed`,
		ends: map[campaign.State]int{campaign.Failed: 1},
	},
	{
		// If that one look fails, nothing has shown that it was sent.
		name:  "FollowedNoFurther",
		rules: campaign.Rules{GiveUp: time.Minute, PollMin: 2 * time.Minute},
		set:   func(s *service) { s.gateway.SendsFor = 90 * time.Hour },
		live:  func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, told, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save unreconciled, publish stats, save unreconciled`,
		ends: map[campaign.State]int{campaign.Unreconciled: 1, campaign.Unresolved: 1},
	},
	{
		name: "ApprovedAfterAProof",
		live: func(s *service) {
			r := blackFriday()
			r.Limits.Approval = true
			s.request(r)
			s.waitsFor(campaign.NeedApproval)
			s.prove()
			s.approve()
			s.rest()
		},
		points: `load, told, admit create, call create, save drafted, admit configure, call configure, admit calculate, call calculate,
			admit price, call price, save quoted, publish cost_calculated, publish approval_required, save quoted, arm,
			load, save quoted, arm, ask,
			load,
			load, save abandoning, publish approved, arm,
			load, publish approved, admit status, call status, admit delete, call delete, told, admit create, call create,
			save drafted, admit configure, call configure, admit calculate, call calculate, admit price, call price, admit confirm,
			save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, save completed,
			load`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		name: "ApprovedUnderABudget",
		set:  func(s *service) { s.budget("1000") },
		live: func(s *service) {
			r := blackFriday()
			r.Limits.Approval = true
			s.request(r)
			s.waitsFor(campaign.NeedApproval)
			s.approve()
			s.rest()
		},
		points: `load, told, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price, room, save quoted, publish cost_calculated,
			publish approval_required, save quoted, arm,
			load, save abandoning, publish approved, arm,
			load, publish approved, admit status, call status, admit delete, call delete, told,
			admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price, reserve,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, settle, save completed,
			load`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		name:  "OlderThanItsTextMayBe",
		rules: campaign.Rules{Retention: 240 * time.Hour},
		live: func(s *service) {
			s.journal.Ask(key, 2)
			s.request(blackFriday())
			s.rest()
			s.outlives()
		},
		points: `load, told, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, save completed,
			load, load, erase, save completed`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		name: "CancelledBeforeItIsAskedFor",
		set:  func(s *service) { s.intake = strict{}; s.configure("https://gateway.example") },
		live: func(s *service) {
			s.cancel()
			s.request(blackFriday())
			s.rest()
		},
		points: `load, asked, told, save cancelled, publish cancelled, save cancelled,
			load`,
		ends: map[campaign.State]int{campaign.Cancelled: 0},
	},
	{
		name: "ApprovedAfterAnHour",
		live: func(s *service) {
			r := blackFriday()
			r.Limits.Approval = true
			s.request(r)
			s.waitsFor(campaign.NeedApproval)
			time.Sleep(time.Hour)
			s.approve()
			s.rest()
		},
		points: `load, told, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price, save quoted, publish cost_calculated,
			publish approval_required, save quoted, arm,
			load, save abandoning, publish approved, arm,
			load, publish approved, admit status, call status, admit delete, call delete, told,
			admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, save completed,
			load`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		name:  "ItsWindowOpensInTwoHours", // a bubble begins with the year 2000
		rules: campaign.Rules{Windows: map[string]campaign.Window{"later": opens(time.Date(2000, 1, 1, 2, 0, 0, 0, time.UTC))}},
		live: func(s *service) {
			r := blackFriday()
			r.Limits.Window = "later"
			s.request(r)
			s.rest()
		},
		points: `load, told, save requested, publish deferred, save requested, arm,
			load, told,
			admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, save completed`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		name: "WaitsForCredit",
		set:  func(s *service) { s.gateway.SetCredit(decimal.NewFromInt(1)) },
		live: func(s *service) {
			r := blackFriday()
			r.Limits.OnNoCredit = campaign.Wait
			s.request(r)
			s.waitsFor(campaign.NeedCredit)
			s.gateway.SetCredit(decimal.NewFromInt(1500))
			s.rest()
		},
		points: `load, told, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price, save quoted, publish cost_calculated, publish deferred,
			arm,
			load, publish cost_calculated, publish deferred, save abandoning, admit status, call status, admit delete, call delete, told,
			admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, save completed`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		name: "ChargedToABudget",
		set:  func(s *service) { s.budget("1000") },
		live: func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, told, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price, reserve,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, settle, save completed`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		name: "TheBudgetHasNoRoom",
		set:  func(s *service) { s.budget("100") },
		live: func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, told, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price, reserve, save rejecting, publish cost_calculated,
			admit delete, call delete, save rejected, publish rejected, settle, save rejected`,
		ends: map[campaign.State]int{campaign.Rejected: 0},
	},
	{
		// Whatever breaks, it must not be said of this one that it was not sent.
		name:  "NeitherAnAnswerNorARead",
		rules: campaign.Rules{Patience: time.Minute, BackoffMin: time.Minute, LookAgain: 30 * time.Hour},
		set: func(s *service) {
			s.gateway.StatsOnly = true
			s.gateway.Fault = confirms(runnertest.Fault{Break: runnertest.Lost})
		},
		live: func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, told, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, admit status, call status, save confirming, arm,
			load, admit status, call status, save confirming, arm,
			load, admit status, call status, save abandoning, told, admit status, call status, save abandoning, arm,
			load, told, admit status, call status, save unresolved, publish unresolved, save unresolved, arm,
			load, admit status, call status, save unresolved, arm,
			load, admit status, call status, save unresolved`,
		ends: map[campaign.State]int{campaign.Unresolved: 0},
	},
	{
		name: "ConfirmedWithoutABody",
		set:  func(s *service) { s.gateway.Wordless = true },
		live: func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, told, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, admit status, call status, save sending, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, save completed`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		name: "ConfirmWithoutEffect",
		set:  func(s *service) { s.gateway.Fault = first(confirms(runnertest.Fault{Break: runnertest.Hollow})) },
		live: func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, told, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, admit status, call status, save confirming, arm,
			load, admit status, call status, save confirming, arm,
			load, admit status, call status, save confirming, arm,
			load, admit status, call status, save confirming, arm,
			load, admit status, call status, save confirming, arm,
			load, admit status, call status, save confirming, arm,
			load, admit status, call status, save confirming, arm,
			load, admit status, call status, save abandoning, told, admit status, call status, admit configure, call configure, save abandoning, admit delete,
			call delete,
			admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, save completed`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		// No read shows it before it is being sent, ten minutes later. If its confirm
		// never left, nothing can show that.
		name:  "ConfirmLostWithEffectAsSpecified",
		rules: campaign.Rules{BackoffMin: time.Minute},
		set: func(s *service) {
			s.gateway.StatsOnly, s.gateway.StartsAfter = true, 10*time.Minute
			s.gateway.Fault = first(confirms(runnertest.Fault{Break: runnertest.ReplyLost}))
		},
		live: func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, told, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, admit status, call status, save confirming, arm,
			load, admit status, call status, save confirming, arm,
			load, admit status, call status, save abandoning, told, admit status, call status, save abandoning, arm,
			load, told, admit status, call status, save abandoning, arm,
			load, told, admit status, call status, save abandoning, arm,
			load, told, admit status, call status, save abandoning, arm,
			load, told, admit status, call status, save sending, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save completed, publish stats, save completed`,
		ends: map[campaign.State]int{campaign.Completed: 1, campaign.Unresolved: 0},
	},
	{
		name:  "ConfirmLostWithoutEffectAsSpecifiedAndMeasured",
		rules: campaign.Rules{ConfigureRefusedOnceSent: true, BackoffMin: time.Minute},
		set: func(s *service) {
			s.gateway.StatsOnly = true
			s.gateway.Fault = first(confirms(runnertest.Fault{Break: runnertest.Lost}))
		},
		live: func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, told, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, admit status, call status, save confirming, arm,
			load, admit status, call status, save confirming, arm,
			load, admit status, call status, save abandoning, told, admit status, call status, admit configure, call configure, save abandoning, admit delete,
			call delete,
			admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, save completed`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		// It was never seen sent, a person was asked, and then it showed. If its confirm
		// never left, nothing can show that.
		name:  "UnresolvedAndThenSeen",
		rules: campaign.Rules{Patience: time.Minute, BackoffMin: time.Minute, LookAgain: 3 * time.Hour},
		set: func(s *service) {
			s.gateway.StatsOnly, s.gateway.StartsAfter = true, 5*time.Hour
			s.gateway.Fault = first(confirms(runnertest.Fault{Break: runnertest.ReplyLost}))
		},
		live: func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, told, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, admit status, call status, save confirming, arm,
			load, admit status, call status, save confirming, arm,
			load, admit status, call status, save abandoning, told, admit status, call status, save abandoning, arm,
			load, told, admit status, call status, save unresolved, publish unresolved, save unresolved, arm,
			load, admit status, call status, save unresolved, arm,
			load, admit status, call status, save sending, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save completed, publish stats, save completed`,
		ends: map[campaign.State]int{campaign.Completed: 1, campaign.Unresolved: 0},
	},
	{
		name: "ItsRecordIsLostAfterItsConfirm",
		live: func(s *service) {
			r := blackFriday()
			r.At = time.Now().Add(2 * time.Hour)
			s.request(r)
			time.Sleep(time.Hour) // what broke works again
			s.journal.Lose(key)
			s.request(r)
			s.rest()
		},
		points: `load, told, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, save confirmed, arm,
			load, told, save confirmed, arm,
			load, admit stats, call stats, save confirmed, arm,
			load, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, save completed`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		// Another run has published a cost of this campaign meanwhile, for a draft that
		// no record knows.
		name:  "ItsCostWasToldForAnotherDraft",
		rules: campaign.Rules{LookAgain: 30 * time.Hour},
		set: func(s *service) {
			s.during("save confirming", 1, func() {
				other := campaign.Event{Type: campaign.EventCostCalculated, N: 1, At: time.Now(), CampaignID: 1, Quote: &campaign.Quote{N: 1}}
				if err := s.journal.Publish(s.t.Context(), campaign.Campaign{Key: key, Outbox: []campaign.Event{other}}); err != nil {
					s.t.Error(err)
				}
			})
		},
		live: func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, told, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, save unresolved, publish unresolved, save unresolved, arm,
			load, admit status, call status, admit status, call status, save unresolved, arm,
			load, admit status, call status, admit status, call status, save unresolved`,
		ends: map[campaign.State]int{campaign.Unresolved: 0},
	},
	{
		name: "AnotherGatewayIsConfiguredWhileItWaits",
		live: func(s *service) {
			r := blackFriday()
			r.Limits.Approval = true
			s.request(r)
			s.waitsFor(campaign.NeedApproval)
			s.gateway.Replace(runnertest.TheirDraft)
			s.configure("https://another.example")
			s.approve()
			s.rest()
		},
		points: `load, told, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price, save quoted, publish cost_calculated,
			publish approval_required, save quoted, arm,
			load, save abandoning, publish approved, arm,
			load, publish approved, told,
			admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, save completed,
			load`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		name: "TooManyCallsInMidDraft",
		set: func(s *service) {
			s.gateway.Fault = first(func(call campaign.Call) runnertest.Fault {
				if call.Op == campaign.OpCalculate {
					return runnertest.Fault{Break: runnertest.Throttled, After: 10 * time.Second}
				}
				return runnertest.Fault{}
			})
		},
		live: func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, told, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, save completed`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
}

// confirms breaks every confirm.
func confirms(f runnertest.Fault) func(campaign.Call) runnertest.Fault {
	return func(call campaign.Call) runnertest.Fault {
		if call.Op == campaign.OpConfirm {
			return f
		}
		return runnertest.Fault{}
	}
}

// first breaks what another would, the first time only.
func first(fault func(campaign.Call) runnertest.Fault) func(campaign.Call) runnertest.Fault {
	done := false
	return func(call campaign.Call) (f runnertest.Fault) {
		if !done {
			f = fault(call)
			done = f.Break != runnertest.None
		}
		return f
	}
}
