package campaign_test

import (
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// However long something goes on, the record keeps the calls that matter.
func TestAttempts(t *testing.T) {
	t.Parallel()
	c := campaign.Campaign{}
	now := friday
	step := func(in campaign.Input) {
		t.Helper()
		now = now.Add(time.Minute)
		if o, ok := in.(campaign.Outcome); ok {
			o.Started = now
			in = o
		}
		c = rules.Step(c, in, campaign.Facts{Now: now, Age: time.Hour}).Next
	}
	step(campaign.Received{Key: key, Request: blackFriday()})
	step(published())
	step(campaign.Outcome{Op: campaign.OpCreate, Kind: campaign.OK, HTTP: 201, CampaignID: 1542})
	step(campaign.Outcome{Op: campaign.OpConfigure, Kind: campaign.Unavailable, Cause: campaign.Failing, Err: "html"})
	for i := range 100 {
		c.State, c.Draft = campaign.Confirmed, &campaign.Bound{ID: 1542}
		c.Confirmed = &campaign.Confirmation{At: friday}
		c.Wake = now
		step(campaign.Woken{})
		o := campaign.Outcome{Op: campaign.OpStats, Kind: campaign.OK, HTTP: 200, Stats: campaign.Stats{Status: campaign.StatusSending, Total: 1000, Sent: int64(i), Pending: 1000}}
		if i%10 == 9 {
			o = campaign.Outcome{Op: campaign.OpStats, Kind: campaign.Unavailable, HTTP: 502}
		}
		step(o)
	}
	if n := len(c.Attempts); n != 32 {
		t.Errorf("%d attempts are kept, want 32", n)
	}
	count, last := map[string]int{}, friday
	for _, a := range c.Attempts {
		count[string(a.Op)+" "+string(a.Kind)] += 1 + a.More
		if a.At.Before(last) {
			t.Errorf("%s of %s comes after one of %s", a.Op, a.At, last)
		}
		last = a.At
	}
	for what, want := range map[string]int{"create ok": 1, "configure unavailable": 1, "stats ok": 90, "stats unavailable": 10} {
		if count[what] != want {
			t.Errorf("%d × %s, want %d", count[what], what, want)
		}
	}
	if c.Attempts[0].Note != "campaign 1542" || c.Attempts[2].Note != "SENDING" {
		t.Errorf("notes %q, %q", c.Attempts[0].Note, c.Attempts[2].Note)
	}
	if !last.Equal(now) {
		t.Errorf("the last call kept is of %s, want %s", last, now)
	}
}
