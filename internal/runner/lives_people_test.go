package runner_test

import (
	"sync"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// soonCleared keeps recipients for a day, so that a life sees them removed.
var soonCleared = campaign.Rules{RecipientsKeep: 24 * time.Hour, CountWithin: 3 * time.Second, RecipientsWithin: time.Minute}

// peopleCases are the lives of campaigns whose recipients came with the request.
var peopleCases = []crashCase{
	{
		name:  "RecipientsOfItsOwn",
		rules: soonCleared,
		live:  func(s *service) { s.request(s.toItsOwn()); s.rest() },
		points: `load, told, prepare, save requested, publish audience_prepared, admit list, call list, save requested, open, admit upload,
			call upload, save requested, admit count, call count, admit create, call create, save drafted, admit configure, call configure,
			admit calculate, call calculate, admit price, call price, screen, admit confirm, screen, save confirming, publish cost_calculated, call confirm,
			save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, save completed, arm,
			load, admit find, call find, admit unlist, call unlist, discard, save completed`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		name:  "ItsListIsCountedWrongAndMadeAnew",
		rules: soonCleared,
		set:   func(s *service) { s.gateway.Miscounts = 4 },
		live:  func(s *service) { s.request(s.toItsOwn()); s.rest() },
		points: `load, told, prepare, save requested, publish audience_prepared, admit list, call list, save requested, open, admit upload,
			call upload, save requested, admit count, call count, save requested, arm,
			load, told, admit count, call count, save requested, arm,
			load, told, admit count, call count, save requested, arm,
			load, told, admit count, call count, admit quota, call quota, save requested, admit find, call find, admit unlist, call unlist,
			save requested, admit list, call list, save requested, open, admit upload, call upload, save requested, admit count, call count,
			admit create, call create, save drafted, admit configure, call configure, admit calculate, call calculate, admit price, call price,
			screen, admit confirm, screen, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, save completed, arm,
			load, admit find, call find, admit unlist, call unlist, discard, save completed`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		name:  "SomebodyIsSuppressedBeforeItsIntent",
		rules: soonCleared,
		set:   func(s *service) { s.ports.before = s.suppressedAt("admit confirm", "+393331234502") },
		live:  func(s *service) { s.request(s.toItsOwn()); s.rest() },
		points: `load, told, prepare, save requested, publish audience_prepared, admit list, call list, save requested, open, admit upload,
			call upload, save requested, admit count, call count, admit create, call create, save drafted, admit configure, call configure,
			admit calculate, call calculate, admit price, call price, screen, admit confirm, screen, save abandoning,
			admit delete, call delete, open, prepare, save requested, publish audience_prepared, admit find, call find, admit unlist, call unlist,
			save requested, admit list, call list, save requested, open, admit upload, call upload, save requested, admit count, call count,
			admit create, call create, save drafted, admit configure, call configure, admit calculate, call calculate, admit price, call price,
			screen, admit confirm, screen, save confirming, publish cost_calculated, call confirm,
			save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, save completed, arm,
			load, admit find, call find, admit unlist, call unlist, discard, save completed`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		name:  "SomebodyElseIsSuppressedBeforeItsIntent",
		rules: soonCleared,
		set:   func(s *service) { s.ports.before = s.suppressedAt("admit confirm", "+393339999999") },
		live:  func(s *service) { s.request(s.toItsOwn()); s.rest() },
		points: `load, told, prepare, save requested, publish audience_prepared, admit list, call list, save requested, open, admit upload,
			call upload, save requested, admit count, call count, admit create, call create, save drafted, admit configure, call configure,
			admit calculate, call calculate, admit price, call price, screen, admit confirm, screen, save confirming, publish cost_calculated, call confirm,
			save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, save completed, arm,
			load, admit find, call find, admit unlist, call unlist, discard, save completed`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
}

// suppressedAt has somebody suppressed when a point is passed for the first time.
func (s *service) suppressedAt(point, phone string) func(string) {
	var once sync.Once
	return func(name string) {
		if name == point {
			once.Do(func() { s.people.Suppress(phone) })
		}
	}
}
