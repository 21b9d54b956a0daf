package app_test

import (
	"fmt"
	"testing"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// One source has asked for many campaigns, another one then asks for a few, in the one
// account that there is: they take turns, from the requests to the last look at the
// statistics. With so many as a consumer may not have unacknowledged, and more: go test
// ./internal/app -run TestASourceWaitsBehindNoOtherInOneAccount -waiting=100000 -v.
func TestASourceWaitsBehindNoOtherInOneAccount(t *testing.T) {
	t.Parallel()
	h := &companies{bundle: setup(t), dir: t.TempDir()}
	o := h.bundle.options()
	o.Gateway.RatePerMinute, o.Gateway.RatePerSecond = -1, 100
	h.run(o)
	h.fill("acqua-luce", *waiting)
	eventually(t, "the many are begun", func() bool { return h.Sandbox.Seen().Confirms > 20 })
	before := h.Sandbox.Seen().Confirms
	var few []campaign.Key
	for i := range 5 {
		few = append(few, h.askFrom("shop-italia", fmt.Sprint("few-", i)))
	}
	for _, key := range few {
		h.ends(key)
	}
	confirmed := h.Sandbox.Seen().Confirms - before - len(few)
	t.Logf("5 campaigns were completed beside %d that wait, of which %d were confirmed meanwhile", *waiting, confirmed)
	if before+confirmed >= *waiting/2 {
		t.Errorf("half of those that came before were sent first")
	}
	// Setting the sources apart has made no draft for nothing.
	for _, c := range h.Sandbox.Seen().Campaigns {
		if c.Deleted {
			t.Errorf("the draft %d of %s was thrown away", c.ID, c.Description)
		}
	}
}
