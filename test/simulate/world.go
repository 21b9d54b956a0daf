package simulate

import (
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// Options change production, so that a test sees it fail. The zero value is
// production.
type Options struct {
	// Decide stands between the rules and the runner. Nil: the rules alone.
	Decide func(campaign.Rules) func(campaign.Campaign, campaign.Input, campaign.Facts) campaign.Decision
	// Rules changes the rules' times. Nil: they are the defaults.
	Rules func(*campaign.Rules)
	// Journal stands between each runner and its journal. Nil: nothing does.
	Journal func(runner.Journal) runner.Journal
	// Gateway stands between each runner and the gateway. Nil: nothing does.
	Gateway func(runner.Gateway) runner.Gateway
	// Deliver is asked before a message is handled; false: it is
	// acknowledged instead. Nil: everything is handled.
	Deliver func(m runner.Wakeup, armed time.Time, record campaign.Campaign) bool
	// Verdict changes the answer to a message. Nil: it is as the runner says.
	Verdict func(loop.Verdict) loop.Verdict
	// AckFirst acknowledges a message before it is handled.
	AckFirst bool
	// Subject ends an event's subject, given the sequence of the record that
	// owes it. Nil: the event's ordinal does.
	Subject func(e campaign.Event, seq int) int
	// AnyConnection lets a revision outlive the connection it was read on.
	AnyConnection bool
	// OwnPeople lets every request come with its own recipients.
	OwnPeople bool
	// NoSweep leaves out the sweep that looks for requests without a record.
	NoSweep bool
}

// World is where histories happen, one after the other. It is made and used
// inside one synctest bubble.
type World struct {
	opts       Options
	rules      campaign.Rules
	tape       Tape
	totals     [3]*worker
	gateway    *runnertest.Gateway
	transcript *transcript // nil: nothing is written
	script     *Script     // nil: the tape decides
	choices    []option

	calls               int                    // of ports, in all histories
	faults              [len(faultNames)]int   // in all histories
	ended               map[campaign.State]int // in all histories
	histories, confirms int                    // in all histories
	unresolved          map[string]Share       // in all histories

	// One history.
	streams
	ledger           ledger
	people           *runnertest.People // who came with the request, where they do
	ledgerBefore     ledger             // what it was before its last write
	budgeted         bool
	start, now       time.Time
	workers          []*worker
	last             *worker // the one that went on last
	request          campaign.Request
	messages         []*message
	arrivals         []arrival
	backup           []version        // of the records
	backupAt         int              // the step at which it is made; negative: none is
	elsewhere        bool             // another gateway is configured
	measured         bool             // it was measured that configure is refused once a campaign was confirmed
	faultsLeft       int              // faults that may still come
	liesLeft         int              // how many of them may be lies
	lastLie          faultKind        // the last one
	oneIn            int              // of so many calls one goes wrong
	weakSpots        [2]string        // calls at which it is every other one
	powerAt          int              // the step at which the power fails; negative: it does not
	next             runnertest.Fault // for the call that is being made
	expectUntil      time.Time        // something is under way until then
	sweepAt          time.Time        // when the sweep looks for what is stranded
	sweeps           int
	deliveries       int
	deliveriesAtOnce int // deliveries since the clock moved
	observed         observed
	violation        *Violation
}

// observed is what happened in a history that changes what may be expected of it.
type observed struct {
	powerCut       bool // a power cut took something back
	unmade         bool // it took back an end that may have been published
	unfiled        bool // it took back a write of the ledger
	old, hollowPut bool // reads were old; a configure did nothing and said nothing
	lie            bool // something was not true
	moved          bool // the gateway is another one than it was
	unrecorded     bool // the record was lost, or an older one put in its place
	refusal        bool // the gateway refused something for no visible reason
	tooLate        bool // a confirm was under way longer than S allows for
	cancelled      bool // a person cancelled
	approved       bool // a person approved
	declined       bool // a person declined
	byHand         bool // a person deleted it at the gateway
	partial        bool // a part of its own recipients was missing for a while
	miscounted     bool // its lists were counted wrong a few times
}

// ackWait is how long a message stays with a worker that gives no sign of life.
const ackWait = 10 * time.Second

// Bounds on a history that does not end.
const (
	maxSteps      = 5000
	maxDeliveries = 500
	maxAtOnce     = 50 // in one moment
	maxSweeps     = 12
)

var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

var key = campaign.Key{Source: "shop-italia", RequestID: "bf-2026"}

// message is a wake-up in a stream, until it is acknowledged.
type message struct {
	runner.Wakeup
	ready  time.Time // when it may be delivered; never: it is in hand
	holder *worker   // the worker that got it last
	done   bool
	armed  time.Time // a timer: the instant it was armed for
}

// arrival is a message that a person will send, or something else that a person
// does.
type arrival struct {
	step    int       // not before so many steps
	at      time.Time // and not before
	wakeup  runner.Wakeup
	answer  bool   // it answers the campaign's question: not before that is asked
	does    func() // instead of a message
	arrived bool
}

// NewWorld makes a world. Close ends it.
func NewWorld(o Options) *World {
	// Few repetitions, so that rules that repeat much end soon.
	rules := campaign.Rules{Denials: 3, Vanished: 3, Rounds: 8, GiveUp: 24 * time.Hour, RecipientsKeep: 6 * time.Hour, LookAgain: 4 * time.Hour, PollMax: time.Hour, BackoffMax: 20 * time.Minute}
	if o.Rules != nil {
		o.Rules(&rules)
	}
	w := &World{opts: o, rules: rules.WithDefaults()}
	w.gateway, w.ended = newGateway(w), map[campaign.State]int{}
	w.unresolved = map[string]Share{}
	for i, name := range []string{"A", "B", "C"} {
		w.totals[i] = newWorker(w, name)
	}
	return w
}

// Totals is what happened in all histories so far.
func (w *World) Totals() Totals {
	c := Totals{Histories: w.histories, Ended: w.ended, Confirms: w.confirms, Calls: w.calls, Wrong: map[string]int{}, Unresolved: w.unresolved}
	for what, n := range w.faults {
		if n > 0 {
			c.Wrong[faultNames[what]] = n
		}
	}
	return c
}

// Close ends the workers.
func (w *World) Close() {
	for _, k := range w.totals {
		k.stop()
	}
}

// Run runs the history of a seed. Nil: no promise was broken.
func (w *World) Run(seed uint64) *Violation {
	w.tape.Roll(seed)
	return w.run()
}

// Replay runs the history on a tape.
func (w *World) Replay(choices []uint16) *Violation {
	w.tape.Replay(choices)
	return w.run()
}

func (w *World) run() *Violation {
	w.reset()
	if w.script != nil {
		w.setUp()
	} else {
		w.drawHistory()
	}
	w.runHistory()
	if w.violation == nil {
		w.judge()
	}
	if w.violation != nil {
		w.violation.Tape = append([]uint16(nil), w.tape.made...)
	}
	for _, k := range w.workers {
		if k.msg != nil {
			k.die()
		}
	}
	return w.violation
}

// reset forgets the last history.
func (w *World) reset() {
	w.now = time.Now()
	w.start, w.expectUntil = w.now, w.now
	w.streams = streams{versions: w.versions[:0], events: w.events[:0], timers: w.timers[:0], saves: w.saves[:0]}
	w.messages, w.arrivals = w.messages[:0], w.arrivals[:0]
	w.ledger, w.ledgerBefore, w.budgeted = ledger{}, ledger{}, false
	w.backup, w.backupAt, w.elsewhere, w.measured = w.backup[:0], -1, false, false
	w.last, w.sweepAt, w.sweeps, w.deliveries, w.deliveriesAtOnce = nil, never, 0, 0, 0
	w.observed, w.violation = observed{}, nil
	w.gateway.Reset()
	for _, k := range w.totals {
		*k = worker{w: w, name: k.name, resume: k.resume, stop: k.stop, yield: k.yield, epoch: 1, since: w.now, down: w.now}
	}
}

// streamNow is the streams' clock.
func (w *World) streamNow() time.Time { return w.now.Add(w.skew).Round(0).UTC() }

// sleep moves the clock.
func (w *World) sleep(until time.Time) {
	time.Sleep(until.Sub(w.now))
	w.now = time.Now()
}

// expect keeps the history going until what is under way has arrived.
func (w *World) expect(after time.Duration) {
	if at := w.now.Add(after); at.After(w.expectUntil) {
		w.expectUntil = at
	}
}
