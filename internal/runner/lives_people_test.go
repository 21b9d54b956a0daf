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
		name:  "TextsOfTheirOwnAreUploadedAgainAfterAWait",
		rules: soonCleared,
		live: func(s *service) {
			r := s.toEach()
			r.Limits.Approval = true
			s.request(r)
			s.waitsFor(campaign.NeedApproval)
			s.approve()
			s.rest()
		},
		points: `load, told, prepare, save requested, publish audience_prepared, admit list, call list, save requested, claim, open, admit upload, call upload, save requested, admit count, call count, admit create, call create, save drafted, admit configure, call configure, admit calculate, call calculate, admit price, call price, save quoted, publish cost_calculated, publish approval_required, release, save quoted, arm,
			load, save abandoning, publish approved, arm,
			load, publish approved, admit status, call status, admit delete, call delete, told, save requested, claim, open, admit upload, call upload, save requested, admit count, call count, admit create, call create, save drafted, admit configure, call configure, admit calculate, call calculate, admit price, call price, claim, screen, admit confirm, screen, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, release, save completed, arm,
			load, arm,
			load, admit find, call find, admit unlist, call unlist, discard, save completed`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		name:  "BehindAnotherWithTheSamePeople",
		rules: soonCleared,
		set:   func(s *service) { s.comesFirst(20 * time.Second) },
		live:  func(s *service) { s.request(s.toEach()); s.rest() },
		points: `load, told, prepare, save requested, publish audience_prepared, admit list, call list, save requested, claim, save requested, arm,
			load, told, save requested, claim, save requested, arm,
			load, told, save requested, claim, save requested, arm,
			load, told, save requested, claim, save requested, arm,
			load, told, save requested, claim, open, admit upload, call upload, save requested, admit count, call count, admit create, call create, save drafted, admit configure, call configure, admit calculate, call calculate, admit price, call price, claim, screen, admit confirm, screen, save confirming, publish cost_calculated, call confirm, save confirmed, publish confirmed, arm,
			load, publish confirmed, admit stats, call stats, save sending, publish stats, arm,
			load, publish stats, admit stats, call stats, save completed, publish stats, release, save completed, arm,
			load, admit find, call find, admit unlist, call unlist, discard, save completed`,
		ends: map[campaign.State]int{campaign.Completed: 1},
	},
	{
		name:  "ItTakesAListThatComesLateAndKeepsToIt",
		rules: soonCleared,
		live:  takesAListThatComesLate,
		points: `load, told, prepare, save requested, arm,
			load, told, prepare, save requested, publish audience_prepared, admit list, call list, save requested, open, admit upload,
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

// takesAListThatComesLate is a campaign to the newest list under a name. That is of last
// week, and the next one comes a moment later. A third one is published meanwhile: whatever
// crashes, it is sent to the people of one of the two, and the record says which.
func takesAListThatComesLate(s *service) {
	r := blackFriday()
	r.ListID, r.Audience = 0, &campaign.Audience{Name: "this-week", MaxAge: 48 * time.Hour}
	now := time.Now()
	s.people.Publish("this-week", now.Add(-7*24*time.Hour), "+393331234504")
	time.AfterFunc(500*time.Millisecond, func() {
		s.people.Publish("this-week", now.Add(-time.Hour), "+393331234501", "+393331234502", "+393331234503")
	})
	time.AfterFunc(6*time.Second, func() { s.people.Publish("this-week", now, "+393331234505") })
	time.AfterFunc(12*time.Hour, func() { s.people.Publish("this-week", time.Now()) }) // the one that was taken is replaced
	s.request(r)
	s.rest()
	people := map[string]int{"list 2": 3, "list 3": 1}
	c := s.record()
	if c.Prepared == nil || people[c.Prepared.Version.Digest] != int(c.Prepared.Sent) {
		s.t.Fatalf("it took %+v, want one of two lists", c.Prepared)
	}
	for _, l := range s.gateway.SeenLists() {
		if s.gateway.Messages(l.ID) > 0 && len(l.Phones) != people[c.Prepared.Version.Digest] {
			s.t.Errorf("the record says that it took %+v, and it was sent to %v", c.Prepared.Version, l.Phones)
		}
	}
}
