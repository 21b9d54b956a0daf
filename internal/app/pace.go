package app

import (
	"context"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// What was seen of the gateway's pace, and of the account's credit, lies in the records. This process knows
// what it saves itself; the rest, from before its start and from other
// replicas, it reads again now and then.
const (
	learnSaves  = 1000
	learnEvery  = 10 * time.Minute
	learnWithin = 10 * time.Second
)

// learn reads the newest records for what they say of each account: of its pace, and of
// its credit. That they cannot be read stops nothing: what is not seen is assumed.
func (a *App) learn(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, learnWithin)
	defer cancel()
	of := map[*account][]campaign.Campaign{}
	since, err := a.journal.Newest(ctx, learnSaves, func(c campaign.Campaign) {
		if one := a.accounts.of(c.Key, c); one != nil {
			one.pace.Observe(c, time.Now())
			of[one] = append(of[one], c)
		}
	})
	if err != nil {
		a.opts.Log.Warn("pace and credit of the gateway could not be learned from the records", "error", err)
		return
	}
	for _, one := range a.accounts.all {
		one.credit.learn(of[one], since, one.Log)
	}
}

// keepLearning does so until ctx ends.
func (a *App) keepLearning(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(learnEvery):
			a.learn(ctx)
		}
	}
}

// showPace shows what a sending is expected to get, and from how many that is known.
func (a *App) showPace() {
	known := func(c *account) campaign.Pace { return c.pace.Estimate(time.Now()) }
	a.gauges("gateway_pace_messages_per_second", "What one sending is expected to get: as was seen, or as is set.", func(c *account) float64 {
		perMinute, _ := c.Rules.WithDefaults().PaceFor(known(c), 1)
		return float64(perMinute) / 60
	})
	a.gauges("gateway_pace_sendings_seen", "By how many sendings of late the pace is known; 0: it is the one that is set.",
		func(c *account) float64 { return float64(known(c).Seen) })
	a.gauges("gateway_unsent_messages", "Messages that campaigns under way have still to send, as far as this process knows.",
		func(c *account) float64 { return float64(known(c).Ahead) })
}
