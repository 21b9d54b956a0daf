package pace_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/pace"
)

var friday = time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)

func after(minutes int) time.Time { return friday.Add(time.Duration(minutes) * time.Minute) }

// sending is a campaign of a thousand that was looked at.
func sending(n int, measured time.Time, sent, perMinute int64) campaign.Campaign {
	c := campaign.Campaign{
		Key:       campaign.Key{Source: "shop-italia", RequestID: fmt.Sprint(n)},
		State:     campaign.Sending,
		Confirmed: &campaign.Confirmation{At: friday},
		Quote:     &campaign.Quote{Goal: campaign.Goal{Valid: 1000}},
		Stats:     &campaign.Stats{Status: campaign.StatusSending, Total: 1000, Sent: sent},
	}
	if perMinute > 0 {
		c.Progress = &campaign.Progress{At: measured, Sent: sent, PerMinute: perMinute}
	}
	return c
}

func ended(c campaign.Campaign) campaign.Campaign {
	c.State = campaign.Completed
	c.Stats = &campaign.Stats{Status: campaign.StatusCompleted, Total: 1000, Sent: 1000}
	return c
}

func want(t *testing.T, p *pace.Estimator, now time.Time, want campaign.Pace) {
	t.Helper()
	if diff := cmp.Diff(want, p.Estimate(now)); diff != "" {
		t.Errorf("known at %s (-want +got):\n%s", now.Format("15:04"), diff)
	}
}

func TestPace(t *testing.T) {
	t.Parallel()
	t.Run("NothingIsKnownAtFirst", func(t *testing.T) {
		t.Parallel()
		want(t, &pace.Estimator{}, friday, campaign.Pace{})
	})

	t.Run("TheSlowestCountsWhetherItHasEndedOrNot", func(t *testing.T) {
		t.Parallel()
		var p pace.Estimator
		p.Observe(ended(sending(1, after(1), 900, 60)), after(1))
		p.Observe(sending(2, after(2), 400, 200), after(2))
		want(t, &p, after(2), campaign.Pace{Seen: 2, PerMinute: 60, Largest: 900, Others: 1, Ahead: 600, Together: 200})
		p.Observe(sending(2, after(3), 410, 50), after(3))
		want(t, &p, after(3), campaign.Pace{Seen: 2, PerMinute: 50, Largest: 900, Others: 1, Ahead: 590, Together: 50})
	})

	t.Run("OneThatIsJustConfirmedCountsAtOnce", func(t *testing.T) {
		t.Parallel()
		var p pace.Estimator
		p.Observe(sending(1, after(5), 300, 70), after(5))
		want(t, &p, after(5), campaign.Pace{Seen: 1, PerMinute: 70, Largest: 300, Others: 1, Ahead: 700, Together: 70})
		p.Observe(sending(2, time.Time{}, 0, 0), after(5))
		want(t, &p, after(5), campaign.Pace{Seen: 1, PerMinute: 70, Largest: 300, Others: 2, Ahead: 1700, Together: 70})
	})

	t.Run("SeveralAtOnceShareTheGateway", func(t *testing.T) {
		t.Parallel()
		var p pace.Estimator
		for n := range 3 {
			p.Observe(sending(n, after(5), 300, 70), after(5))
		}
		confirmed := sending(3, time.Time{}, 0, 0)
		confirmed.State, confirmed.Stats = campaign.Confirmed, nil
		p.Observe(confirmed, after(5))
		want(t, &p, after(5), campaign.Pace{Seen: 3, PerMinute: 70, Largest: 300, Others: 4, Ahead: 3*700 + 1000, Together: 210})
	})

	t.Run("FiveLaterSendingsOutweighAnOldOne", func(t *testing.T) {
		t.Parallel()
		var p pace.Estimator
		p.Observe(ended(sending(0, after(0), 900, 10)), after(0))
		for n := range 5 {
			if got := p.Estimate(after(n)).PerMinute; got != 10 {
				t.Errorf("after %d others it is %d a minute, want 10", n, got)
			}
			p.Observe(ended(sending(n+1, after(n+1), 900, 300)), after(n+1))
		}
		want(t, &p, after(5), campaign.Pace{Seen: 5, PerMinute: 300, Largest: 900})
		// Records are read again in any order, and the old one says nothing new.
		p.Observe(ended(sending(0, after(0), 900, 10)), after(6))
		p.Observe(ended(sending(3, after(3), 900, 300)), after(6))
		want(t, &p, after(6), campaign.Pace{Seen: 5, PerMinute: 300, Largest: 900})
	})

	t.Run("ADayLaterItIsForgotten", func(t *testing.T) {
		t.Parallel()
		var p pace.Estimator
		p.Observe(ended(sending(1, after(0), 900, 10)), after(0))
		want(t, &p, after(24*60-1), campaign.Pace{Seen: 1, PerMinute: 10, Largest: 900})
		want(t, &p, after(24*60), campaign.Pace{})
	})

	t.Run("WhatIsOverIsNotUnderWay", func(t *testing.T) {
		t.Parallel()
		all, cancelled, failed := sending(1, after(1), 500, 100), sending(2, time.Time{}, 0, 0), sending(3, after(1), 500, 100)
		var p pace.Estimator
		for _, c := range []campaign.Campaign{all, cancelled, failed} {
			p.Observe(c, after(1))
		}
		all.Stats = &campaign.Stats{Status: campaign.StatusSending, Total: 1000, Sent: 1000} // its reports are still to come
		cancelled.State, failed.State = campaign.Cancelling, campaign.Failed
		for _, c := range []campaign.Campaign{all, cancelled, failed} {
			p.Observe(c, after(2))
		}
		want(t, &p, after(2), campaign.Pace{Seen: 2, PerMinute: 100, Largest: 500})
	})

	t.Run("OneOfWhichNobodyHearsIsNotUnderWay", func(t *testing.T) {
		t.Parallel()
		var p pace.Estimator
		p.Observe(sending(1, after(1), 500, 100), after(1))
		want(t, &p, after(60), campaign.Pace{Seen: 1, PerMinute: 100, Largest: 500, Others: 1, Ahead: 500, Together: 100})
		want(t, &p, after(61), campaign.Pace{})
	})

	t.Run("OneThatIsForLaterIsNotYet", func(t *testing.T) {
		t.Parallel()
		c := sending(1, time.Time{}, 0, 0)
		c.State, c.Stats, c.Confirmed = campaign.Confirmed, nil, &campaign.Confirmation{At: friday, For: after(30)}
		var p pace.Estimator
		p.Observe(c, after(1))
		want(t, &p, after(1), campaign.Pace{})
		want(t, &p, after(30), campaign.Pace{Others: 1, Ahead: 1000})
	})

	t.Run("ASimulationSaysNothing", func(t *testing.T) {
		t.Parallel()
		c := sending(1, after(1), 500, 10)
		c.Request.Simulation = true
		var p pace.Estimator
		p.Observe(c, after(1))
		want(t, &p, after(1), campaign.Pace{})
	})

	t.Run("AnOlderRecordTakesNothingBack", func(t *testing.T) {
		t.Parallel()
		var p pace.Estimator
		p.Observe(sending(1, after(5), 500, 100), after(5))
		p.Observe(sending(1, after(3), 300, 90), after(6)) // read before, handed over after
		want(t, &p, after(6), campaign.Pace{Seen: 1, PerMinute: 100, Largest: 500, Others: 1, Ahead: 500, Together: 100})
	})
}

// Five thousand campaigns under way, on all workers at once.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	var p pace.Estimator
	var workers sync.WaitGroup
	for w := range 8 {
		workers.Go(func() {
			for n := range 625 {
				c := sending(w*625+n, after(1), 500, 100)
				p.Observe(c, after(1))
				p.Estimate(after(1))
			}
		})
	}
	workers.Wait()
	want(t, &p, after(2), campaign.Pace{Seen: 1000, PerMinute: 100, Largest: 500, Others: 1000, Ahead: 500_000, Together: 100_000})
}

// It is asked at every step of every campaign, and told of every save.
func TestItAllocatesNothing(t *testing.T) {
	var p pace.Estimator
	c, other := sending(1, after(1), 500, 100), campaign.Campaign{Key: campaign.Key{Source: "a", RequestID: "b"}}
	p.Observe(c, after(1))
	if n := testing.AllocsPerRun(1000, func() {
		p.Observe(other, after(1))
		p.Observe(c, after(1))
		p.Estimate(after(1))
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
