package simulate_test

import (
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/test/simulate"
)

// What the simulator came upon, as scripts: each of these once went wrong.
var stories = map[string]simulate.Script{
	// The gateway refused a date that lay in the past by then, and the request
	// was rejected for it.
	"TheInstantPassesWhileTheConfirmIsOnItsWay": {At: 40 * time.Second, Faults: []simulate.Planned{
		{Worker: "A", Call: "call confirm", What: "frozen", For: 70 * time.Second},
	}},
	// The save that emptied the outbox was lost, and forty days later the
	// stream had forgotten that it had been told.
	"APowerCutGivesBackWhatWasTold": {At: 40 * 24 * time.Hour, Faults: []simulate.Planned{
		{Worker: "A", Call: "load", What: "frozen", For: 15 * time.Second},
		{Worker: "A", Call: "load", What: "POWER CUT"},
	}},
	// The message of the run that saved the end was acknowledged by another
	// run, the last timer was lost, and nobody looked at the final record.
	"TheEndIsNotToldAndTheLastTimerIsLost": {Faults: []simulate.Planned{
		{Worker: "A", Call: "save confirmed", What: "frozen", For: 15 * time.Second},
		{Worker: "A", Call: "publish stats", What: "POWER CUT, a timer is lost"},
	}},
	// The power cut took the intent back, so the draft looked as if nobody had
	// ever meant to confirm it; the gateway would not delete it; it was left
	// behind a second later, and its confirm was still on the way.
	"APowerCutTakesAnIntentBackAndThereIsNoDelete": {NoDelete: 405, Faults: lateConfirmAndPowerCut},
	"APowerCutTakesAnIntentBackAndDeleteLeavesIt":  {NoDelete: 404, Faults: lateConfirmAndPowerCut},
}

var lateConfirmAndPowerCut = []simulate.Planned{
	{Worker: "A", Call: "call confirm", What: "late", For: 100 * time.Second},
	{Worker: "A", Call: "call status", What: "POWER CUT"},
}

func TestStories(t *testing.T) {
	for name, script := range stories {
		t.Run(name, func(t *testing.T) {
			with(t, simulate.Options{}, func(w *simulate.World) {
				story, v := w.Play(script)
				if v != nil {
					t.Errorf("%v\n%s", v, story)
				}
				t.Log(story)
			})
		})
	}
}
