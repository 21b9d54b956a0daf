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
)

var wrongNames = [...]string{"fine", "frozen", "dies", "done, then dies", "lost", "done, reply lost", "late",
	"repeated on the way", "refused", "not attempted", "throttled", "unauthorised", "the connection breaks", "POWER CUT", "POWER CUT, a timer is lost", "no leader"}

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
	// What the gateway can refuse it may refuse for no visible reason. A
	// delete or a status that is refused wrongly would be a gateway that lies.
	atRefusable = append([]wrong{refused}, atCall...)
)

// How long things take: longer than the redelivery, L, the lease, S.
var (
	freezes = []time.Duration{15 * time.Second, 3 * time.Second, 70 * time.Second, 150 * time.Second, 20 * time.Minute, 3 * time.Hour}
	delays  = []time.Duration{30 * time.Second, time.Second, 100 * time.Second, 5 * time.Minute, 40 * time.Minute}
	breaks  = []time.Duration{0, 2 * time.Second, 12 * time.Second, 3 * time.Minute}
	pauses  = []time.Duration{time.Second, 30 * time.Second}
	absence = []time.Duration{9 * time.Second, 30 * time.Second}
	codes   = []int{400, 402, 404, 409}
)

// inTime is the longest delay that S allows for.
const inTime = 100 * time.Second

// draw decides what goes wrong with the call that a worker is about to make.
func (w *World) draw(k *worker, at string, menu []wrong) fault {
	if w.script != nil {
		return w.planned(k, at)
	}
	if w.budget == 0 {
		return fault{}
	}
	once := w.rate
	if w.sore[0] != "" {
		once = 60
		if at == w.sore[0] || at == w.sore[1] {
			once = 2
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
