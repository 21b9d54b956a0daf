package campaign_test

import (
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// A campaign whose figures never added up can be followed again, after the gateway has
// corrected them: for as long as at first. No number of a statistic is used twice.
func TestFollowedAgain(t *testing.T) {
	t.Parallel()
	unreconciled := plus(toItsConfirm, "confirm ok", "due", "woken", "stats SENDING", "reload", "in 73 hours", "woken",
		"stats COMPLETED, sums disagree", "delivered", "reload")
	s := replay(t, blackFriday(), unreconciled...)
	if last := s.told[len(s.told)-1]; s.c.State != campaign.Unreconciled || !last.Last {
		t.Fatalf("it is %s, told %s: the test does not test what it says", s.c.State, last.Type)
	}
	s = replay(t, blackFriday(), plus(unreconciled, "follow")...)
	if s.c.State != campaign.Sending || s.call == nil || s.call.Op != campaign.OpStats || s.c.Followed.By != "anna" {
		t.Fatalf("it is %s and goes on with %v, want that the statistics are read at once", s.c.State, s.call)
	}
	n := s.c.StatsN
	s = replay(t, blackFriday(), plus(unreconciled, "follow", "stats COMPLETED")...)
	if last := s.told[len(s.told)-1]; s.c.State != campaign.Completed || last.Type != campaign.EventStats || !last.Last || last.N != n+1 {
		t.Errorf("they add up now: it is %s, told %s.%d", s.c.State, last.Type, last.N)
	}
	s = replay(t, blackFriday(), plus(unreconciled, "follow", "stats SENDING", "reload", "in 4 hours", "woken", "stats SENDING")...)
	if s.c.State != campaign.Sending {
		t.Errorf("after 4 hours it is %s, want that it is followed as long as at first", s.c.State)
	}
	again := plus(unreconciled, "follow", "stats SENDING", "reload", "in 73 hours", "woken", "stats SENDING")
	if s = replay(t, blackFriday(), again...); s.c.State != campaign.Unreconciled {
		t.Errorf("after 73 hours more it is %s", s.c.State)
	}
	if s = replay(t, blackFriday(), plus(again, "delivered", "reload", "follow")...); s.c.State != campaign.Sending {
		t.Errorf("followed a third time it is %s", s.c.State)
	}
	if s = replay(t, blackFriday(), plus(unreconciled, "another gateway is configured", "follow")...); s.call != nil || s.c.Wake.Before(s.now) {
		t.Errorf("at another gateway it goes on with %v", s.call)
	}
}

// A record that is rebuilt from its events is followed if a person had it followed
// again.
func TestFollowedAgainOutlivesItsRecord(t *testing.T) {
	t.Parallel()
	counted := campaign.Stats{Status: campaign.StatusSending, Total: 9831, Sent: 5000, Pending: 4831}
	last := campaign.Event{Type: campaign.EventStats, N: 3, At: friday, CampaignID: 1600, Last: true, Stats: &counted}
	next := campaign.Event{Type: campaign.EventStats, N: 4, At: friday.Add(time.Hour), CampaignID: 1600, Stats: &counted}
	s := replay(t, blackFriday(), "asked")
	if d := s.step(published(costTold(1, 1600), confirmedTold(1600, time.Time{}), last, next)); d.Next.State != campaign.Sending || d.Next.StatsN != 4 {
		t.Errorf("it is %s with %d statistics, want sending and 4", d.Next.State, d.Next.StatsN)
	}
}
