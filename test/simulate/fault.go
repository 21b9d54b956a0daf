package simulate

import (
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// faultKind is what goes wrong at a port call.
type faultKind int

const (
	fine         faultKind = iota
	frozen                 // the worker stops before the call, for some time
	dies                   // the worker dies before the call
	diesAfter              // the call has its effect, and the worker dies
	lost                   // no effect, no answer
	replyLost              // the effect, no answer
	late                   // no answer; the effect comes later
	repeated               // the effect twice; the answer is the second one's
	refused                // the gateway says no
	notAttempted           // the call does not leave
	throttled              // 429
	unauthorised           // 401
	disconnected           // the worker's connection to the streams breaks before the call
	powerCut               // the streams lose their last acknowledged write, and every connection
	timerCut               // the same, and what is lost is a timer
	leaderless             // the records answer nobody for a while
	hollow                 // the gateway says yes, and does nothing
	unfound                // one read is answered 404
	allBlind               // from now on everything is answered 404, by a proxy
	readsBlind             // from now on every read is answered 404
	readsOld               // from now on what is confirmed reads unconfirmed
	recordLost             // the service stops, the records are gone, and it starts again
	restored               // the same, and an older backup of them is put in their place
	moved                  // the service stops, and another gateway is configured
	replaced               // the gateway is another one under its old address
)

var faultNames = [...]string{"fine", "frozen", "dies", "done, then dies", "lost", "done, reply lost", "late",
	"repeated on the way", "refused", "not attempted", "throttled", "unauthorised", "the connection breaks", "POWER CUT", "POWER CUT, a timer is lost", "no leader",
	"success without effect", "a false 404", "EVERYTHING IS ANSWERED 404", "READS ARE ANSWERED 404", "READS ARE OLD",
	"THE RECORD IS LOST", "AN OLDER RECORD IS RESTORED", "ANOTHER GATEWAY IS CONFIGURED", "THE GATEWAY IS ANOTHER ONE"}

// fault is something that goes wrong, once.
type fault struct {
	kind  faultKind
	after time.Duration // how long, or how much later
	code  int           // refused
}

// Which faults are possible at which call. A fault that does much harm is listed
// more than once. The order is part of every tape that is kept.
var (
	atLoad  = []faultKind{frozen, dies, lost, disconnected, leaderless}
	atSave  = []faultKind{frozen, frozen, dies, diesAfter, lost, replyLost, late, disconnected, leaderless}
	atWrite = []faultKind{frozen, dies, diesAfter, lost, replyLost, disconnected}
	atAdmit = []faultKind{frozen, dies, notAttempted, throttled, unauthorised, disconnected}
	atCall  = []faultKind{frozen, frozen, frozen, late, late, dies, diesAfter, lost, replyLost, repeated, throttled, unauthorised, notAttempted, disconnected}
	// The gateway may refuse these calls for no visible reason.
	atRefusable = append([]faultKind{refused}, atCall...)
	// Which lies are possible at which call.
	lieAtSuccess = []faultKind{hollow, hollow, allBlind, readsBlind, readsOld}
	lieAtRead    = []faultKind{unfound, unfound, allBlind, readsBlind, readsOld}
	lieAtLoad    = []faultKind{recordLost, restored, moved, replaced}
)

// How long faults last: some are longer than the redelivery, L, the lease or S.
var (
	freezeTimes  = []time.Duration{15 * time.Second, 3 * time.Second, 70 * time.Second, 150 * time.Second, 20 * time.Minute, 3 * time.Hour}
	delayTimes   = []time.Duration{30 * time.Second, time.Second, 100 * time.Second, 5 * time.Minute, 40 * time.Minute}
	breakTimes   = []time.Duration{0, 2 * time.Second, 12 * time.Second, 3 * time.Minute}
	lieTimes     = []time.Duration{time.Second, 30 * time.Second}
	absence      = []time.Duration{9 * time.Second, 30 * time.Second}
	refusalCodes = []int{400, 402, 404, 409}
	// How long a lie lasts; the last one does not end.
	leaderlessTimes = []time.Duration{3 * time.Minute, 20 * time.Second, 3 * time.Hour, 0}
)

// inTime is the longest delay that S allows for.
const inTime = 100 * time.Second

// draw decides what goes wrong with the call that a worker is about to make.
func (w *World) draw(k *worker, at string, menu []faultKind) fault {
	if w.script != nil {
		return w.plannedFault(k, at)
	}
	if w.faultsLeft == 0 || len(menu) == 0 {
		return fault{}
	}
	once := w.oneIn
	if w.weakSpots[0] != "" {
		once = 60
		if at == w.weakSpots[0] || at == w.weakSpots[1] {
			once = 2
		}
	}
	if lies := w.possibleLies(at); w.liesLeft > 0 && len(lies) > 0 {
		if i := w.tape.Rarely(once, len(lies)+1); i > 0 && w.lieAllowed(lies[i-1], at) {
			w.liesLeft--
			w.faultsLeft--
			w.observed.lie, w.lastLie = true, lies[i-1]
			w.observed.old = w.observed.old || w.lastLie == readsOld
			f := fault{kind: lies[i-1]}
			if f.kind >= allBlind && f.kind <= readsOld {
				f.after = leaderlessTimes[w.tape.Choose(len(leaderlessTimes))]
			}
			return f
		}
	}
	i := w.tape.Rarely(once, len(menu)+1)
	if i == 0 {
		return fault{}
	}
	f := fault{kind: menu[i-1]}
	if f.kind == repeated && w.gateway.ConfirmsAgain {
		return fault{} // a gateway that accepts two confirms: no protocol could prevent it
	}
	w.faultsLeft--
	choose := func(from []time.Duration) { f.after = from[w.tape.Choose(len(from))] }
	switch f.kind {
	case frozen:
		choose(freezeTimes)
	case late:
		choose(delayTimes)
	case disconnected:
		choose(breakTimes)
	case leaderless:
		choose(absence)
	case notAttempted, throttled, unauthorised:
		choose(lieTimes)
	case refused:
		f.code = refusalCodes[w.tape.Choose(len(refusalCodes))]
		w.observed.refusal = true
	}
	return f
}

// possibleLies are the lies that are possible at a call.
func (w *World) possibleLies(at string) []faultKind {
	switch at {
	case "call confirm", "call delete", "call configure":
		return lieAtSuccess
	case "call status", "call stats":
		return lieAtRead
	case "load":
		return lieAtLoad
	}
	return nil
}

// lieAllowed says that a lie is possible now, and that some protocol could see
// through it.
func (w *World) lieAllowed(lie faultKind, at string) bool {
	switch lie {
	case allBlind, readsBlind:
		return w.gateway.Blind == runnertest.Sees
	case readsOld:
		// Old reads together with a configure that does nothing and says nothing
		// tell one consistent lie: no protocol could see through that.
		return w.gateway.Blind == runnertest.Sees && !w.observed.hollowPut
	case hollow:
		if at == "call configure" {
			w.observed.hollowPut = !w.observed.old
			return w.observed.hollowPut
		}
	case recordLost, restored:
		// The events must not have aged out: if record and events are lost at
		// once, nothing can repair that.
		return w.now.Sub(w.start) < eventsKept/2 && w.request.At.Sub(w.start) < eventsKept/2 && (lie == recordLost || len(w.backup) > 0)
	case moved:
		return !w.elsewhere
	case replaced:
		// The gateway has to show to which campaign a number belongs.
		return !w.elsewhere && !w.gateway.StatsOnly && !w.gateway.Nameless
	}
	return true
}

// broken is the fault in the words of the fake gateway.
func (f fault) broken() runnertest.Fault {
	b := runnertest.Fault{After: f.after}
	switch f.kind {
	case lost:
		b.Break = runnertest.Lost
	case replyLost:
		b.Break = runnertest.ReplyLost
	case late:
		b.Break = runnertest.Late
	case repeated:
		b.Break = runnertest.Repeated
	case refused:
		b.Break, b.HTTP = runnertest.Refused, f.code
	case hollow:
		b.Break = runnertest.Hollow
	case unfound:
		b.Break = runnertest.Unfound
	case notAttempted:
		b.Break = runnertest.NotAttempted
	case throttled:
		b.Break = runnertest.Throttled
	case unauthorised:
		b.Break = runnertest.Unauthorised
	}
	return b
}

// notNow is the answer to an admission that is refused, nil if it is not.
func (f fault) notNow(op campaign.Op) *campaign.Outcome {
	switch f.kind {
	case notAttempted:
		return &campaign.Outcome{Op: op, Kind: campaign.NotAttempted, Err: "the breaker is open", RetryAfter: f.after}
	case throttled:
		return &campaign.Outcome{Op: op, Kind: campaign.Throttled, HTTP: 429, RetryAfter: f.after}
	case unauthorised:
		return &campaign.Outcome{Op: op, Kind: campaign.Unauthorised, HTTP: 401, RetryAfter: f.after}
	}
	return nil
}
