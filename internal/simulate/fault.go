package simulate

import (
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// wrong is what goes wrong at a port call.
type wrong int

const (
	fine         wrong = iota
	frozen             // the worker stands still before the call, for some time
	dies               // the worker dies before the call
	diesAfter          // the call has its effect, and the worker dies
	lost               // no effect, no answer
	replyLost          // the effect, no answer
	late               // no answer; the effect comes later
	repeated           // the effect twice; the answer is the second one's
	refused            // the gateway says no
	notAttempted       // the call does not leave
	throttled          // 429
	unauthorised       // 401
	disconnected       // the worker's connection to the streams breaks before the call
	powerCut           // the streams lose their last acknowledged write, and every connection
	timerCut           // the same, and what is lost is a timer
	leaderless         // the records answer nobody for a while
	hollow             // the gateway says yes, and does nothing
	unfound            // one read is answered 404
	allBlind           // from now on everything is answered 404, by somebody else
	readsBlind         // from now on every read is answered 404
	readsOld           // from now on what is confirmed reads unconfirmed
	recordLost         // the service stops, the records are gone, and it starts again
	restored           // the same, and an older backup of them is put in their place
	moved              // the service stops, and another gateway is configured
	replaced           // the gateway is another one under its old address
)

var wrongNames = [...]string{"fine", "frozen", "dies", "done, then dies", "lost", "done, reply lost", "late",
	"repeated on the way", "refused", "not attempted", "throttled", "unauthorised", "the connection breaks", "POWER CUT", "POWER CUT, a timer is lost", "no leader",
	"success without effect", "a false 404", "EVERYTHING IS ANSWERED 404", "READS ARE ANSWERED 404", "READS ARE OLD",
	"THE RECORD IS LOST", "AN OLDER RECORD IS RESTORED", "ANOTHER GATEWAY IS CONFIGURED", "THE GATEWAY IS ANOTHER ONE"}

// fault is something that goes wrong, once.
type fault struct {
	what  wrong
	after time.Duration // how long, or how much later
	code  int           // refused
}

// What can go wrong where: what does the most harm, more often. The order is
// part of every tape that is kept.
var (
	atLoad  = []wrong{frozen, dies, lost, disconnected, leaderless}
	atSave  = []wrong{frozen, frozen, dies, diesAfter, lost, replyLost, late, disconnected, leaderless}
	atWrite = []wrong{frozen, dies, diesAfter, lost, replyLost, disconnected}
	atAdmit = []wrong{frozen, dies, notAttempted, throttled, unauthorised, disconnected}
	atCall  = []wrong{frozen, frozen, frozen, late, late, dies, diesAfter, lost, replyLost, repeated, throttled, unauthorised, notAttempted, disconnected}
	// What the gateway can refuse it may refuse for no visible reason.
	atRefusable = append([]wrong{refused}, atCall...)
	// What can be untrue where.
	lieAtSuccess = []wrong{hollow, hollow, allBlind, readsBlind, readsOld}
	lieAtRead    = []wrong{unfound, unfound, allBlind, readsBlind, readsOld}
	lieAtLoad    = []wrong{recordLost, restored, moved, replaced}
)

// How long things take: longer than the redelivery, L, the lease, S.
var (
	freezes = []time.Duration{15 * time.Second, 3 * time.Second, 70 * time.Second, 150 * time.Second, 20 * time.Minute, 3 * time.Hour}
	delays  = []time.Duration{30 * time.Second, time.Second, 100 * time.Second, 5 * time.Minute, 40 * time.Minute}
	breaks  = []time.Duration{0, 2 * time.Second, 12 * time.Second, 3 * time.Minute}
	pauses  = []time.Duration{time.Second, 30 * time.Second}
	absence = []time.Duration{9 * time.Second, 30 * time.Second}
	codes   = []int{400, 402, 404, 409}
	// How long a lie lasts; the last one does not end.
	spells = []time.Duration{3 * time.Minute, 20 * time.Second, 3 * time.Hour, 0}
)

// inTime is the longest delay that S allows for.
const inTime = 100 * time.Second

// draw decides what goes wrong with the call that a worker is about to make.
func (w *World) draw(k *worker, at string, menu []wrong) fault {
	if w.script != nil {
		return w.planned(k, at)
	}
	if w.budget == 0 || len(menu) == 0 {
		return fault{}
	}
	once := w.rate
	if w.sore[0] != "" {
		once = 60
		if at == w.sore[0] || at == w.sore[1] {
			once = 2
		}
	}
	if lies := w.untrue(at); w.lies > 0 && len(lies) > 0 {
		if i := w.tape.Rarely(once, len(lies)+1); i > 0 && w.may(lies[i-1], at) {
			w.lies--
			w.budget--
			w.saw.lie, w.lastLie = true, lies[i-1]
			w.saw.old = w.saw.old || w.lastLie == readsOld
			f := fault{what: lies[i-1]}
			if f.what >= allBlind && f.what <= readsOld {
				f.after = spells[w.tape.Choose(len(spells))]
			}
			return f
		}
	}
	i := w.tape.Rarely(once, len(menu)+1)
	if i == 0 {
		return fault{}
	}
	f := fault{what: menu[i-1]}
	if f.what == repeated && w.gateway.ConfirmsAgain {
		return fault{} // two confirms of a gateway that accepts both: nobody could help
	}
	w.budget--
	choose := func(from []time.Duration) { f.after = from[w.tape.Choose(len(from))] }
	switch f.what {
	case frozen:
		choose(freezes)
	case late:
		choose(delays)
	case disconnected:
		choose(breaks)
	case leaderless:
		choose(absence)
	case notAttempted, throttled, unauthorised:
		choose(pauses)
	case refused:
		f.code = codes[w.tape.Choose(len(codes))]
		w.saw.refusal = true
	}
	return f
}

// untrue is what may be untrue at a call.
func (w *World) untrue(at string) []wrong {
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

// may says that a lie can happen now, and that anybody could help against it.
func (w *World) may(lie wrong, at string) bool {
	switch lie {
	case allBlind, readsBlind:
		return w.gateway.Blind == runnertest.Sees
	case readsOld:
		// Old reads, and a configure that does nothing and says nothing, are one
		// story told by two: nobody could see through that.
		return w.gateway.Blind == runnertest.Sees && !w.saw.hollowPut
	case hollow:
		if at == "call configure" {
			w.saw.hollowPut = !w.saw.old
			return w.saw.hollowPut
		}
	case recordLost, restored:
		// The events must not have aged out: record and events lost at once are
		// what nobody can mend.
		return w.now.Sub(w.start) < eventsKept/2 && w.request.At.Sub(w.start) < eventsKept/2 && (lie == recordLost || len(w.backup) > 0)
	case moved:
		return !w.elsewhere
	case replaced:
		// It has to show whose campaign a number is.
		return !w.elsewhere && !w.gateway.StatsOnly && !w.gateway.Nameless
	}
	return true
}

// broken is the fault as the gateway's fake knows it.
func (f fault) broken() runnertest.Fault {
	b := runnertest.Fault{After: f.after}
	switch f.what {
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
	switch f.what {
	case notAttempted:
		return &campaign.Outcome{Op: op, Kind: campaign.NotAttempted, Err: "the breaker is open", RetryAfter: f.after}
	case throttled:
		return &campaign.Outcome{Op: op, Kind: campaign.Throttled, HTTP: 429, RetryAfter: f.after}
	case unauthorised:
		return &campaign.Outcome{Op: op, Kind: campaign.Unauthorised, HTTP: 401, RetryAfter: f.after}
	}
	return nil
}
