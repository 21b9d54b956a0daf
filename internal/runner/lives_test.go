package runner_test

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// life is a full story whose every point is broken in every way.
type life struct {
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

var lives = []life{
	{
		name: "Immediate",
		live: func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, save completed`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		name: "ConfirmLostThenAnotherDraft",
		set: func(s *service) {
			confirms := 0
			s.gateway.Fault = func(call campaign.Call) runnertest.Fault {
				if call.Op == campaign.OpConfirm {
					if confirms++; confirms == 1 {
						return runnertest.Fault{Break: runnertest.Lost}
					}
				}
				return runnertest.Fault{}
			}
		},
		live: func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, admit status, call status, save confirming, arm,
			load, admit status, call status, save abandoning, admit delete, call delete,
			admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, save completed`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		name: "ScheduledThenCancelled",
		live: func(s *service) {
			r := blackFriday()
			r.At = time.Now().Add(48 * time.Hour)
			s.request(r)
			time.Sleep(24 * time.Hour)
			s.cancel()
			s.rest()
		},
		points: `load, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, save confirmed, arm,
			load, save cancelling, admit delete, call delete, save cancelled, publish cancelled, save cancelled,
			load`,
		ends: map[campaign.State]int{campaign.Cancelled: 0},
	},
	{
		name: "NoCreditAtTheConfirm",
		set: func(s *service) {
			s.gateway.Fault = func(call campaign.Call) runnertest.Fault {
				if call.Op == campaign.OpConfirm {
					return runnertest.Fault{Break: runnertest.Refused, HTTP: 402}
				}
				return runnertest.Fault{}
			}
		},
		live: func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, admit status, call status, save confirming, arm,
			load, admit status, call status, save rejecting, admit delete, call delete, save rejected, publish rejected, save rejected`,
		ends: map[campaign.State]int{campaign.Rejected: 0},
	},
	{
		name: "TheGatewaySaysFailed",
		set:  func(s *service) { s.gateway.Fails = true },
		live: func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save failed, publish stats, publish failed, save failed`,
		ends: map[campaign.State]int{campaign.Failed: 1},
	},
	{
		name:  "FollowedNoFurther",
		rules: campaign.Rules{GiveUp: time.Minute, PollMin: 2 * time.Minute},
		set:   func(s *service) { s.gateway.SendsFor = 90 * time.Hour },
		live:  func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save unreconciled, publish stats, save unreconciled`,
		ends: map[campaign.State]int{campaign.Unreconciled: 1},
	},
	{
		name: "ApprovedUnderABudget",
		set:  func(s *service) { s.budget("1000") },
		live: func(s *service) {
			r := blackFriday()
			r.Limits.Approval = true
			s.request(r)
			s.waitsFor(campaign.HoldApproval)
			s.approve()
			s.rest()
		},
		points: `load, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			room, save quoted, publish cost_calculated, publish approval_required, save quoted, arm,
			load, save abandoning, publish approved, admit delete, call delete,
			admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			reserve, admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, settle, save completed,
			load`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		name: "ApprovedAfterAnHour",
		live: func(s *service) {
			r := blackFriday()
			r.Limits.Approval = true
			s.request(r)
			s.waitsFor(campaign.HoldApproval)
			time.Sleep(time.Hour)
			s.approve()
			s.rest()
		},
		points: `load, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			save quoted, publish cost_calculated, publish approval_required, save quoted, arm,
			load, save abandoning, publish approved, admit delete, call delete,
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
		points: `load, save requested, publish deferred, save requested, arm,
			load, admit create, call create, save drafted,
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
			s.waitsFor(campaign.HoldCredit)
			s.gateway.SetCredit(decimal.NewFromInt(1500))
			s.rest()
		},
		points: `load, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			save quoted, publish cost_calculated, publish deferred, arm,
			load, publish cost_calculated, publish deferred, save abandoning, admit delete, call delete,
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
		points: `load, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			reserve, admit confirm, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, settle, save completed`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		name: "TheBudgetHasNoRoom",
		set:  func(s *service) { s.budget("100") },
		live: func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			reserve, save rejecting, publish cost_calculated, admit delete, call delete, save rejected, publish rejected, settle, save rejected`,
		ends: map[campaign.State]int{campaign.Rejected: 0},
	},
	{
		// Whatever breaks, nobody can say of this one that it was not sent.
		name:  "NeitherAnAnswerNorADelete",
		rules: campaign.Rules{Denials: 2},
		set: func(s *service) {
			s.gateway.NoDelete = 405
			s.gateway.Fault = func(call campaign.Call) runnertest.Fault {
				if call.Op == campaign.OpConfirm {
					return runnertest.Fault{Break: runnertest.Lost}
				}
				return runnertest.Fault{}
			}
		},
		live: func(s *service) { s.request(blackFriday()); s.rest() },
		points: `load, admit create, call create, save drafted,
			admit configure, call configure, admit calculate, call calculate, admit price, call price,
			admit confirm, save confirming, publish cost_calculated, call confirm, admit status, call status, save confirming, arm,
			load, admit status, call status, save abandoning, admit delete, call delete, admit status, call status, save abandoning, arm,
			load, admit delete, call delete, admit status, call status, save abandoning, arm,
			load, admit delete, call delete, admit status, call status, save unresolved, publish unresolved, save unresolved`,
		ends: map[campaign.State]int{campaign.Unresolved: 0},
	},
}

// opens is a send window that opens at an instant, and stays open.
type opens time.Time

func (o opens) Open(from time.Time, _ time.Duration) (time.Time, string, error) {
	if at := time.Time(o); from.Before(at) {
		return at, "it opens at " + at.Format(time.RFC3339), nil
	}
	return from, "", nil
}
