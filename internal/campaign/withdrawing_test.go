package campaign_test

import (
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// A gateway that neither deletes a draft nor says how it stands is not asked for
// ever: after so many refusals a person is.
func TestAPersonIsAskedWhenTheStatusIsRefused(t *testing.T) {
	t.Parallel()
	for _, code := range []int{400, 403, 410} {
		refused := campaign.Outcome{Op: campaign.OpStatus, Kind: campaign.Refused, HTTP: code}
		deletes, lasted, c := withdrawn(t, refused)
		if c.State != campaign.Unresolved || deletes != rules.Denials+1 {
			t.Errorf("status refused %d: %s after %d deletes, want unresolved after %d", code, c.State, deletes, rules.Denials+1)
		}
		if lasted < 10*rules.BackoffMax {
			t.Errorf("status refused %d: it was asked %d times within %s, want longer and longer pauses", code, deletes, lasted)
		}
	}
}

// Whoever is kept from asking has been denied nothing.
func TestACallThatMayNotBeMadeIsNoDenial(t *testing.T) {
	t.Parallel()
	for _, o := range []campaign.Outcome{
		{Op: campaign.OpStatus, Kind: campaign.Throttled, HTTP: 429, RetryAfter: time.Second},
		{Op: campaign.OpStatus, Kind: campaign.Unauthorised, HTTP: 401, RetryAfter: time.Second},
		{Op: campaign.OpStatus, Kind: campaign.NotAttempted, RetryAfter: time.Second},
		{Op: campaign.OpStatus, Kind: campaign.Unavailable},
	} {
		if deletes, _, c := withdrawn(t, o); c.State != campaign.Abandoning || c.Denials != 0 {
			t.Errorf("status %s: %s with %d denials after %d deletes, want abandoning and none", o.Kind, c.State, c.Denials, deletes)
		}
	}
}

// withdrawn lives on with a draft whose confirm had no clear outcome, which no delete
// deletes, and whose status is always the same.
func withdrawn(t *testing.T, status campaign.Outcome) (deletes int, lasted time.Duration, c campaign.Campaign) {
	t.Helper()
	s := story(t, blackFriday(), "asked", "create ok", "configure ok", "calculate ok", "price ok", "admit ok", "reload", "settled", "woken", "status UNCONFIRMED")
	c, began := s.c, s.now
	for ; deletes < 100 && !c.State.Final(); deletes++ {
		for _, in := range []campaign.Input{campaign.Outcome{Op: campaign.OpDelete, Kind: campaign.Refused, HTTP: 405}, status} {
			c = rules.Step(c, in, campaign.Facts{Now: s.now}).Next
		}
		s.now = later(s.now, c.Wake)
		c = rules.Step(c, campaign.Woken{}, campaign.Facts{Now: s.now}).Next
	}
	return deletes, s.now.Sub(began), c
}
