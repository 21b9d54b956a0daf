package app_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// Lists that take the gateway long to calculate hold up nobody else, however many
// they are and however few workers.
func TestASlowCalculationHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	const slow, workers = 30, 2
	b := setup(t)
	o := b.options()
	o.Requests, o.Wakeups, o.Gateway.Timeout, o.Rules.Settle = workers, workers, 20*time.Second, 40*time.Second
	o.Gateway.RatePerMinute, o.Gateway.RatePerSecond = -1, -1
	b.run(o)
	if _, err := b.Sandbox.AddFault(sandbox.Fault{Operation: sandbox.Calculate, Name: "staffetta shop-italia.slow-", Delay: 4 * time.Second, Times: -1}); err != nil {
		t.Fatal(err)
	}
	for n := range slow {
		b.askFor(fmt.Sprintf("slow-%d", n), nil)
	}
	b.askFor("quick", nil)
	b.state("quick", campaign.Completed)
	for _, c := range b.Sandbox.Seen().Campaigns {
		if c.Confirms > 0 && c.Description != "[staffetta shop-italia.quick]" {
			t.Errorf("%s was confirmed before the quick one was completed", c.Description)
		}
	}
	for n := range slow {
		b.state(fmt.Sprintf("slow-%d", n), campaign.Completed)
	}
	if seen := b.Sandbox.Seen(); seen.Confirms != slow+1 || len(seen.Campaigns) != slow+1 {
		t.Errorf("%d confirms of %d drafts, want %d, each of one", seen.Confirms, len(seen.Campaigns), slow+1)
	}
}
