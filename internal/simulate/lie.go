package simulate

import (
	"time"

	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// What is not true: answers that somebody else gives, or that are old; records that
// were lost, or put back; a gateway that is another one.

// blind makes the gateway, or what stands before it, answer what is not so.
func (w *World) blind(f fault) {
	w.gateway.Blind = map[wrong]runnertest.Blindness{
		allBlind: runnertest.AllBlind, readsBlind: runnertest.ReadsBlind, readsOld: runnertest.ReadsOld,
	}[f.what]
	if f.after > 0 {
		w.arrivals = append(w.arrivals, arrival{at: w.now.Add(f.after), does: func() {
			w.tell("", "the truth is told again")
			w.gateway.Blind = runnertest.Sees
		}})
	}
}

// restart stops the service, changes what is said, and starts it again.
func (w *World) restart(what wrong) {
	for _, k := range w.workers {
		if k.msg != nil {
			k.die()
			k.fallSilent()
			k.dead, k.msg = false, nil
		}
		k.process = nil
		k.disconnect(time.Second)
	}
	w.saves = w.saves[:0]
	switch what {
	case recordLost, restored:
		w.versions = w.versions[:0]
		if what == restored {
			w.versions = append(w.versions, w.backup...)
		}
		w.saw.unrecorded = true
		w.askAgain()
	case moved, replaced:
		w.elsewhere = what == moved
		w.saw.moved = true
		w.gateway.Replace(runnertest.Stranger(1 + w.tape.Choose(3)))
	}
	w.sweepAt = w.now.Add(time.Minute)
}

// askAgain has the request come once more, by its source or the sweep, as long as its
// stream knows it.
func (w *World) askAgain() {
	if !w.remembered() {
		return
	}
	for _, m := range w.messages {
		if !m.done && m.Kind == runner.WakeRequest {
			return
		}
	}
	w.send(runner.Wakeup{Key: key, Kind: runner.WakeRequest, Request: w.request, Asked: w.asked()})
}

// keepBackup copies the records, at some moment.
func (w *World) keepBackup() {
	if c := w.record(); c.State == "" || c.State.Final() {
		return
	}
	w.backup = append(w.backup[:0], w.versions...)
	w.tell("", "somebody makes a backup of the record, %s", w.record().State)
}

// Where the gateway is, and where another one is.
const here, elsewhere = "https://gateway.example", "https://another.example"
