package app

import (
	"context"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// What was seen of the gateway's pace lies in the records. This process knows
// what it saves itself; the rest, from before its start and from other
// replicas, it reads again now and then.
const (
	learnSaves  = 1000
	learnEvery  = 10 * time.Minute
	learnWithin = 10 * time.Second
)

// learn reads the newest records for what they say of the pace. That they
// cannot be read stops nothing: what is not seen is assumed.
func (a *App) learn(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, learnWithin)
	defer cancel()
	err := a.journal.Newest(ctx, learnSaves, func(c campaign.Campaign) { a.pace.Saw(c, time.Now()) })
	if err != nil {
		a.opts.Log.Warn("the gateway's pace could not be learned from the records", "error", err)
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
	rules := a.opts.Rules.WithDefaults()
	known := func() campaign.Pace { return a.pace.At(time.Now()) }
	a.ops.Gauge("gateway_pace_messages_per_second", "What one sending is expected to get: as was seen, or as is set.", func() float64 {
		perMinute, _ := rules.PaceFor(known(), 1)
		return float64(perMinute) / 60
	})
	a.ops.Gauge("gateway_pace_sendings_seen", "By how many sendings of late the pace is known; 0: it is the one that is set.",
		func() float64 { return float64(known().Seen) })
	a.ops.Gauge("gateway_unsent_messages", "Messages that campaigns under way have still to send, as far as this process knows.",
		func() float64 { return float64(known().Ahead) })
}
